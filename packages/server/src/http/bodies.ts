import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { CoreError } from '../core/errors.ts'
import { invalidRequest } from './errors.ts'
import { parseJson } from './json.ts'

/** Room for a megabyte of command text and some files beside it; larger content goes through the file routes. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024

/** Within this a JSON body must have arrived: slower senders only hold a connection. */
const BODY_DEADLINE_MS = 60_000

/** Makes a scope take JSON bodies and nothing else. No body at all is `undefined`, whatever type it claims. */
export function acceptJson(scope: FastifyInstance, maxBytes = MAX_JSON_BYTES): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    refuseEncoded(request)
    return parseJson(await collect(payload, maxBytes))
  })
  scope.addContentTypeParser('*', async (request: FastifyRequest) => {
    if (request.headers['content-length'] === '0') return undefined
    throw unsupported(request.headers['content-type'] ?? '')
  })
}

/** Makes a scope hand on bodies of any type as they come: `request.body` is the stream, or `undefined` without one. */
export function acceptBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (request, payload, done) => {
    try {
      refuseEncoded(request)
      done(null, payload)
    } catch (error) {
      done(error as Error)
    }
  })
}

// A compressed body could unfold to any size, and stored as it is it would not be the file that was meant.
function refuseEncoded(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw unsupported(`content-encoding: ${encoding}`)
}

/** The whole body. Says no as soon as the announced or the received length is too much; what follows is thrown away. */
function collect(payload: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(payload.headers['content-length']) > maxBytes) return Promise.reject(tooLarge(maxBytes))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    const fail = (error: Error): void => {
      clearTimeout(deadline)
      payload.removeAllListeners('data')
      payload.resume()
      reject(error)
    }
    const deadline = setTimeout(() => fail(invalidRequest('body', 'arrives too slowly')), BODY_DEADLINE_MS)
    payload.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      received += chunk.length
      if (received > maxBytes) fail(tooLarge(maxBytes))
    })
    payload.on('end', () => {
      clearTimeout(deadline)
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
    })
    payload.on('error', fail)
  })
}

const tooLarge = (maxBytes: number): CoreError =>
  new CoreError('request.too_large', `The body is larger than ${maxBytes} bytes.`, { maxBytes })

const unsupported = (mediaType: string): CoreError =>
  new CoreError('request.unsupported_media_type', 'The body must be sent as content-type: application/json.', {
    mediaType,
  })
