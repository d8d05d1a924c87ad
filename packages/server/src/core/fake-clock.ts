import type { Cancel, Clock } from './clock.ts'

interface Timer {
  readonly dueMs: number
  readonly task: () => void
}

/** Stands still until it is told to go on, so that a test needs no waiting. */
export class FakeClock implements Clock {
  #elapsedMs = 0
  #jumpedMs = 0
  readonly #startMs: number
  readonly #timers = new Set<Timer>()

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#startMs = startMs
  }

  /** How many tasks are waited for. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#startMs + this.#jumpedMs + this.#elapsedMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, task: () => void): Cancel {
    const timer = { dueMs: this.#elapsedMs + delayMs, task }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  /** Lets time pass; each task runs at its time, and what it sets off is done before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms
    await settled()
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.delete(timer)
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs)
      timer.task()
      await settled()
    }
    this.#elapsedMs = endMs
  }

  /** The wall clock is set anew, as an administrator does; durations know nothing of it. */
  jump(ms: number): void {
    this.#jumpedMs += ms
  }

  #next(endMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs)
    return due.sort((a, b) => a.dueMs - b.dueMs)[0]
  }
}

/** All that was set off is done as far as it can be without time passing: a few turns of the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}
