/** Undoes what it came from. Safe to call twice, and after the task has run. */
export type Cancel = () => void

/** Time, as core needs it from outside. */
export interface Clock {
  /** Milliseconds since 1970: for timestamps only, it may jump. */
  now(): number
  /** Milliseconds since some start: for every duration, it never goes back. */
  monotonic(): number
  /** Runs `task` once, `delayMs` from now at the earliest. Does not keep the process alive. */
  after(delayMs: number, task: () => void): Cancel
}

/** Node takes a longer timer for one of 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, task) => {
    let timer: NodeJS.Timeout
    const wait = (leftMs: number) => {
      const stepMs = Math.min(leftMs, LONGEST_TIMER_MS)
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : task()), Math.ceil(stepMs)).unref()
    }
    wait(delayMs)
    return () => {
      clearTimeout(timer)
    }
  },
}
