import { z } from 'zod'
import type { Core } from '../../../core/core.ts'
import { errors, type NativeScope, nothing, sandboxParams } from '../scope.ts'
import * as wire from '../wire/file.ts'
import { listOf, page, queryBoolean, queryInteger } from '../wire/primitives.ts'

/** Deeper trees are listed folder by folder. */
const MAX_DEPTH = 64

const tags = ['files']

export function fileRoutes(scope: NativeScope, { files }: Pick<Core, 'files'>): void {
  scope.get(
    '/v1/sandboxes/:id/files/list',
    {
      schema: {
        tags,
        summary: 'List a folder',
        description: 'Sorted by path; `depth` 1 is its own children. Symlinks are listed, never walked.',
        params: sandboxParams,
        querystring: z.strictObject({ ...wire.pathQuery, depth: queryInteger(1, MAX_DEPTH).default(1), ...page }),
        response: { 200: listOf(wire.fileEntry), ...errors },
      },
    },
    async ({ params, query, raw }) => {
      const { depth, limit, cursor } = query
      const list = await files.list(params.id, wire.queryPath(raw.url ?? '', query), {
        depth,
        limit,
        ...(cursor && { cursor }),
      })
      return { items: list.items.map(wire.encodeEntry), next_cursor: list.nextCursor }
    },
  )

  scope.get(
    '/v1/sandboxes/:id/files/stat',
    {
      schema: {
        tags,
        summary: 'One entry',
        params: sandboxParams,
        querystring: z.strictObject(wire.pathQuery),
        response: { 200: wire.fileEntry, ...errors },
      },
    },
    async ({ params, query, raw }) =>
      wire.encodeEntry(await files.stat(params.id, wire.queryPath(raw.url ?? '', query))),
  )

  scope.delete(
    '/v1/sandboxes/:id/files',
    {
      schema: {
        tags,
        summary: 'Remove a file or a folder',
        params: sandboxParams,
        querystring: z.strictObject({ ...wire.pathQuery, recursive: queryBoolean.default(false) }),
        response: { 204: nothing, ...errors },
      },
    },
    async ({ params, query, raw }, reply) => {
      await files.remove(params.id, wire.queryPath(raw.url ?? '', query), { recursive: query.recursive })
      return reply.code(204).send()
    },
  )

  changeRoutes(scope, { files })
}

function changeRoutes(scope: NativeScope, { files }: Pick<Core, 'files'>): void {
  scope.post(
    '/v1/sandboxes/:id/files/mkdir',
    {
      schema: {
        tags,
        summary: 'Make a folder',
        description: 'Parents are made too; one that is there already is fine.',
        params: sandboxParams,
        body: wire.mkdirBody,
        response: { 204: nothing, ...errors },
      },
    },
    async ({ params, body: { path, path_base64, mode } }, reply) => {
      await files.mkdir(params.id, wire.bodyPath('path', path, path_base64), mode === undefined ? {} : { mode })
      return reply.code(204).send()
    },
  )

  scope.post(
    '/v1/sandboxes/:id/files/move',
    {
      schema: {
        tags,
        summary: 'Move or rename',
        params: sandboxParams,
        body: wire.moveBody,
        response: { 204: nothing, ...errors },
      },
    },
    async ({ params, body }, reply) => {
      const from = wire.bodyPath('from', body.from, body.from_base64)
      const to = wire.bodyPath('to', body.to, body.to_base64)
      await files.move(params.id, from, to, { overwrite: body.overwrite })
      return reply.code(204).send()
    },
  )
}
