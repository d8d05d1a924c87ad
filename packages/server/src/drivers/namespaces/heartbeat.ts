/** Ticks of silence after which a sign of life is asked for. */
const ASK_AFTER_TICKS = 3
/** Ten ticks without an answer: many times the slowest answer of a healthy supervisor. */
const HUNG_AFTER_TICKS = ASK_AFTER_TICKS + 10
/** Long enough for a stalled disk to let it go again. */
const DEAD_AFTER_TICKS = ASK_AFTER_TICKS + 30

export interface HeartbeatOptions {
  /** Resolves with any answer. */
  readonly ask: () => Promise<unknown>
  /** Grows with every sign of life. */
  readonly heard: () => number
  /** No answer for 10 ticks. */
  readonly onHung: () => void
  /** Heard again after `onHung`. */
  readonly onBack: () => void
  /** No answer for 30 ticks. */
  readonly onDead: () => void
  readonly tickMs?: number
}

/**
 * Tells a supervisor that hangs from one that lives. It counts ticks of its own and not the clock's time, so
 * that a server that was itself stopped for a while does not take its own silence for the other's.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #timer: NodeJS.Timeout
  #heard = -1
  #ticks = 0
  #waiting = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#tick(), options.tickMs ?? 1000)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const heard = this.#options.heard()
    if (heard !== this.#heard) {
      if (this.#ticks >= HUNG_AFTER_TICKS) this.#options.onBack()
      this.#heard = heard
      this.#ticks = 0
    }
    this.#ticks++
    if (this.#ticks >= ASK_AFTER_TICKS && !this.#waiting) this.#ask()
    if (this.#ticks === HUNG_AFTER_TICKS) this.#options.onHung()
    if (this.#ticks === DEAD_AFTER_TICKS) this.#options.onDead()
  }

  #ask(): void {
    this.#waiting = true
    const answered = () => {
      this.#waiting = false
    }
    this.#options.ask().then(answered, answered)
  }
}
