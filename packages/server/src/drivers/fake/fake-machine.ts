import { systemClock, type Clock } from '../../core/clock.ts'
import { CoreError } from '../../core/errors.ts'
import type { SandboxId } from '../../core/ids.ts'
import type { DriverListener, LivingSandbox } from '../../core/ports/sandbox-driver.ts'
import type { Isolation, ResolvedSandboxSpec } from '../../core/sandbox/sandbox.ts'
import type { FakeCommand } from './fake-command.ts'
import { FakeSandbox } from './fake-sandbox.ts'

/** Where fake sandboxes live; it outlives the drivers that use it, one after another. */
export class FakeMachine {
  readonly clock: Clock
  readonly #sandboxes = new Map<SandboxId, FakeSandbox>()
  #listener: DriverListener | undefined

  constructor(clock: Clock = systemClock) {
    this.clock = clock
  }

  get size(): number {
    return this.#sandboxes.size
  }

  /** From now on `listener` is told; what runs already is reported to it as well. */
  attach(listener: DriverListener): LivingSandbox[] {
    this.#listener = listener
    return [...this.#sandboxes.values()].map((sandbox) => this.#living(sandbox))
  }

  detach(listener: DriverListener | undefined): void {
    if (this.#listener === listener) this.#listener = undefined
  }

  add(id: SandboxId, spec: ResolvedSandboxSpec): Isolation {
    const sandbox = new FakeSandbox(id, spec, this.clock)
    this.#sandboxes.set(id, sandbox)
    return isolationOf(sandbox)
  }

  sandbox(id: SandboxId): FakeSandbox {
    const sandbox = this.#sandboxes.get(id)
    if (sandbox !== undefined) return sandbox
    throw new CoreError('sandbox.not_found', 'there is no such sandbox', { sandboxId: id })
  }

  remove(id: SandboxId): void {
    this.#end(id, 'the sandbox was destroyed')
  }

  removeAll(): void {
    for (const id of [...this.#sandboxes.keys()]) this.remove(id)
  }

  /** A sandbox dies without being asked to. */
  crash(id: SandboxId, reason: string): void {
    if (this.#end(id, reason)) this.#listener?.onLost(id, reason)
  }

  /** Tells of the command's end, if somebody else than its caller is to know. */
  watch(id: SandboxId, command: FakeCommand): void {
    void command.done.then((record) => {
      if (command.reported && this.#sandboxes.has(id)) this.#listener?.onFinished(id, record)
    })
  }

  #end(id: SandboxId, reason: string): boolean {
    this.#sandboxes.get(id)?.end({ type: 'lost', reason })
    return this.#sandboxes.delete(id)
  }

  #living(sandbox: FakeSandbox): LivingSandbox {
    const running = [...sandbox.commands.values()].filter((command) => command.running)
    for (const command of running) command.reported = true
    return {
      id: sandbox.id,
      isolation: isolationOf(sandbox),
      sessions: [...sandbox.sessions].map(([name, { state }]) => ({ name, cwd: Buffer.from(state.cwd, 'latin1') })),
      running: running.map((command) => command.record(false)),
      createdAtMs: sandbox.createdAtMs,
      lastUsedAtMs: sandbox.lastUsedAtMs,
    }
  }
}

/** Nothing is isolated here, and it says so. */
function isolationOf({ spec }: FakeSandbox): Isolation {
  const { memoryBytes, pids, cpus } = spec.limits
  return {
    driver: 'fake',
    hostUid: 0,
    hostUids: 0,
    namespaces: [],
    seccomp: false,
    noNewPrivs: false,
    capabilities: 0,
    cgroupVersion: 0,
    memoryBytes,
    pids,
    cpus,
    disk: 'memory',
    missing: ['everything'],
  }
}
