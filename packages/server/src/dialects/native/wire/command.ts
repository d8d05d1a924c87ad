import { z } from 'zod'
import type { Command, RunCommand, RunOnce } from '../../../core/core.ts'
import type { CommandOutcome } from '../../../core/command/command.ts'
import { encodedPath } from './file.ts'
import { present } from './names.ts'
import * as wire from './primitives.ts'
import { decodeFiles, decodeLimits, files, network, sandboxLimits } from './sandbox.ts'

export const encoding = z.enum(['utf8', 'base64'])
export type Encoding = z.output<typeof encoding>

const commandLimits = z.strictObject({
  cpu_ms: wire.milliseconds.exactOptional(),
  memory_bytes: wire.bytes.exactOptional(),
  file_bytes: wire.bytes.exactOptional(),
  nofile: wire.count.exactOptional(),
})

const program = {
  command: wire.text.exactOptional(),
  argv: z.array(wire.text).min(1).max(65_536).exactOptional(),
  cwd: wire.pathText.exactOptional(),
  env: wire.environment.exactOptional(),
  stdin: z
    .string()
    .refine((value) => value.isWellFormed(), 'holds half a character')
    .exactOptional(),
  stdin_base64: wire.base64.exactOptional(),
  timeout_ms: wire.milliseconds.exactOptional(),
  output: z
    .strictObject({
      max_bytes: z.int().min(0).max(1_073_741_824).exactOptional(),
      encoding: encoding.exactOptional(),
      merge: z.boolean().exactOptional(),
    })
    .exactOptional(),
  limits: commandLimits.exactOptional(),
  user: wire.user.exactOptional(),
}

interface Exclusive {
  readonly command?: string
  readonly argv?: readonly string[]
  readonly stdin?: string
  readonly stdin_base64?: Uint8Array
}

/** What a shape of fields alone cannot say. */
function checkExclusive({ value, issues }: z.core.ParsePayload<Exclusive>): void {
  const refuse = (field: string, message: string): void => {
    issues.push({ code: 'custom', input: value, path: [field], message })
  }
  if (value.command === undefined && value.argv === undefined) refuse('command', 'give command or argv')
  if (value.command !== undefined && value.argv !== undefined) refuse('argv', 'give command or argv, not both')
  if (value.stdin !== undefined && value.stdin_base64 !== undefined)
    refuse('stdin_base64', 'give stdin or stdin_base64')
}

export const commandBody = z
  .strictObject({
    ...program,
    session: z.string().max(255).nullable().exactOptional(),
    background: z.boolean().exactOptional(),
  })
  .check(checkExclusive)
  .meta({ id: 'RunCommand' })

export const runBody = z
  .strictObject({
    ...program,
    template: z.string().min(1).max(63).exactOptional(),
    image: z.string().min(1).max(512).exactOptional(),
    files: files.exactOptional(),
    network: network.exactOptional(),
    sandbox_limits: sandboxLimits.exactOptional(),
    fetch: z.array(wire.pathText).max(1000).exactOptional(),
  })
  .check(checkExclusive)
  .meta({ id: 'RunOnce' })

type CommandBody = z.output<typeof commandBody>
type RunBody = z.output<typeof runBody>

/** What `POST …/commands` and `POST /v1/run` share. */
function decodeProgram(body: Omit<CommandBody, 'session' | 'background'>): Omit<RunCommand, 'session'> {
  const { limits, output } = body
  return present({
    command: body.command,
    argv: body.argv,
    cwd: body.cwd,
    env: body.env,
    stdin: body.stdin === undefined ? body.stdin_base64 : Buffer.from(body.stdin),
    timeoutMs: body.timeout_ms,
    output: output && present({ maxBytes: output.max_bytes, merge: output.merge }),
    limits:
      limits &&
      present({
        cpuMs: limits.cpu_ms,
        memoryBytes: limits.memory_bytes,
        fileBytes: limits.file_bytes,
        nofile: limits.nofile,
      }),
    user: body.user,
  })
}

export const decodeCommand = (body: CommandBody): RunCommand => ({
  ...decodeProgram(body),
  ...(body.session === undefined ? {} : { session: body.session }),
})

export const decodeRun = (body: RunBody): RunOnce => ({
  ...decodeProgram(body),
  ...present({
    template: body.template,
    image: body.image,
    files: body.files && decodeFiles(body.files),
    network: body.network,
    sandboxLimits: body.sandbox_limits && decodeLimits(body.sandbox_limits),
    fetch: body.fetch,
  }),
})

export const outcome = z
  .union([
    z.strictObject({ type: z.literal('exited'), exit_code: z.int() }),
    z.strictObject({ type: z.literal('signalled'), signal: z.string() }),
    z.strictObject({ type: z.literal('timed_out'), limit_ms: z.int() }),
    z.strictObject({ type: z.literal('out_of_memory'), limit_bytes: z.int() }),
    z.strictObject({ type: z.literal('killed'), by: z.string() }),
    z.strictObject({ type: z.literal('lost'), reason: z.string() }),
  ])
  .meta({ id: 'Outcome' })

export const command = z
  .strictObject({
    id: z.string(),
    sandbox_id: z.string(),
    session: z.string().nullable(),
    command: z.string().exactOptional(),
    argv: z.array(z.string()).exactOptional(),
    background: z.boolean(),
    state: z.enum(['running', 'finished']),
    outcome: outcome.nullable(),
    oom: z.boolean(),
    stdout: z.string().nullable(),
    stderr: z.string().nullable(),
    truncated: z.strictObject({ stdout_bytes: z.int(), stderr_bytes: z.int() }),
    encoding,
    started_at: wire.time,
    duration_ms: z.number(),
    usage: z.strictObject({ cpu_user_ms: z.number(), cpu_system_ms: z.number(), max_rss_bytes: z.int() }),
    cwd: z.string().nullable(),
    cwd_base64: z.string().exactOptional(),
    background_left: z.boolean(),
    session_restarted: z.boolean(),
  })
  .meta({ id: 'Command' })

export const ranOnce = command
  .extend({ files: z.record(z.string(), wire.answeredContent.nullable()) })
  .meta({ id: 'RanOnce' })

export function encodeCommand(value: Command, encoding: Encoding): z.output<typeof command> {
  const { program, usage } = value
  return {
    id: value.id,
    sandbox_id: value.sandboxId,
    session: program.type === 'session' ? program.session : null,
    ...(program.type === 'argv' ? { argv: [...program.argv] } : { command: program.text }),
    background: value.background,
    state: value.outcome === undefined ? 'running' : 'finished',
    outcome: value.outcome === undefined ? null : encodeOutcome(value.outcome),
    oom: value.oom,
    stdout: encodeOutput(value.stdout, encoding),
    stderr: encodeOutput(value.stderr, encoding),
    truncated: { stdout_bytes: value.stdoutDropped, stderr_bytes: value.stderrDropped },
    encoding,
    started_at: wire.encodeTime(value.startedAtMs),
    duration_ms: value.durationMs,
    usage: { cpu_user_ms: usage.cpuUserMs, cpu_system_ms: usage.cpuSystemMs, max_rss_bytes: usage.maxRssBytes },
    ...(value.cwd === undefined ? { cwd: null } : encodedPath('cwd', value.cwd)),
    background_left: value.backgroundLeft,
    session_restarted: value.sessionRestarted,
  }
}

function encodeOutput(value: Uint8Array | undefined, encoding: Encoding): string | null {
  if (value === undefined) return null
  return encoding === 'utf8' ? wire.decodeUtf8(value) : value.toBase64()
}

export function encodeOutcome(value: CommandOutcome): z.output<typeof outcome> {
  switch (value.type) {
    case 'exited':
      return { type: 'exited', exit_code: value.exitCode }
    case 'signalled':
      return { type: 'signalled', signal: value.signal }
    case 'timed_out':
      return { type: 'timed_out', limit_ms: value.limitMs }
    case 'out_of_memory':
      return { type: 'out_of_memory', limit_bytes: value.limitBytes }
    case 'killed':
      return { type: 'killed', by: value.by }
    case 'lost':
      return { type: 'lost', reason: value.reason }
  }
}
