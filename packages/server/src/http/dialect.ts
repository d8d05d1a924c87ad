import type { FastifyInstance } from 'fastify'
import type { CoreError } from '../core/errors.ts'

/** One HTTP API over the core. It translates both ways and decides nothing. */
export interface Dialect {
  readonly name: string
  /** Where it is mounted; `''` is the root. Each mount is a scope with its own parsers, error bodies and 404. */
  readonly prefixes: readonly string[]
  /** Adds the routes to a scope that is this mount's alone. */
  routes(scope: FastifyInstance): void | Promise<void>
  /** How this API says no. Must not throw. */
  encodeError(error: CoreError, requestId: string): ErrorAnswer
}

/** An error as it goes over the wire: the status, and a body that is JSON. */
export interface ErrorAnswer {
  readonly status: number
  readonly body: unknown
}
