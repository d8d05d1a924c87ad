/**
 * What the kernel and the disk hold of one data folder. A snapshot before and one after something that promises to
 * leave nothing must be equal.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  allProcesses,
  cgroupsOf,
  descriptorsOf,
  mountsOf,
  namespacesOf,
  type Process,
  tcpSockets,
} from './processes.ts'

export interface Residue {
  readonly processes: readonly string[]
  readonly cgroups: readonly string[]
  readonly namespaces: readonly string[]
  readonly mounts: readonly string[]
  /** Of server, supervisor and zygote, without the TCP sockets that HTTP clients open and close. */
  readonly descriptors: readonly string[]
  readonly files: readonly string[]
}

/** Where to look: the folder, its server, and the cgroup folders of its supervisor, which are named alike in all hierarchies. */
export interface Place {
  readonly dataDir: string
  readonly server: number | undefined
  readonly cgroups: readonly string[]
}

/** Supervisor of a data folder and behind it its zygote: the one child that stands in no sandbox. */
export function supervisorsOf(dataDir: string): Process[] {
  const living = allProcesses().filter(({ state }) => state !== 'Z')
  const named = living.filter(({ arguments: words }) => words.includes('supervisor') && words.includes(dataDir))
  const children = living.filter(({ parent, pid }) => named.some((one) => one.pid === parent) && !isSandboxed(pid))
  const isForked = (one: Process): boolean => named.some(({ pid }) => pid === one.parent)
  return [...named.filter((one) => !isForked(one)), ...children]
}

const INSTANCE = /\/(atoll-[0-9a-f]+)/

const isSandboxed = (pid: number): boolean => cgroupsOf(pid).some((line) => INSTANCE.test(line))

/** All that runs in sandboxes of the place, dead ones that nobody has waited for too. */
export function sandboxedProcesses({ cgroups }: Pick<Place, 'cgroups'>): Process[] {
  const names = new Set(cgroups.map((folder) => folder.slice(folder.lastIndexOf('/'))))
  return allProcesses().filter(({ pid }) => cgroupsOf(pid).some((line) => names.has(INSTANCE.exec(line)?.[0] ?? '')))
}

/** The folders, one a hierarchy, in which a supervisor keeps those of its sandboxes; `init` stands in some of them. */
export function cgroupFoldersOf(supervisor: number, init: number): string[] {
  const name = INSTANCE.exec(cgroupsOf(init).join('\n'))?.[1]
  if (name === undefined) return []
  return cgroupsOf(supervisor).flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const mount = hierarchy(controllers.split(',')[0] ?? '')
    // On pure version 2 they stand in the root, wherever the supervisor stands.
    const places = mount === undefined ? [] : [join(mount, path, name), join(mount, name)]
    return places.find((folder) => existsSync(folder)) ?? []
  })
}

/** Mount point of the hierarchy with this controller; `''` is version 2. */
function hierarchy(controller: string): string | undefined {
  return mountsOf(process.pid)
    .map((line) => line.split(' '))
    .find((fields) => {
      const [type, , options = ''] = fields.slice(fields.indexOf('-') + 1)
      return controller === '' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller)
    })?.[4]
}

export function residueOf(place: Place): Residue {
  const inside = sandboxedProcesses(place)
  const outside = [...(place.server === undefined ? [] : [place.server]), ...supervisorsOf(place.dataDir).map(pidOf)]
  return {
    processes: inside.map(({ pid, name }) => `${pid} ${name}`).sort(),
    cgroups: place.cgroups.flatMap(foldersBelow).sort(),
    namespaces: unique(inside.flatMap(({ pid }) => namespacesOf(pid))),
    mounts: unique([...outside, ...inside.map(pidOf)].flatMap(mountPoints)),
    descriptors: outside.flatMap(openOf).sort(),
    files: existsSync(place.dataDir) ? readdirSync(place.dataDir, { recursive: true }).map(String).sort() : [],
  }
}

const pidOf = ({ pid }: Process): number => pid

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort()

function foldersBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
}

/** Mount namespace, place and kind of each mount. */
function mountPoints(pid: number): string[] {
  const namespace = namespacesOf(pid).find((name) => name.startsWith('mnt:')) ?? ''
  return mountsOf(pid).map((line) => {
    const fields = line.split(' ')
    return [namespace, fields[4], fields[fields.indexOf('-') + 1]].join(' ')
  })
}

/** What a process holds, sockets and the like without their numbers: a connection may be made anew. */
function openOf(pid: number): string[] {
  const tcp = tcpSockets()
  return [...descriptorsOf(pid).values()]
    .filter((target) => !tcp.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? ''))
    .map((target) => `${pid} ${target.replace(/^(socket|pipe):\[\d+\]$/, '$1')}`)
}

/** Whether any mount namespace of the host names the folder. */
export function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder))
}
