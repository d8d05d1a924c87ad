import type { CommandRecord, CommandRequest } from '../../core/command/command.ts'
import { CoreError } from '../../core/errors.ts'
import type { CommandId, SandboxId, SessionName } from '../../core/ids.ts'
import type {
  DriverListener,
  DriverStatus,
  LivingSandbox,
  SandboxDriver,
  SessionStart,
} from '../../core/ports/sandbox-driver.ts'
import type { Isolation, ResolvedSandboxSpec } from '../../core/sandbox/sandbox.ts'
import type { FakeCommand } from './fake-command.ts'
import type { FakeMachine } from './fake-machine.ts'
import { FakeFiles } from './files/fake-files.ts'

/**
 * Keeps the promises of the port at small scale, for tests: files are in memory, commands are interpreted by a shell
 * that knows a dozen programs, and nothing of the host is touched.
 */
export class FakeDriver implements SandboxDriver {
  readonly name = 'fake'
  readonly capabilities = { survivesRestart: true }
  readonly files: FakeFiles
  readonly #machine: FakeMachine
  readonly #closed = Promise.withResolvers<never>()
  #listener: DriverListener | undefined
  #open = false

  constructor(machine: FakeMachine) {
    this.#machine = machine
    this.#closed.promise.catch(() => undefined)
    this.files = new FakeFiles((id) => this.#sandbox(id).tree)
  }

  async start(listener: DriverListener): Promise<readonly LivingSandbox[]> {
    this.#open = true
    this.#listener = listener
    return this.#machine.attach(listener)
  }

  async create(id: SandboxId, spec: ResolvedSandboxSpec): Promise<Isolation> {
    this.#refuseClosed()
    return this.#machine.add(id, spec)
  }

  async destroy(id: SandboxId): Promise<void> {
    this.#refuseClosed()
    this.#machine.remove(id)
  }

  async openSession(id: SandboxId, session: SessionName, start: SessionStart): Promise<void> {
    this.#sandbox(id).openSession(session, start)
  }

  async closeSession(id: SandboxId, session: SessionName): Promise<void> {
    this.#sandbox(id).closeSession(session)
  }

  async run(id: SandboxId, request: CommandRequest): Promise<CommandRecord> {
    return Promise.race([this.#start(id, request).done, this.#closed.promise])
  }

  async runInBackground(id: SandboxId, request: CommandRequest): Promise<void> {
    this.#start(id, request)
  }

  async command(id: SandboxId, command: CommandId): Promise<CommandRecord> {
    return this.#sandbox(id).command(command).record()
  }

  async commands(id: SandboxId): Promise<readonly CommandRecord[]> {
    return [...this.#sandbox(id).commands.values()].map((command) => command.record(false))
  }

  async kill(id: SandboxId, command: CommandId, by: string): Promise<void> {
    const running = this.#running(id, command)
    running.cut({ type: 'killed', by })
    await running.done
  }

  async signal(id: SandboxId, command: CommandId, signal: number): Promise<void> {
    this.#running(id, command).signal(signal)
  }

  async writeStdin(id: SandboxId, command: CommandId, bytes: Uint8Array, eof: boolean): Promise<void> {
    const { stdin } = this.#running(id, command)
    const about = { sandboxId: id, commandId: command }
    if (!stdin.open) throw new CoreError('command.stdin_closed', 'standard input is closed', about)
    stdin.write(bytes, eof)
  }

  async status(): Promise<DriverStatus> {
    return { sandboxes: this.#machine.size, facts: {} }
  }

  async close(how: 'leave' | 'end'): Promise<void> {
    if (!this.#open) return
    this.#open = false
    if (how === 'end') this.#machine.removeAll()
    this.#machine.detach(this.#listener)
    this.#closed.reject(closed())
  }

  #start(id: SandboxId, request: CommandRequest): FakeCommand {
    const command = this.#sandbox(id).start(request)
    this.#machine.watch(id, command)
    return command
  }

  #sandbox(id: SandboxId) {
    this.#refuseClosed()
    return this.#machine.sandbox(id)
  }

  #running(id: SandboxId, commandId: CommandId): FakeCommand {
    const command = this.#sandbox(id).command(commandId)
    if (command.running) return command
    throw new CoreError('command.finished', 'the command has ended', { sandboxId: id, commandId })
  }

  #refuseClosed(): void {
    if (!this.#open) throw closed()
  }
}

const closed = (): CoreError => new CoreError('runtime.unavailable', 'the driver is closed', { reason: 'closed' })
