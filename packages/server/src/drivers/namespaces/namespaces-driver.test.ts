import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import type { SandboxId } from '../../core/ids.ts'
import { silentLog } from '../../core/log.ts'
import { driverContract } from '../../core/ports/sandbox-driver.contract.ts'
import type { SandboxDriver } from '../../core/ports/sandbox-driver.ts'
import type { Isolation } from '../../core/sandbox/sandbox.ts'
import { createNamespacesDriver } from './index.ts'

type HostUids = Pick<Isolation, 'hostUid' | 'hostUids'>

/** Notes which host users each new sandbox has: by them its init is found. */
function noting(driver: SandboxDriver, uids: Map<SandboxId, HostUids>): SandboxDriver {
  const create: SandboxDriver['create'] = async (id, spec) => {
    const isolation = await driver.create(id, spec)
    uids.set(id, isolation)
    return isolation
  }
  return new Proxy(driver, {
    get: (target, name) => {
      if (name === 'create') return create
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/** The host's process id of the process that is 1 in its own namespace and runs as one of these users. */
function initOf({ hostUid, hostUids }: HostUids): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [uid, inside] = identityOf(pid)
    if (uid >= hostUid && uid < hostUid + hostUids && inside === 1) return Number(pid)
  }
  throw new Error(`no init runs as one of ${hostUids} users from ${hostUid}`)
}

function identityOf(pid: string): readonly [uid: number, insidePid: number] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    // An init whose supervisor was killed is dead until the host's PID 1 waits for it; its users may be another's by now.
    if (/^State:\s+[ZX]/m.test(status)) return [NaN, NaN]
    const [, uid] = /^Uid:\s+(\d+)/m.exec(status) ?? []
    const [, inside] = /^NSpid:\s.*\s(\d+)$/m.exec(status) ?? []
    return [Number(uid ?? NaN), Number(inside ?? NaN)]
  } catch {
    // It ended while the folder was read.
    return [NaN, NaN]
  }
}

const isRoot = process.getuid?.() === 0

if (isRoot || process.env['REQUIRE']?.split(',').includes('namespaces') === true) {
  driverContract({
    name: 'namespaces',
    open: async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'atoll-driver-'))
      const uids = new Map<SandboxId, HostUids>()
      return {
        connect: () => noting(createNamespacesDriver({ dataDir, orphanTtlMs: 60_000, log: silentLog }), uids),
        crash: async (id) => {
          const isolation = uids.get(id)
          if (isolation === undefined) throw new Error(`${id} was not made here`)
          process.kill(initOf(isolation), 'SIGKILL')
        },
        close: () => rm(dataDir, { recursive: true }),
      }
    },
  })
} else {
  describe.skip('driver namespaces: makes user ids and cgroups, which needs root', () => {
    it('passes the contract of every driver', () => undefined)
  })
}
