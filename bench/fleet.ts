import type { Client } from './client.ts'
import type { Server } from './server.ts'

/** One connection with one sandbox of its own. */
export interface Seat {
  readonly client: Client
  readonly sandbox: string
}

/** As many seats, each with its shell started. */
export async function seats(server: Server, count: number): Promise<(worker: number) => Seat> {
  const clients = await server.clients(count)
  const taken: Seat[] = []
  for (const client of clients) {
    const sandbox = await client.create()
    await client.command(sandbox, 'true', { stdout: '' })
    taken.push({ client, sandbox })
  }
  return (worker) => of(worker, taken)
}

/** What belongs to the worker; it is an error to have nothing. */
export function of<Item>(worker: number, items: readonly Item[]): Item {
  const item = items[worker]
  if (item === undefined) throw new Error(`there is nothing for worker ${worker}`)
  return item
}
