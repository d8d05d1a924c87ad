import type { Clock } from '../../core/clock.ts'
import type { CommandOutcome, CommandRequest } from '../../core/command/command.ts'
import { CoreError } from '../../core/errors.ts'
import type { CommandId, SandboxId, SessionName } from '../../core/ids.ts'
import type { SessionStart } from '../../core/ports/sandbox-driver.ts'
import type { ResolvedSandboxSpec } from '../../core/sandbox/sandbox.ts'
import { FakeCommand } from './fake-command.ts'
import { FakeTree } from './files/fake-tree.ts'
import { ShellState } from './shell/shell-state.ts'

interface Session {
  state: ShellState
  current: FakeCommand | undefined
}

/** One sandbox in memory. */
export class FakeSandbox {
  readonly id: SandboxId
  readonly spec: ResolvedSandboxSpec
  readonly tree: FakeTree
  readonly sessions = new Map<SessionName, Session>()
  readonly commands = new Map<CommandId, FakeCommand>()
  readonly createdAtMs: number
  lastUsedAtMs: number
  readonly #clock: Clock

  constructor(id: SandboxId, spec: ResolvedSandboxSpec, clock: Clock) {
    this.id = id
    this.spec = spec
    this.#clock = clock
    this.tree = new FakeTree(spec.limits.diskBytes, () => clock.now())
    this.createdAtMs = clock.now()
    this.lastUsedAtMs = this.createdAtMs
  }

  openSession(name: SessionName, { cwd, env }: SessionStart): void {
    const about = { sandboxId: this.id, session: name }
    if (this.sessions.has(name)) throw new CoreError('session.exists', 'there is such a session', about)
    this.sessions.set(name, { state: new ShellState(decode(cwd), env), current: undefined })
  }

  closeSession(name: SessionName): void {
    this.session(name).current?.cut({ type: 'killed', by: 'close' })
    this.sessions.delete(name)
  }

  session(name: SessionName): Session {
    const session = this.sessions.get(name)
    if (session !== undefined) return session
    throw new CoreError('session.not_found', 'there is no such session', { sandboxId: this.id, session: name })
  }

  command(id: CommandId): FakeCommand {
    const command = this.commands.get(id)
    if (command !== undefined) return command
    throw new CoreError('command.not_found', 'there is no such command', { sandboxId: this.id, commandId: id })
  }

  start(request: CommandRequest): FakeCommand {
    this.lastUsedAtMs = this.#clock.now()
    const { program, background } = request
    const command =
      program.type === 'session' ? this.#inSession(request, this.session(program.session)) : this.#apart(request)
    this.commands.set(request.id, command)
    if (program.type === 'session' && !background) this.#hold(this.session(program.session), command)
    return command
  }

  /** Everything in it ends. */
  end(outcome: CommandOutcome): void {
    for (const command of this.commands.values()) {
      command.cut(outcome)
      command.killJobs()
    }
  }

  #inSession(request: CommandRequest, session: Session): FakeCommand {
    if (!request.background && session.current !== undefined) {
      throw new CoreError('internal.defect', 'two commands at once in one session', {})
    }
    const state = session.state.copy()
    for (const [name, value] of Object.entries(request.env)) state.set(name, value, true)
    if (request.cwd !== undefined) state.cwd = decode(request.cwd)
    return new FakeCommand(request, { state, tree: this.tree, clock: this.#clock })
  }

  #apart(request: CommandRequest): FakeCommand {
    const state = new ShellState(decode(request.cwd ?? Buffer.from('/workspace')), request.env)
    return new FakeCommand(request, { state, tree: this.tree, clock: this.#clock })
  }

  /** The session is the command's until it ends; what it leaves is the state that the next one finds. */
  #hold(session: Session, command: FakeCommand): void {
    session.current = command
    const before = session.state
    void command.done.then(() => {
      session.current = undefined
      if (command.exited) session.state = putBack(before, command)
    })
  }
}

/** Takes back what was for one command only, unless the command has changed it itself. */
function putBack(before: ShellState, { request, state }: FakeCommand): ShellState {
  const after = state.copy()
  if (request.cwd !== undefined && after.cwd === decode(request.cwd)) after.cwd = before.cwd
  for (const [name, value] of Object.entries(request.env)) {
    const old = before.variables.get(name)
    if (after.variables.get(name)?.value !== value) continue
    if (old === undefined) after.variables.delete(name)
    else after.variables.set(name, old)
  }
  return after
}

const decode = (path: Uint8Array): string => Buffer.from(path).toString('latin1')
