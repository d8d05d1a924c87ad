import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process of the host, as /proc shows it. */
export interface Process {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** `Z` is dead and not yet waited for. */
  readonly state: string
  readonly arguments: readonly string[]
}

/** All processes of the host. One that ends meanwhile is left out. */
export function allProcesses(): Process[] {
  return numbers('/proc').flatMap((pid) => processOf(pid) ?? [])
}

export function processOf(pid: number): Process | undefined {
  const stat = read(`/proc/${pid}/stat`)
  const split = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat)
  if (split === null) return undefined
  const [, name = '', state = '', parent = ''] = split
  const commandLine = read(`/proc/${pid}/cmdline`)
  return { pid, parent: Number(parent), name, state, arguments: commandLine.split('\0').slice(0, -1) }
}

export const isAlive = (pid: number): boolean => {
  const process = processOf(pid)
  return process !== undefined && process.state !== 'Z'
}

export const childrenOf = (parent: number): number[] =>
  allProcesses()
    .filter((process) => process.parent === parent)
    .map(({ pid }) => pid)

/** `N:controllers:path` each. */
export const cgroupsOf = (pid: number): string[] => read(`/proc/${pid}/cgroup`).split('\n').filter(Boolean)

/** Numbers of its descriptors and what they name. */
export function descriptorsOf(pid: number): Map<number, string> {
  const folder = `/proc/${pid}/fd`
  return new Map(
    numbers(folder).flatMap((number) => {
      const target = link(`${folder}/${number}`)
      return target === undefined ? [] : [[number, target]]
    }),
  )
}

/** `mnt:[4026531841]` each. */
export function namespacesOf(pid: number): string[] {
  const folder = `/proc/${pid}/ns`
  return entries(folder).flatMap((name) => link(`${folder}/${name}`) ?? [])
}

/** Lines of the mount table that the process sees. */
export const mountsOf = (pid: number): string[] => read(`/proc/${pid}/mountinfo`).split('\n').filter(Boolean)

/** Most memory that was resident since the kernel was last told to forget, in bytes. */
export function peakMemory(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1]
  if (kibibytes === undefined) throw new Error(`process ${pid} tells no peak`)
  return Number(kibibytes) * 1024
}

/** Inode numbers of the host's TCP sockets, as they stand in `socket:[…]`. */
export function tcpSockets(): Set<string> {
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => read(table).split('\n').slice(1))
  return new Set(lines.flatMap((line) => line.trim().split(/\s+/)[9] ?? []))
}

const numbers = (folder: string): number[] =>
  entries(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

function entries(folder: string): string[] {
  return unlessGone(() => readdirSync(folder)) ?? []
}

const link = (path: string): string | undefined => unlessGone(() => readlinkSync(path))

const read = (path: string): string => unlessGone(() => readFileSync(path, 'utf8')) ?? ''

/** A process may end between being listed and being read. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return undefined
    throw error
  }
}
