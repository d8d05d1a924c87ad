import { type Usage, childrenOf, endedUsageOf, less, machineUsage, mainUsageOf, total, usageOf } from './processes.ts'
import type { Server } from './server.ts'

/** Who works, and how to read what each has used so far. */
export type Parts = readonly (readonly [part: string, read: () => Usage])[]

/** While all sandboxes that count live, each with its shell, and nothing else. */
export function partsOf(server: Server): Parts {
  const inits = server.inits()
  const shells = inits.flatMap(childrenOf)
  const { pid, supervisor, zygote } = server
  return [
    ['server', () => mainUsageOf(pid)],
    ['server’s other threads', () => less(usageOf(pid), mainUsageOf(pid))],
    ['supervisor', () => usageOf(supervisor)],
    ['zygote', () => total(zygote.map(usageOf))],
    ['init', () => total(inits.map(usageOf))],
    ['bash', () => total(shells.map(usageOf))],
    ['programs of bash', () => total(shells.map(endedUsageOf))],
    ['sandboxes that ended', () => endedUsageOf(supervisor)],
    ['load generator', () => usageOf(process.pid)],
  ]
}

/** In the order of the parts. Behind them comes what no part accounts for: the kernel's own work, and other people's. */
export function readParts(parts: Parts): readonly { readonly part: string; readonly usage: Usage }[] {
  const read = parts.map(([part, usage]) => ({ part, usage: usage() }))
  const accounted = total(read.map(({ usage }) => usage))
  const rest = { cpuUs: machineUsage().busyMs * 1000 - accounted.cpuUs, sleeps: 0 }
  return [...read, { part: 'rest of the machine', usage: rest }]
}
