import type { Core } from '../../core/core.ts'
import { silentLog } from '../../core/log.ts'
import { createHttpServer } from '../../http/server.ts'
import { createNativeDialect } from './index.ts'

/** The OpenAPI document of this API as text, as `spec/openapi.json` holds it. */
export async function openapiDocument(): Promise<string> {
  // Only the schemas of the routes are read; none is called, so there is nothing to answer them.
  const core = {} as Core
  const server = await createHttpServer({
    core,
    dialects: [createNativeDialect(core, '')],
    allowedHosts: [],
    maxConnections: 1,
    log: silentLog,
  })
  const { body } = await server.app.inject({ url: '/openapi.json', headers: { host: 'localhost' } })
  await server.close(0)
  return `${JSON.stringify(JSON.parse(body), undefined, 2)}\n`
}
