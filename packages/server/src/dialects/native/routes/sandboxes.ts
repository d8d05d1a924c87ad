import { z } from 'zod'
import type { Core } from '../../../core/core.ts'
import { errors, type NativeScope, nothing, sandboxParams } from '../scope.ts'
import { listOf, metadataValue, page } from '../wire/primitives.ts'
import * as wire from '../wire/sandbox.ts'

const METADATA = 'metadata.'

const listQuery = z
  .object({ state: wire.sandboxState.exactOptional(), ...page })
  .catchall(metadataValue)
  .check(({ value, issues }) => {
    const unknown = Object.keys(value).filter((key) => !(key in listQueryFields) && !key.startsWith(METADATA))
    if (unknown.length > 0) issues.push({ code: 'unrecognized_keys', keys: unknown, input: value })
  })
const listQueryFields = { state: true, limit: true, cursor: true }

/** `metadata.KEY=value` of a query, without the prefix. */
const metadataOf = (query: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).flatMap(([key, value]) =>
      key.startsWith(METADATA) && typeof value === 'string' ? [[key.slice(METADATA.length), value]] : [],
    ),
  )

const tags = ['sandboxes']

export function sandboxRoutes(scope: NativeScope, core: Pick<Core, 'sandboxes'>): void {
  collectionRoutes(scope, core)
  singleRoutes(scope, core)
}

function collectionRoutes(scope: NativeScope, { sandboxes }: Pick<Core, 'sandboxes'>): void {
  scope.post(
    '/v1/sandboxes',
    {
      schema: {
        tags,
        summary: 'Create a sandbox',
        body: wire.createBody.optional(),
        response: { 201: wire.sandbox, ...errors },
      },
    },
    async (request, reply) => {
      const sandbox = await sandboxes.create(wire.decodeCreate(request.body ?? {}))
      return reply.code(201).send(wire.encodeSandbox(sandbox))
    },
  )

  scope.get(
    '/v1/sandboxes',
    {
      schema: {
        tags,
        summary: 'List sandboxes',
        description: '`metadata.KEY=VALUE` selects by metadata; several of them select those that have them all.',
        querystring: listQuery,
        response: { 200: listOf(wire.sandbox), ...errors },
      },
    },
    async ({ query }) => {
      const { limit, cursor, state } = query
      const metadata = metadataOf(query)
      const list = sandboxes.list({ limit, metadata, ...(cursor && { cursor }), ...(state && { state }) })
      return { items: list.items.map(wire.encodeSandbox), next_cursor: list.nextCursor }
    },
  )
}

function singleRoutes(scope: NativeScope, { sandboxes }: Pick<Core, 'sandboxes'>): void {
  scope.get(
    '/v1/sandboxes/:id',
    { schema: { tags, summary: 'One sandbox', params: sandboxParams, response: { 200: wire.sandbox, ...errors } } },
    async ({ params }) => wire.encodeSandbox(sandboxes.get(params.id)),
  )

  scope.patch(
    '/v1/sandboxes/:id',
    {
      schema: {
        tags,
        summary: 'Change a sandbox',
        description:
          '`env` and `metadata` merge, `null` removes. `env` and `cwd` hold for new shells and argv commands.',
        params: sandboxParams,
        body: wire.updateBody,
        response: { 200: wire.sandbox, ...errors },
      },
    },
    async ({ params, body }) => wire.encodeSandbox(await sandboxes.update(params.id, wire.decodeUpdate(body))),
  )

  scope.delete(
    '/v1/sandboxes/:id',
    { schema: { tags, summary: 'Remove a sandbox', params: sandboxParams, response: { 204: nothing, ...errors } } },
    async ({ params }, reply) => {
      await sandboxes.delete(params.id)
      return reply.code(204).send()
    },
  )
}
