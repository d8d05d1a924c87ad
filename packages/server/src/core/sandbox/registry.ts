import type { Clock } from '../clock.ts'
import { CoreError } from '../errors.ts'
import { goneError, notFoundError } from './end.ts'
import type { LiveSandbox } from './live-sandbox.ts'

/** Which sandboxes this server has, and why some are no more. */
export class Registry {
  readonly #clock: Clock
  readonly #sandboxes = new Map<string, LiveSandbox>()
  /** Those that end first come first. `until` is monotonic. */
  readonly #gone = new Map<string, { readonly reason: string; readonly until: number }>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** All that take room, those being made and removed too. */
  get size(): number {
    return this.#sandboxes.size
  }

  /** Oldest first. */
  all(): LiveSandbox[] {
    return [...this.#sandboxes.values()]
  }

  /** What its users may see, oldest first. */
  visible(): LiveSandbox[] {
    return this.all().filter(isVisible)
  }

  add(sandbox: LiveSandbox): void {
    this.#sandboxes.set(sandbox.id, sandbox)
  }

  remove(sandbox: LiveSandbox): void {
    this.#sandboxes.delete(sandbox.id)
  }

  /** Its id answers `sandbox.gone` for `holdsMs`. */
  bury(id: string, reason: string, holdsMs: number): void {
    this.#forget()
    this.#gone.set(id, { reason, until: this.#clock.monotonic() + holdsMs })
  }

  /** Any that is there, seen by users or not. */
  peek(id: string): LiveSandbox | undefined {
    return this.#sandboxes.get(id)
  }

  /** The one that a user means: `sandbox.not_found`, `sandbox.gone`. */
  find(id: string): LiveSandbox {
    const gone = this.#gone.get(id)
    if (gone !== undefined && gone.until > this.#clock.monotonic()) throw goneError(id, gone.reason)
    const sandbox = this.#sandboxes.get(id)
    if (sandbox !== undefined && isVisible(sandbox)) return sandbox
    throw notFoundError(id)
  }

  /** As `find`, one that runs: `sandbox.wrong_state`. `action` completes "cannot …". */
  running(id: string, action: string): LiveSandbox {
    this.refuseWhenClosed()
    const sandbox = this.find(id)
    if (sandbox.state === 'running') return sandbox
    const { state } = sandbox
    throw new CoreError('sandbox.wrong_state', `cannot ${action}: the sandbox is ${state}`, {
      sandboxId: id,
      state,
      action,
    })
  }

  /** From now on nothing begins. */
  close(): void {
    this.#closed = true
  }

  refuseWhenClosed(): void {
    if (!this.#closed) return
    throw new CoreError('runtime.unavailable', 'the server is being shut down', {
      reason: 'the server is being shut down',
    })
  }

  #forget(): void {
    const now = this.#clock.monotonic()
    for (const [id, { until }] of this.#gone) {
      if (until > now) return
      this.#gone.delete(id)
    }
  }
}

function isVisible(sandbox: LiveSandbox): boolean {
  return !sandbox.ephemeral && sandbox.isolation !== undefined && sandbox.end?.gone === undefined
}
