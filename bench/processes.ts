import { readFileSync, readdirSync } from 'node:fs'

/** What threads have used since they began. */
export interface Usage {
  readonly cpuUs: number
  /** Times that they slept and were woken: each costs the waker too. */
  readonly sleeps: number
}

/** Process ids of all children. */
export function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((path) => read(`${path}/children`).split(' ').filter(Boolean).map(Number))
}

/** Of the thread that the process began with. */
export const mainUsageOf = (pid: number): Usage => threadUsage(`/proc/${pid}/task/${pid}`)

/** Of all threads that live. One that ends between two readings takes its share along. */
export const usageOf = (pid: number): Usage => total(threadsOf(pid).map(threadUsage))

/** Of children that have ended and were waited for, and of theirs. Their sleeps are not known. */
export function endedUsageOf(pid: number): Usage {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { cpuUs: (Number(fields[13]) + Number(fields[14])) * TICK_MS * 1000, sleeps: 0 }
}

export const total = (usages: readonly Usage[]): Usage => ({
  cpuUs: sum(usages.map(({ cpuUs }) => cpuUs)),
  sleeps: sum(usages.map(({ sleeps }) => sleeps)),
})

export const less = (usage: Usage, earlier: Usage): Usage => ({
  cpuUs: usage.cpuUs - earlier.cpuUs,
  sleeps: usage.sleeps - earlier.sleeps,
})

/** A tick as Linux shows it, whatever its own are. */
const TICK_MS = 10

const threadUsage = (path: string): Usage => ({
  cpuUs: Number(read(`${path}/schedstat`).split(' ')[0]) / 1000,
  sleeps: Number(field(read(`${path}/status`), 'voluntary_ctxt_switches')),
})

/** Processor time that this machine has spent on anything, and all that there was. */
export function machineUsage(): { readonly busyMs: number; readonly totalMs: number } {
  const [line = ''] = read('/proc/stat').split('\n')
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number)
  const [, , , idle = 0, waiting = 0] = ticks
  const all = sum(ticks)
  return { busyMs: (all - idle - waiting) * TICK_MS, totalMs: all * TICK_MS }
}

export const residentBytes = (pid: number): number =>
  Number.parseInt(field(read(`/proc/${pid}/status`), 'VmRSS')) * 1024

export const availableBytes = (): number => Number.parseInt(field(read('/proc/meminfo'), 'MemAvailable')) * 1024

export const isAlive = (pid: number): boolean => {
  const state = field(read(`/proc/${pid}/status`, ''), 'State', 'Z')
  return !state.startsWith('Z')
}

const threadsOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`)

const read = (path: string, missing?: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (missing === undefined) throw error
    return missing
  }
}

function field(text: string, name: string, missing?: string): string {
  const value = new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(text)?.[1] ?? missing
  if (value === undefined) throw new Error(`/proc tells no ${name}`)
  return value
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
