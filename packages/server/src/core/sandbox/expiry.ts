import type { Clock } from '../clock.ts'
import { IDLE, LIFETIME_OVER } from './end.ts'
import type { Endings } from './endings.ts'
import type { LiveSandbox } from './live-sandbox.ts'

/**
 * Ends sandboxes whose time is over: one timer each, which looks at what happened since it was set.
 * So use costs two stores of a number, not a timer. One that is in use is never idle.
 */
export class Expiry {
  readonly #clock: Clock
  readonly #endings: Endings

  constructor(clock: Clock, endings: Endings) {
    this.#clock = clock
    this.#endings = endings
  }

  /** Watches the sandbox, or looks again after its times were changed. */
  watch(sandbox: LiveSandbox): void {
    sandbox.timer?.()
    if (sandbox.end !== undefined) return
    const now = this.#clock.monotonic()
    const idleSince = sandbox.busy ? now : sandbox.lastUsed
    const idleEnd = idleSince + sandbox.record.idleTimeoutMs
    if (now >= sandbox.deadline) this.#endings.endLater(sandbox, LIFETIME_OVER)
    else if (now >= idleEnd) this.#endings.endLater(sandbox, IDLE)
    else sandbox.timer = this.#clock.after(Math.min(sandbox.deadline, idleEnd) - now, () => this.watch(sandbox))
  }
}
