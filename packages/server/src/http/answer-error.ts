import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../core/log.ts'
import type { Dialect } from './dialect.ts'
import { mayRetry, RETRY_AFTER_SECONDS, toCoreError } from './errors.ts'

/** Answers a failure as the dialect says it; a failure of ours goes to the log with the request's id, never to the client. */
export function errorAnswerer(dialect: Dialect, log: Log) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = toCoreError(thrown)
    if (error.kind === 'internal') {
      log.error(
        { err: error.cause ?? error, code: error.code, details: error.details, requestId: request.id },
        'request failed',
      )
    }
    const { status, body } = dialect.encodeError(error, request.id)
    if (mayRetry(error.kind)) reply.header('retry-after', RETRY_AFTER_SECONDS)
    reply.header('x-request-id', request.id)
    // Closing at once would reset the connection under a client that still sends, before it reads why.
    if (reply.hasHeader('connection')) reply.removeHeader('connection')
    request.raw.resume()
    void reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
  }
}
