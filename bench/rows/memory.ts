import { setTimeout as sleep } from 'node:timers/promises'
import type { Figure, Row } from '../figure.ts'
import type { Client } from '../client.ts'
import { of } from '../fleet.ts'
import { GOALS } from '../goals.ts'
import { median, timed } from '../measure.ts'
import { availableBytes, residentBytes } from '../processes.ts'
import { Server } from '../server.ts'

const WORKERS = 8
const MB = 1e6

/** The kernel gathers its per-processor counters once a second. */
const SETTLE_MS = 1500
const READINGS = 5
const BETWEEN_READINGS_MS = 100

/** What many living sandboxes take from the machine, all told: processes, page tables, the kernel's own. */
export const memoryRow: Row = {
  name: 'memory',
  about: 'memory of each of 1,000 living sandboxes, without and with a shell, the kernel’s included',
  async measure(bench) {
    const { alive, signal } = bench
    await using server = await Server.start(signal)
    const clients = await server.clients(WORKERS)
    const each = (work: (client: Client, index: number) => Promise<unknown>) => spread(clients, alive, work)
    // The first ones load what all later ones share.
    await each(async (client, index) => index < WORKERS && client.delete(await client.create()))
    const atFirst = await settledBytes()
    const sandboxes: string[] = []
    const createdMs = await timed(() => each(async (client) => sandboxes.push(await client.create())))
    bench.say(`${alive} sandboxes live`)
    const without = figure(`memory: ${alive} alive, no shell`, server, (atFirst - (await settledBytes())) / alive)
    await each((client, index) => client.command(of(index, sandboxes), 'true', { stdout: '' }))
    const withShell = figure(
      `memory: ${alive} alive, each with a shell`,
      server,
      (atFirst - (await settledBytes())) / alive,
    )
    const deletedMs = await timed(() => each((client, index) => client.delete(of(index, sandboxes))))
    const rates = {
      name: `memory: ${alive} created, then deleted, ${WORKERS} in flight`,
      amounts: {
        'created/s': (alive / createdMs) * 1000,
        'deleted/s': (alive / deletedMs) * 1000,
        'MB not given back': (atFirst - (await settledBytes())) / MB,
      },
    }
    return [without, withShell, rates]
  },
}

function figure(name: string, server: Server, bytesEach: number): Figure {
  return {
    name,
    amounts: {
      // Whatever else happens on the machine counts too: more free memory than before says nothing of ours.
      ...(bytesEach > 0 && { 'MB each': bytesEach / MB }),
      'MB server RSS': residentBytes(server.pid) / MB,
      'MB supervisor RSS': residentBytes(server.supervisor) / MB,
    },
    samples: 1,
    goals: GOALS.memory,
  }
}

/** Each index once, over all clients. */
async function spread(
  clients: readonly Client[],
  count: number,
  work: (client: Client, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async (client: Client): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(client, index)
  }
  await Promise.all(clients.map(lane))
}

async function settledBytes(): Promise<number> {
  await sleep(SETTLE_MS)
  const readings: number[] = []
  while (readings.length < READINGS) {
    await sleep(BETWEEN_READINGS_MS)
    readings.push(availableBytes())
  }
  return median(readings)
}
