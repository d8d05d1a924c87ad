import { isCoreError } from '../../../core/errors.ts'
import { signalNumber } from '../../../core/command/signals.ts'
import { type Context, Exit } from './context.ts'
import { Killed } from './kill-switch.ts'
import { SHELL_PID, ShellState } from './shell-state.ts'

/** Gives its exit status. */
export type Program = (args: readonly string[], context: Context) => number | Promise<number>

/** All that the fake knows; no other program can be run. */
export const PROGRAMS: ReadonlyMap<string, Program> = new Map<string, Program>([
  ['true', () => 0],
  ['false', () => 1],
  [':', () => 0],
  ['echo', (args, { stdout }) => say(stdout, args[0] === '-n' ? args.slice(1).join(' ') : `${args.join(' ')}\n`)],
  ['printf', ([format = '', ...args], { stdout }) => say(stdout, formatted(format, args))],
  ['pwd', (_args, { state, stdout }) => say(stdout, `${state.cwd}\n`)],
  [
    'cd',
    ([path = '/'], { state, tree, stderr }) => orFail('cd', stderr, () => (state.cwd = tree.folder(state.cwd, path))),
  ],
  ['export', (args, { state }) => exportAll(args, state)],
  ['env', (_args, { state, stdout }) => say(stdout, environment(state))],
  ['exit', ([code], { state }) => exit(code === undefined ? state.status : Number(code) & 0xff)],
  ['sleep', ([seconds = '0'], context) => sleep(Number(seconds), context)],
  ['cat', cat],
  ['head', ([, bytes = '0', path = ''], { stdout, stderr }) => head(Number(bytes), path, stdout, stderr)],
  ['kill', kill],
  ['mkfifo', ([path = ''], { state, tree, stderr }) => orFail('mkfifo', stderr, () => tree.makeFifo(state.cwd, path))],
  ['ln', ([, target = '', path = ''], context) => link(target, path, context)],
  ['sh', shell],
  ['bash', shell],
])

function say(stdout: Context['stdout'], text: string): number {
  stdout(Buffer.from(text))
  return 0
}

function orFail(name: string, stderr: Context['stderr'], work: () => unknown): number {
  try {
    work()
    return 0
  } catch (error) {
    if (!isCoreError(error)) throw error
    stderr(Buffer.from(`${name}: ${error.message}\n`))
    return 1
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\t': '\t', '\\\\': '\\' }

function formatted(format: string, args: readonly string[]): string {
  const left = [...args]
  return format.replace(/\\[nt\\]|%[sd%]/g, (found) => {
    if (found === '%%') return '%'
    return found.startsWith('%') ? (left.shift() ?? '') : (ESCAPES[found] ?? found)
  })
}

function exportAll(args: readonly string[], state: ShellState): number {
  for (const arg of args) {
    const [, name = arg, value = state.value(arg)] = /^([^=]+)=([^]*)$/.exec(arg) ?? []
    state.set(name, value, true)
  }
  return 0
}

function environment(state: ShellState): string {
  const exported = [...state.variables].filter(([, variable]) => variable.exported)
  return exported.map(([name, { value }]) => `${name}=${value}\n`).join('')
}

function exit(code: number): never {
  throw new Exit(code)
}

async function sleep(seconds: number, { clock, killSwitch }: Context): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const cancel = clock.after(seconds * 1000, () => {
    resolve(undefined)
  })
  try {
    await killSwitch.or(promise)
  } finally {
    cancel()
  }
  return 0
}

async function cat(args: readonly string[], context: Context): Promise<number> {
  const { state, tree, stdin, stdout, stderr, killSwitch } = context
  const failed = args.map((path) => orFail('cat', stderr, () => stdout(tree.read(state.cwd, path))))
  if (args.length > 0) return Math.max(...failed)
  for (let bytes = await killSwitch.or(stdin.read()); bytes !== undefined; bytes = await killSwitch.or(stdin.read())) {
    stdout(bytes)
  }
  return 0
}

function head(bytes: number, path: string, stdout: Context['stdout'], stderr: Context['stderr']): number {
  if (path !== '/dev/zero') return say(stderr, 'head: only /dev/zero is known here\n') + 1
  stdout(new Uint8Array(bytes))
  return 0
}

function kill(args: readonly string[], { stderr }: Context): number {
  const [option = '', pid] = args.length > 1 ? args : ['-TERM', args[0]]
  const name = option.slice(1)
  const signal = signalNumber(name) ?? Number(name)
  if (pid === String(SHELL_PID)) throw new Killed(signal)
  return say(stderr, 'kill: no such process\n') + 1
}

function link(target: string, path: string, { state, tree, stderr }: Context): number {
  return orFail('ln', stderr, () => tree.makeLink(state.cwd, path, target))
}

async function shell([option, text = '']: readonly string[], context: Context): Promise<number> {
  if (option !== '-c') return say(context.stderr, 'sh: only -c is known here\n') + 1
  const { state } = context
  const exported = [...state.variables].filter(([, variable]) => variable.exported)
  const own = new ShellState(state.cwd, Object.fromEntries(exported.map(([name, { value }]) => [name, value])))
  return context.evaluate(text, { ...context, state: own })
}
