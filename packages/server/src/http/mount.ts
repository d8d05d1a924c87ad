import type { FastifyInstance } from 'fastify'
import type { Log } from '../core/log.ts'
import { errorAnswerer } from './answer-error.ts'
import { acceptJson } from './bodies.ts'
import type { Dialect } from './dialect.ts'
import { routeNotFound } from './errors.ts'
import { validatorCompiler } from './validation.ts'

/**
 * Mounts a dialect at each of its prefixes, in a scope that holds its own error bodies, parsers and 404.
 * The 404 of the root belongs to the server, since several dialects share it.
 */
export function mount(app: FastifyInstance, dialect: Dialect, log: Log): void {
  for (const prefix of dialect.prefixes) {
    app.register(
      async (scope) => {
        const answerError = errorAnswerer(dialect, log)
        scope.setErrorHandler(answerError)
        if (prefix !== '') {
          scope.setNotFoundHandler((request, reply) => answerError(routeNotFound(request), request, reply))
        }
        scope.setValidatorCompiler(validatorCompiler)
        // Schemas of answers are the documentation's; tests hold the answers to them.
        scope.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
        acceptJson(scope)
        await dialect.routes(scope)
      },
      { prefix },
    )
  }
}
