import { isCoreError } from '../../../core/errors.ts'
import { type Context, Exit } from './context.ts'
import { Killed, KillSwitch } from './kill-switch.ts'
import { parse, type Redirect, type SimpleCommand, SyntaxFault, type Word } from './parse.ts'
import { PROGRAMS } from './programs.ts'
import type { ShellState } from './shell-state.ts'

/** Runs a text and gives its exit code. `Killed` when something ended it. */
export async function runText(text: string, context: Context): Promise<number> {
  const { state } = context
  try {
    for (const command of parse(text)) {
      const { when } = command
      if (when !== 'always' && (state.status === 0) !== (when === 'success')) continue
      if (command.background) startJob(command, context)
      else state.status = await runSimple(command, context)
    }
  } catch (error) {
    if (error instanceof Exit) return (state.status = error.code)
    if (!(error instanceof SyntaxFault)) throw error
    context.stderr(Buffer.from(`shell: ${error.message}\n`))
    state.status = 2
  }
  return state.status
}

/** Runs one program by name. */
export async function runProgram(argv: readonly string[], context: Context): Promise<number> {
  const [name = '', ...args] = argv
  const program = PROGRAMS.get(name)
  if (program !== undefined) return program(args, context)
  context.stderr(Buffer.from(`${name}: command not found\n`))
  return 127
}

async function runSimple(command: SimpleCommand, context: Context): Promise<number> {
  const { state } = context
  const words = command.words.map((word) => expand(word, state))
  const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/.exec(words[0] ?? '')
  if (assignment !== null && words.length === 1) {
    state.set(assignment[1] ?? '', assignment[2] ?? '')
    return 0
  }
  try {
    const redirected = command.redirects.reduce((io, redirect) => applyRedirect(io, redirect), context)
    return words.length === 0 ? 0 : await runProgram(words, redirected)
  } catch (error) {
    if (!isCoreError(error)) throw error
    context.stderr(Buffer.from(`shell: ${error.message}\n`))
    return 1
  }
}

function startJob(command: SimpleCommand, context: Context): void {
  const killSwitch = new KillSwitch()
  const job = runSimple(command, { ...context, state: context.state.copy(), killSwitch })
  const done = job.then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof Killed) && !(error instanceof Exit)) throw error
    },
  )
  context.onJob({ killSwitch, done })
}

function applyRedirect(context: Context, { operator, target }: Redirect): Context {
  const { state, tree, stdout, stderr } = context
  const name = expand(target, state)
  if (operator === '>&') return { ...context, stdout: name === '2' ? stderr : stdout }
  if (operator === '<') return { ...context, stdin: tree.input(state.cwd, name) }
  if (operator === '>') tree.write(state.cwd, name, new Uint8Array())
  return { ...context, stdout: (bytes) => tree.append(state.cwd, name, bytes) }
}

function expand(word: Word, state: ShellState): string {
  return word.map((part) => ('text' in part ? part.text : state.value(part.variable))).join('')
}
