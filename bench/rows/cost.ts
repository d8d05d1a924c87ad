import type { Bench, Figure, Row } from '../figure.ts'
import { of, seats } from '../fleet.ts'
import { type Operation, measure } from '../measure.ts'
import { type Parts, partsOf, readParts } from '../parts.ts'
import { type Usage, less } from '../processes.ts'
import { Server } from '../server.ts'

const MANY = 32

/** Less is not worth a line. */
const LEAST_US = 0.5
const LEAST_SLEEPS = 0.01

/** Who spends the processor time of one operation. */
export const costRow: Row = {
  name: 'cost',
  about: 'processor time of one command by process: server, supervisor, init, bash',
  async measure(bench) {
    await using server = await Server.start(bench.signal)
    const seat = await seats(server, MANY)
    const command =
      (text: string, stdout: string): Operation =>
      async (worker) => {
        const { client, sandbox } = seat(worker)
        return client.command(sandbox, text, { stdout })
      }
    const run: Operation = async (worker) => seat(worker).client.runOnce(['/bin/true'], { stdout: '' })
    const cases = [
      { name: 'echo hi, alone', operation: command('echo hi', 'hi\n'), inFlight: 1 },
      { name: `echo hi, ${MANY} in flight`, operation: command('echo hi', 'hi\n'), inFlight: MANY },
      { name: '/bin/true, alone', operation: command('/bin/true', ''), inFlight: 1 },
      { name: `/bin/true, ${MANY} in flight`, operation: command('/bin/true', ''), inFlight: MANY },
      { name: '/v1/run /bin/true, alone', operation: run, inFlight: 1 },
      { name: '/v1/run /bin/true, 8 in flight', operation: run, inFlight: 8 },
    ]
    const parts = partsOf(server)
    const figures: Figure[] = []
    for (const one of cases) figures.push(...(await costOf(one, parts, bench)))
    return figures
  },
}

interface Case {
  readonly name: string
  readonly operation: Operation
  readonly inFlight: number
}

async function costOf(
  { name, operation, inFlight }: Case,
  parts: Parts,
  { effort }: Bench,
): Promise<readonly Figure[]> {
  const once = { repetitions: 1, warmUpMs: 0 }
  await measure(operation, { inFlight, effort: { ...once, forMs: effort.warmUpMs } })
  const before = readParts(parts)
  const { samples, perSecond } = await measure(operation, { inFlight, effort: { ...once, forMs: effort.forMs * 2 } })
  const after = readParts(parts)
  const used = after.map(({ part, usage }, index) => ({ part, ...less(usage, of(index, before).usage) }))
  const amounts = (unit: string, valueOf: (one: Usage) => number, least: number): Record<string, number> =>
    Object.fromEntries(
      used.map((one) => [`${unit} ${one.part}`, valueOf(one) / samples] as const).filter(([, value]) => value >= least),
    )
  return [
    { name: `cost: ${name}`, perSecond, samples, amounts: amounts('µs', ({ cpuUs }) => cpuUs, LEAST_US) },
    { name: `cost: ${name}: sleeps`, samples, amounts: amounts('×', ({ sleeps }) => sleeps, LEAST_SLEEPS) },
  ]
}
