import type { FastifyInstance } from 'fastify'
import type { Core } from '../core/core.ts'
import type { Metrics } from './metrics.ts'

/** What operators and orchestrators ask: is it alive, does it serve, how much. */
export function operatorRoutes(app: FastifyInstance, core: Pick<Core, 'node'>, metrics: Metrics): void {
  app.get('/healthz', async () => ({ status: 'ok' }))
  // Not ready is the error of whoever does not answer.
  app.get('/readyz', async () => {
    const { driver } = await core.node()
    return { status: 'ok', driver }
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
}
