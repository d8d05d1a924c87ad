import { performance } from 'node:perf_hooks'

/** How long a row measures. */
export interface Effort {
  readonly repetitions: number
  /** Of one repetition. */
  readonly forMs: number
  /** Before the first repetition, not counted. */
  readonly warmUpMs: number
}

/** What one repetition found. */
export interface Repetition {
  readonly samples: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly perSecond: number
}

/** The medians over all repetitions. */
export interface Series extends Repetition {
  readonly repetitions: readonly Repetition[]
}

/** One operation of one of several workers. One that resolves with a number says by it how many milliseconds count. */
export type Operation = (worker: number) => Promise<unknown>

/**
 * How long a machine rests before an operation that is rare. A steady load shares what the kernel otherwise makes
 * each one wait for, above all a grace period where a process changes its cgroup; nothing of that lasts so long.
 */
export const REST_MS = 100

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

/** Repeats the operation, `inFlight` at once. One that rejects ends it all. */
export async function measure(operation: Operation, { inFlight, effort }: Load): Promise<Series> {
  if (effort.warmUpMs > 0) await repeat(operation, inFlight, effort.warmUpMs)
  const repetitions: Repetition[] = []
  while (repetitions.length < effort.repetitions) repetitions.push(await repeat(operation, inFlight, effort.forMs))
  return seriesOf(repetitions)
}

interface Load {
  readonly inFlight: number
  readonly effort: Effort
}

export function seriesOf(repetitions: readonly Repetition[]): Series {
  const middle = (field: keyof Repetition): number => median(repetitions.map((one) => one[field]))
  return {
    samples: repetitions.reduce((sum, { samples }) => sum + samples, 0),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    perSecond: middle('perSecond'),
    repetitions,
  }
}

/** The last operations end after `forMs`; the rate counts them and their time. */
async function repeat(operation: Operation, inFlight: number, forMs: number): Promise<Repetition> {
  const samplesMs: number[] = []
  const begin = performance.now()
  const work = async (worker: number): Promise<void> => {
    while (performance.now() - begin < forMs) {
      const started = performance.now()
      const ownMs = await operation(worker)
      samplesMs.push(typeof ownMs === 'number' ? ownMs : performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)))
  return repetitionOf(samplesMs, performance.now() - begin)
}

export function repetitionOf(samplesMs: readonly number[], elapsedMs: number): Repetition {
  return {
    samples: samplesMs.length,
    p50Ms: percentile(samplesMs, 0.5),
    p99Ms: percentile(samplesMs, 0.99),
    perSecond: (samplesMs.length / elapsedMs) * 1000,
  }
}

/** The smallest sample that at least this share of all samples does not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = Float64Array.from(samples).sort()
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (found === undefined) throw new Error('there is no percentile of nothing')
  return found
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5)
