import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'

/** Collects the schemas of the routes that are registered after it: `GET /openapi.json`, and `GET /docs` as a page. */
export async function openapi(scope: FastifyInstance, version: string): Promise<void> {
  await scope.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Atoll',
        version,
        description: 'Isolated, stateful Linux sandboxes over HTTP.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform: jsonSchemaTransform,
  })
  await scope.register(swaggerUi, { routePrefix: '/docs', uiConfig: { url: '/openapi.json' } })
  scope.get('/openapi.json', { schema: { hide: true } }, async () => scope.swagger())
}
