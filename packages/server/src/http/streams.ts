import type { FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'

/** A transfer that moves no byte for this long is given up: it holds a descriptor on both sides. */
const STALL_MS = 60_000

/** From here on the connection is closed when it stalls. Node lifts that by itself with the end of the answer. */
export function closeWhenStalled(request: FastifyRequest): void {
  request.raw.setTimeout(STALL_MS)
}

/**
 * The bytes of a request's body. Leaving early does not close the connection, so the answer still reaches the client;
 * a client that goes away in the middle is an error.
 */
export async function* bodyBytes(body: Readable | undefined): AsyncGenerator<Uint8Array> {
  if (body === undefined) return
  for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array
}

/** Exactly so many bytes of a content. Throws where it ends before; leaves it once they are there. */
export async function* exactly(content: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const chunk of content) {
    yield chunk.length <= left ? chunk : chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
  if (left > 0) throw new Error(`the content ended ${left} bytes early`)
}
