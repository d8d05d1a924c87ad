import { deepStrictEqual } from 'node:assert'
import { cgroupFoldersOf, residueOf } from '../../tests/support/residue.ts'
import { type Row, figureOf } from '../figure.ts'
import { of } from '../fleet.ts'
import { GOALS } from '../goals.ts'
import { measure } from '../measure.ts'
import { Server } from '../server.ts'

const MANY = 50

/** Sandboxes that come and go; whatever one of them leaves behind fails the row. */
export const sustainedRow: Row = {
  name: 'sustained',
  about: 'create + delete, 50 in flight; afterwards nothing is left behind',
  async measure({ effort, signal }) {
    await using server = await Server.start(signal)
    const clients = await server.clients(MANY)
    const cgroups = await findCgroups(server)
    const cycle = async (worker: number) => {
      const client = of(worker, clients)
      return client.delete(await client.create())
    }
    await measure(cycle, { inFlight: MANY, effort: { ...effort, repetitions: 1, forMs: effort.warmUpMs, warmUpMs: 0 } })
    const residue = () => residueOf({ dataDir: server.dataDir, server: server.pid, cgroups })
    const before = residue()
    const series = await measure(cycle, { inFlight: MANY, effort: { ...effort, warmUpMs: 0 } })
    deepStrictEqual(residue(), before, 'deleted sandboxes have left something behind')
    const shown = { goals: GOALS.sustained, note: 'each succeeded, nothing left behind' }
    return [figureOf(`sustained: create + delete, ${MANY} in flight`, series, shown)]
  },
}

/** Their names cannot be told from outside, but a sandbox stands in them. */
async function findCgroups(server: Server): Promise<readonly string[]> {
  const client = await server.client()
  const sandbox = await client.create()
  const [init] = server.inits()
  const folders = init === undefined ? [] : cgroupFoldersOf(server.supervisor, init)
  await client.delete(sandbox)
  if (folders.length === 0) throw new Error('a sandbox stands in no cgroup of its supervisor')
  return folders
}
