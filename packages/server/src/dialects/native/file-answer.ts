import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FileOpened } from '../../core/file/file.ts'
import { invalidRequest } from '../../http/errors.ts'
import { parseRange, withinSize } from '../../http/range.ts'
import { closeWhenStalled, exactly } from '../../http/streams.ts'
import { encodeError } from './errors.ts'

/** Up to this a content goes out in one piece, which is cheaper than a stream; one slice of a driver. */
const ONE_PIECE_BYTES = 64 * 1024

type Open = (range?: { readonly offset: number; readonly length?: number }) => Promise<FileOpened>

/** Answers a GET or HEAD of a file: whole, or the one range that was asked for. Never more than one slice is held. */
export async function answerFile(request: FastifyRequest, reply: FastifyReply, open: Open): Promise<FastifyReply> {
  // `If-Range` names a version to compare with; files have none, so the whole one is the safe answer.
  const wanted = request.headers['if-range'] === undefined ? parseRange(request.headers.range) : undefined
  if (wanted === undefined && request.method === 'GET') {
    const opened = await open()
    return sendContent(request, reply, opened, opened.entry.sizeBytes)
  }
  const { entry, content } = await open({ offset: 0, length: 0 })
  await leave(content)
  const range = wanted && withinSize(wanted, entry.sizeBytes)
  if (wanted !== undefined && range === undefined) return unsatisfiable(request, reply, entry.sizeBytes)
  if (range !== undefined) {
    reply
      .code(206)
      .header('content-range', `bytes ${range.offset}-${range.offset + range.length - 1}/${entry.sizeBytes}`)
  }
  const length = range?.length ?? entry.sizeBytes
  if (request.method === 'HEAD') return fileHeaders(reply, entry.modifiedAtMs, length).send()
  return sendContent(request, reply, await open(range), length)
}

async function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  { entry, content }: FileOpened,
  length: number,
): Promise<FastifyReply> {
  fileHeaders(reply, entry.modifiedAtMs, length)
  if (length <= ONE_PIECE_BYTES) return reply.send(await inOnePiece(exactly(content, length)))
  closeWhenStalled(request)
  return reply.send(Readable.from(exactly(content, length), { objectMode: false }))
}

function fileHeaders(reply: FastifyReply, modifiedAtMs: number, length: number): FastifyReply {
  return reply.headers({
    'content-type': 'application/octet-stream',
    'content-length': length,
    'last-modified': new Date(modifiedAtMs).toUTCString(),
    'accept-ranges': 'bytes',
    // A file of a sandbox is nobody's page: it must not run in the browser of whoever opens it.
    'x-content-type-options': 'nosniff',
  })
}

function unsatisfiable(request: FastifyRequest, reply: FastifyReply, size: number): FastifyReply {
  const error = invalidRequest('range', `holds no byte of a file of ${size} bytes`)
  reply.code(416).header('content-range', `bytes */${size}`).type('application/json; charset=utf-8')
  return reply.send(JSON.stringify(encodeError(error, request.id).body))
}

async function inOnePiece(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const slices: Uint8Array[] = []
  for await (const slice of content) slices.push(slice)
  return Buffer.concat(slices)
}

/** Closes a content that nobody reads. */
async function leave(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const slice of content) if (slice.length > 0) return
}
