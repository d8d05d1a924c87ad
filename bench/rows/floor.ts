import { type Bench, type Figure, type Row, figureOf } from '../figure.ts'
import { of } from '../fleet.ts'
import { measure, timed } from '../measure.ts'
import { Server } from '../server.ts'
import { Supervisor } from '../supervisor.ts'

/** What the parts cost by themselves: the supervisor without a server, the server without a supervisor. */
export const floorRow: Row = {
  name: 'floor',
  about: 'the supervisor alone, over its socket: create, destroy, a builtin; the server alone: one answer',
  async measure(bench) {
    return [...(await lives(bench)), ...(await builtins(bench)), ...(await answers(bench))]
  },
}

async function lives({ effort, signal }: Bench): Promise<readonly Figure[]> {
  await using supervisor = await Supervisor.start(signal)
  const create = await measure(
    async () => {
      const begin = performance.now()
      const sandbox = await supervisor.create()
      const createMs = performance.now() - begin
      await supervisor.destroy(sandbox)
      return createMs
    },
    { inFlight: 1, effort },
  )
  const destroy = await measure(
    async () => {
      const sandbox = await supervisor.create()
      return timed(() => supervisor.destroy(sandbox))
    },
    { inFlight: 1, effort },
  )
  const cycle = async () => supervisor.destroy(await supervisor.create())
  const alone = await measure(cycle, { inFlight: 1, effort })
  const many = await measure(cycle, { inFlight: 8, effort })
  return [
    figureOf('floor: supervisor, create, alone', create, { shown: 'latency' }),
    figureOf('floor: supervisor, destroy, alone', destroy, { shown: 'latency' }),
    figureOf('floor: supervisor, create + destroy, alone', alone),
    figureOf('floor: supervisor, create + destroy, 8 in flight', many),
  ]
}

async function builtins({ effort, signal }: Bench): Promise<readonly Figure[]> {
  await using supervisor = await Supervisor.start(signal)
  const sandboxes: string[] = []
  while (sandboxes.length < 32) {
    const sandbox = await supervisor.create()
    await supervisor.openSession(sandbox)
    sandboxes.push(sandbox)
  }
  const echo = async (worker: number) => supervisor.command(of(worker, sandboxes), 'echo hi', { stdout: 'hi\n' })
  return [
    figureOf('floor: supervisor, echo hi, alone', await measure(echo, { inFlight: 1, effort })),
    figureOf('floor: supervisor, echo hi, 32 in flight', await measure(echo, { inFlight: 32, effort })),
  ]
}

async function answers({ effort, signal }: Bench): Promise<readonly Figure[]> {
  await using server = await Server.start(signal)
  const clients = await server.clients(32)
  const answer = async (worker: number) => of(worker, clients).healthz()
  return [
    figureOf('floor: server, GET /healthz, alone', await measure(answer, { inFlight: 1, effort })),
    figureOf('floor: server, GET /healthz, 32 in flight', await measure(answer, { inFlight: 32, effort })),
  ]
}
