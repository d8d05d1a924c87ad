import { invalid, wholeWithin, withoutNul } from '../check.ts'
import type { RunCommand } from '../core.ts'
import { baseEnvironment, checkEnvironment, type Environment } from '../environment.ts'
import { CoreError } from '../errors.ts'
import { MAIN_SESSION, newCommandId } from '../ids.ts'
import type { CoreLimits, Range } from '../limits.ts'
import { checkCwd } from '../sandbox/plan.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'
import type { SandboxUser } from '../sandbox/sandbox.ts'
import type { LiveSession } from '../session/live-session.ts'
import type { CommandLimits, CommandRequest, Program } from './command.ts'

/** What one message to a driver may carry beside other fields. */
const LONGEST_TEXT_BYTES = 8 * 1024 ** 2
/** The kernel refuses a longer argument, its NUL counted (MAX_ARG_STRLEN). */
const LONGEST_ARGUMENT_BYTES = 131_072
/** Half of what the kernel takes for arguments and environment together. */
const LARGEST_ARGUMENTS_BYTES = 1024 ** 2

const NO_LIMITS: CommandLimits = {}
const NO_ENVIRONMENT: Environment = {}

const UIDS: { readonly [U in SandboxUser]: number } = { root: 0, sandboxuser: 1000 }

const LIMIT_RANGES: { readonly [L in keyof CommandLimits]-?: readonly [field: string, range: Omit<Range, 'default'>] } =
  {
    cpuMs: ['limits.cpu_ms', { min: 1, max: 24 * 3_600_000 }],
    memoryBytes: ['limits.memory_bytes', { min: 1024 ** 2, max: 1024 ** 4 }],
    fileBytes: ['limits.file_bytes', { min: 0, max: 1024 ** 4 }],
    nofile: ['limits.nofile', { min: 3, max: 1_048_576 }],
  }

/** A command ready for the driver, and the session that it belongs to. */
export interface PlannedCommand {
  readonly request: CommandRequest
  readonly session: LiveSession | undefined
}

/** Every default filled in; `request.invalid` names the field, `session.not_found` an unknown session. */
export function planCommand(
  sandbox: LiveSandbox,
  command: RunCommand,
  options: { readonly limits: CoreLimits; readonly background: boolean },
): PlannedCommand {
  const { limits, background } = options
  const session = sessionOf(sandbox, command)
  const inSession = session !== undefined
  return {
    session,
    request: {
      id: newCommandId(),
      program: programOf(command, session),
      cwd: cwdOf(sandbox, command, inSession),
      env: environmentOf(sandbox, command, inSession),
      stdin: command.stdin,
      stdinOpen: background,
      timeoutMs: wholeWithin('timeout_ms', command.timeoutMs, limits.timeoutMs),
      maxBytes: wholeWithin('output.max_bytes', command.output?.maxBytes, limits.outputBytes),
      merge: command.output?.merge ?? false,
      background,
      uid: command.user === undefined ? undefined : UIDS[command.user],
      limits: command.limits === undefined ? NO_LIMITS : checkLimits(command.limits),
    },
  }
}

function sessionOf(sandbox: LiveSandbox, command: RunCommand): LiveSession | undefined {
  if (command.argv !== undefined) {
    if (command.session != null) throw invalid('session', 'an argv runs in no session')
    return undefined
  }
  if (command.session === null) return undefined
  if (command.user !== undefined) throw invalid('user', 'needs argv or session null: a living session has its user')
  if (command.limits !== undefined) throw invalid('limits', 'needs argv or session null')
  return sandbox.session(command.session ?? MAIN_SESSION)
}

function programOf({ command: text, argv }: RunCommand, session: LiveSession | undefined): Program {
  if (argv !== undefined) {
    if (text !== undefined) throw invalid('argv', 'command and argv exclude each other')
    return { type: 'argv', argv: checkArguments(argv) }
  }
  if (text === undefined) throw invalid('command', 'one of command and argv is needed')
  // A text has at most three bytes for each of its UTF-16 units: most need no count.
  if (text.length * 3 > LONGEST_TEXT_BYTES && Buffer.byteLength(text) > LONGEST_TEXT_BYTES) {
    throw new CoreError('request.too_large', 'the command is too long', { maxBytes: LONGEST_TEXT_BYTES })
  }
  withoutNul('command', text)
  return session === undefined ? { type: 'shell', text } : { type: 'session', session: session.name, text }
}

function checkArguments(argv: readonly string[]): readonly string[] {
  if (argv.length === 0 || argv[0] === '') throw invalid('argv', 'must begin with a program')
  let bytes = 0
  for (const argument of argv) {
    const argumentBytes = Buffer.byteLength(withoutNul('argv', argument)) + 1
    if (argumentBytes > LONGEST_ARGUMENT_BYTES)
      throw invalid('argv', `no argument beyond ${LONGEST_ARGUMENT_BYTES} bytes`)
    bytes += argumentBytes
  }
  if (bytes > LARGEST_ARGUMENTS_BYTES) throw invalid('argv', `must be no more than ${LARGEST_ARGUMENTS_BYTES} bytes`)
  return argv
}

function cwdOf(sandbox: LiveSandbox, { cwd }: RunCommand, inSession: boolean): Uint8Array | undefined {
  if (cwd !== undefined) return Buffer.from(checkCwd('cwd', sandbox.record.cwd, cwd))
  return inSession ? undefined : Buffer.from(sandbox.record.cwd)
}

function environmentOf(sandbox: LiveSandbox, { env, user }: RunCommand, inSession: boolean): Environment {
  const added = env === undefined ? NO_ENVIRONMENT : checkEnvironment('env', env)
  if (inSession) return added
  return { ...baseEnvironment(user ?? sandbox.record.spec.user), ...sandbox.record.env, ...added }
}

function checkLimits(limits: CommandLimits): CommandLimits {
  for (const key of Object.keys(LIMIT_RANGES) as (keyof CommandLimits)[]) {
    const [field, range] = LIMIT_RANGES[key]
    const value = limits[key]
    if (value !== undefined) wholeWithin(field, value, { ...range, default: range.min })
  }
  return limits
}
