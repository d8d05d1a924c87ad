import type { Core } from '../../../core/core.ts'
import { errors, type NativeScope } from '../scope.ts'
import * as wire from '../wire/node.ts'

export function nodeRoutes(scope: NativeScope, core: Pick<Core, 'node'>, version: string): void {
  const versions = { atoll: version, node: process.versions.node }
  scope.get(
    '/v1/node',
    {
      schema: {
        tags: ['node'],
        summary: 'This node: load, pool, versions, facts',
        response: { 200: wire.node, ...errors },
      },
    },
    async () => wire.encodeNode(await core.node(), versions),
  )
}
