/** Ends what runs, from outside or from itself, once. */
export class Killed extends Error {
  readonly signal: number

  constructor(signal: number) {
    super(`killed by signal ${signal}`)
    this.signal = signal
  }
}

/** Reaches everything that waits on behalf of one command or one job. */
export class KillSwitch {
  readonly #pulled: Promise<never>
  readonly #pull: (killed: Killed) => void

  constructor() {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.#pulled = promise
    this.#pull = reject
  }

  kill(signal: number): void {
    this.#pull(new Killed(signal))
  }

  /** What `work` gives; `Killed` if that comes first. */
  or<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#pulled, work])
  }
}
