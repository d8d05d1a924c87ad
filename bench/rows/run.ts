import { setTimeout as sleep } from 'node:timers/promises'
import { type Figure, type Row, figureOf } from '../figure.ts'
import { of } from '../fleet.ts'
import { GOALS } from '../goals.ts'
import { REST_MS, type Series, measure, timed } from '../measure.ts'
import { Server } from '../server.ts'

/** How many in flight are tried; the best rate counts. */
const MANY = [8, 16, 32]

/** A fresh sandbox for one program. */
export const runRow: Row = {
  name: 'run',
  about: '/v1/run of argv /bin/true: alone, after a rest, and the best rate of 8, 16 and 32 in flight',
  async measure({ effort, signal }) {
    await using server = await Server.start(signal)
    const clients = await server.clients(Math.max(...MANY))
    const run = async (worker: number) => of(worker, clients).runOnce(['/bin/true'], { stdout: '' })
    const load = (inFlight: number) => ({ inFlight, effort })
    const alone = await measure(run, load(1))
    const rare = await measure(async () => {
      await sleep(REST_MS)
      return timed(() => run(0))
    }, load(1))
    const tried: [number, Series][] = []
    for (const inFlight of MANY) tried.push([inFlight, await measure(run, load(inFlight))])
    const goals = GOALS.runAlone
    return [
      figureOf('run: /bin/true, alone', alone, { goals }),
      figureOf(`run: /bin/true, after ${REST_MS} ms of rest`, rare, { shown: 'latency', goals }),
      best(tried),
    ]
  },
}

function best(tried: readonly [number, Series][]): Figure {
  const [found] = tried.toSorted(([, one], [, other]) => other.perSecond - one.perSecond)
  if (found === undefined) throw new Error('nothing was tried')
  const [inFlight, series] = found
  return figureOf(`run: /bin/true, best of ${MANY.join(', ')} in flight`, series, {
    goals: GOALS.runBusy,
    note: `at ${inFlight} in flight`,
  })
}
