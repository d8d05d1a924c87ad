import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Core } from '../../core/core.ts'
import type { Dialect } from '../../http/dialect.ts'
import { encodeError } from './errors.ts'
import { openapi } from './openapi.ts'
import { commandIoRoutes } from './routes/command-io.ts'
import { commandRoutes } from './routes/commands.ts'
import { fileContentRoutes } from './routes/file-content.ts'
import { fileRoutes } from './routes/files.ts'
import { nodeRoutes } from './routes/node.ts'
import { runRoutes } from './routes/run.ts'
import { sandboxRoutes } from './routes/sandboxes.ts'
import { sessionRoutes } from './routes/sessions.ts'

/** The API of our own, `/v1`, with its documentation. */
export function createNativeDialect(core: Core, version: string): Dialect {
  return {
    name: 'native',
    prefixes: [''],
    encodeError,
    async routes(plainScope) {
      const scope = plainScope.withTypeProvider<ZodTypeProvider>()
      await openapi(plainScope)
      sandboxRoutes(scope, core)
      sessionRoutes(scope, core)
      commandRoutes(scope, core)
      commandIoRoutes(scope, core)
      fileRoutes(scope, core)
      fileContentRoutes(scope, core)
      runRoutes(scope, core)
      nodeRoutes(scope, core, version)
    },
  }
}
