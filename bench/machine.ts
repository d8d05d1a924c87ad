import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { machineUsage } from './processes.ts'

/** On what the figures were made. */
export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryBytes: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  readonly uncommitted: boolean
}

const LOOK_MS = 1000

/** What else may use the machine before the figures are worth nothing. */
const QUIET_SHARE = 0.03

export function machine(): Machine {
  const processors = cpus()
  return {
    cores: processors.length,
    processor: processors[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    commit: git('rev-parse', '--short', 'HEAD'),
    uncommitted: git('status', '--porcelain', '--', '../native', '../packages') !== '',
  }
}

/** How busy the machine is while the bench does nothing. */
export interface Quiet {
  /** Share of all processors. */
  readonly busy: number
  readonly load: number
  readonly isQuiet: boolean
}

export async function lookForOthers(): Promise<Quiet> {
  const before = machineUsage()
  await sleep(LOOK_MS)
  const after = machineUsage()
  const busy = (after.busyMs - before.busyMs) / (after.totalMs - before.totalMs)
  return { busy, load: loadavg()[0] ?? 0, isQuiet: busy <= QUIET_SHARE }
}

/** `unknown` outside of a checkout. */
function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}
