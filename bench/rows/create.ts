import { setTimeout as sleep } from 'node:timers/promises'
import { type Row, figureOf } from '../figure.ts'
import { GOALS } from '../goals.ts'
import { REST_MS, measure, timed } from '../measure.ts'
import { Server } from '../server.ts'

/** Sandboxes one at a time, over HTTP. */
export const createRow: Row = {
  name: 'create',
  about: 'create cold, after a rest too, create + first command, delete, one at a time',
  async measure({ effort, signal }) {
    await using server = await Server.start(signal)
    const client = await server.client()
    const load = { inFlight: 1, effort }
    let sandbox = ''
    const create = async (): Promise<void> => {
      sandbox = await client.create()
    }
    const createAndFirst = async (): Promise<void> => {
      sandbox = await client.create()
      await client.command(sandbox, 'echo hi', { stdout: 'hi\n' })
    }
    const cold = await measure(async () => {
      const ms = await timed(create)
      await client.delete(sandbox)
      return ms
    }, load)
    const rare = await measure(async () => {
      await sleep(REST_MS)
      const ms = await timed(create)
      await client.delete(sandbox)
      return ms
    }, load)
    const first = await measure(async () => {
      const ms = await timed(createAndFirst)
      await client.delete(sandbox)
      return ms
    }, load)
    const remove = await measure(async () => {
      await createAndFirst()
      return timed(() => client.delete(sandbox))
    }, load)
    return [
      figureOf('create: cold, alone', cold, { shown: 'latency', goals: GOALS.createCold }),
      figureOf(`create: cold, after ${REST_MS} ms of rest`, rare, { shown: 'latency', goals: GOALS.createCold }),
      figureOf('create: and first command, alone', first, { shown: 'latency', goals: GOALS.createAndFirst }),
      figureOf('create: delete with a shell, alone', remove, { shown: 'latency' }),
    ]
  },
}
