import type { Core } from '../../../core/core.ts'
import { errors, type NativeScope, nothing, sandboxParams, sessionParams } from '../scope.ts'
import { listOf } from '../wire/primitives.ts'
import * as wire from '../wire/session.ts'

export function sessionRoutes(scope: NativeScope, { sessions }: Pick<Core, 'sessions'>): void {
  const tags = ['sessions']

  scope.post(
    '/v1/sandboxes/:id/sessions',
    {
      schema: {
        tags,
        summary: 'Open a session',
        params: sandboxParams,
        body: wire.sessionBody,
        response: { 201: wire.session, ...errors },
      },
    },
    async ({ params, body }, reply) => reply.code(201).send(wire.encodeSession(await sessions.open(params.id, body))),
  )

  scope.get(
    '/v1/sandboxes/:id/sessions',
    {
      schema: {
        tags,
        summary: 'List sessions',
        params: sandboxParams,
        response: { 200: listOf(wire.session), ...errors },
      },
    },
    async ({ params }) => ({ items: (await sessions.list(params.id)).map(wire.encodeSession), next_cursor: null }),
  )

  scope.delete(
    '/v1/sandboxes/:id/sessions/:name',
    {
      schema: {
        tags,
        summary: 'Close a session',
        description: 'Ends its shell and what runs in it. The next command of `main` starts it afresh.',
        params: sessionParams,
        response: { 204: nothing, ...errors },
      },
    },
    async ({ params }, reply) => {
      await sessions.close(params.id, params.name)
      return reply.code(204).send()
    },
  )
}
