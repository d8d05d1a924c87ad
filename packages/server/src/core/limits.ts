/** What a number given by a user may be, and what it is when none is given. */
export interface Range {
  readonly min: number
  readonly max: number
  readonly default: number
}

/** What an operator allows. */
export interface CoreLimits {
  /** Alive at once, those of one-shot runs included. */
  readonly sandboxes: number
  readonly memoryBytes: Range
  readonly cpus: Range
  readonly pids: Range
  readonly diskBytes: Range
  readonly nofile: Range
  readonly lifetimeMs: Range
  readonly idleTimeoutMs: Range
  /** Of one command. */
  readonly timeoutMs: Range
  /** Kept of each stream of a command. */
  readonly outputBytes: Range
  /** Foreground commands and one-shot runs under way at once; the rest wait. */
  readonly commandsRunning: number
  /** Waiting commands of one sandbox. */
  readonly commandsWaiting: number
  /** How long an expired or lost sandbox is remembered. */
  readonly goneMs: number
}

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const DEFAULT_LIMITS: CoreLimits = {
  // Two process ids each, and a host may have no more than 32,768.
  sandboxes: 16_000,
  memoryBytes: { min: 8 * MIB, max: 1024 * GIB, default: 512 * MIB },
  cpus: { min: 0.01, max: 1024, default: 1 },
  // A shell, its command and a pipe need four.
  pids: { min: 4, max: 4_194_304, default: 256 },
  diskBytes: { min: MIB, max: 1024 * GIB, default: GIB },
  // A shell keeps descriptors of its own near 10 and near 255.
  nofile: { min: 64, max: 1_048_576, default: 1024 },
  lifetimeMs: { min: 1, max: 24 * HOUR_MS, default: 24 * HOUR_MS },
  idleTimeoutMs: { min: 1, max: 24 * HOUR_MS, default: 15 * MINUTE_MS },
  timeoutMs: { min: 1, max: HOUR_MS, default: MINUTE_MS },
  outputBytes: { min: 0, max: 4 * MIB, default: MIB },
  commandsRunning: 256,
  commandsWaiting: 1000,
  goneMs: HOUR_MS,
}
