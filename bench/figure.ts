import type { Effort, Series } from './measure.ts'

/** One line of the table. */
export interface Figure {
  readonly name: string
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly perSecond?: number
  /** Anything else, by its name and unit: `MB each`. */
  readonly amounts?: Readonly<Record<string, number>>
  readonly samples?: number
  /** How far the repetitions lie apart, as a share of their median. */
  readonly spread?: number
  readonly goals?: Goals
  /** Why it was not measured, or what must be known to read it. */
  readonly note?: string
}

/** A bound of `p50Ms`, `p99Ms`, `perSecond` or of one of the amounts. */
export interface Goal {
  readonly of: string
  readonly atMost?: number
  readonly atLeast?: number
}

export interface Goals {
  /** What has to be reached. */
  readonly goal?: readonly Goal[]
  /** What is aimed at beyond. */
  readonly aim?: readonly Goal[]
}

/** What rows share. */
export interface Bench {
  readonly effort: Effort
  /** Sandboxes that live at once where memory is measured. */
  readonly alive: number
  /** Ends what a row has started, whose operations then reject. */
  readonly signal: AbortSignal
  /** Tells the operator what goes on. */
  readonly say: (text: string) => void
}

/** An entry that `--only` names. */
export interface Row {
  readonly name: string
  readonly about: string
  measure(bench: Bench): Promise<readonly Figure[]>
}

type Shown = 'latency' | 'rate' | 'both'

/** A figure of a series. With one operation at a time the latency says all; with many the rate is what counts. */
export function figureOf(name: string, series: Series, { shown = 'both', goals, note }: Showing = {}): Figure {
  const { p50Ms, p99Ms, perSecond, samples, repetitions } = series
  const told = repetitions.map((one) => (shown === 'latency' ? one.p50Ms : one.perSecond))
  const middle = shown === 'latency' ? p50Ms : perSecond
  return {
    name,
    ...(shown !== 'rate' && { p50Ms, p99Ms }),
    ...(shown !== 'latency' && { perSecond }),
    samples,
    spread: (Math.max(...told) - Math.min(...told)) / middle,
    ...(goals && { goals }),
    ...(note && { note }),
  }
}

export interface Showing {
  readonly shown?: Shown
  readonly goals?: Goals
  readonly note?: string
}

/** What the figure says of the goal's subject; `undefined` where it was not measured. */
export function valueOf(figure: Figure, { of }: Goal): number | undefined {
  if (of === 'p50Ms' || of === 'p99Ms' || of === 'perSecond') return figure[of]
  return figure.amounts?.[of]
}

/** `undefined` where it was not measured. */
export function isReached(figure: Figure, goal: Goal): boolean | undefined {
  const value = valueOf(figure, goal)
  if (value === undefined) return undefined
  return value <= (goal.atMost ?? Infinity) && value >= (goal.atLeast ?? -Infinity)
}
