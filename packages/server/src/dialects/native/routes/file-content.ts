import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { Core } from '../../../core/core.ts'
import { acceptBytes } from '../../../http/bodies.ts'
import { bodyBytes, closeWhenStalled } from '../../../http/streams.ts'
import { answerFile } from '../file-answer.ts'
import { errors, type NativeScope, sandboxParams } from '../scope.ts'
import * as wire from '../wire/file.ts'
import { mode } from '../wire/primitives.ts'

const tags = ['files']
const bytes = { description: 'The bytes', content: { 'application/octet-stream': { schema: z.any() } } }

/** The content of files, streamed both ways. */
export function fileContentRoutes(scope: NativeScope, core: Pick<Core, 'files'>): void {
  readRoutes(scope, core)
  scope.register(async (bytesScope: NativeScope) => {
    acceptBytes(bytesScope)
    writeRoute(bytesScope, core)
  })
}

function readRoutes(scope: NativeScope, { files }: Pick<Core, 'files'>): void {
  const schema = { tags, params: sandboxParams, querystring: z.strictObject(wire.pathQuery) }

  scope.get(
    '/v1/sandboxes/:id/files',
    {
      exposeHeadRoute: false,
      schema: {
        ...schema,
        summary: 'Read a file',
        description: 'Regular files only. One `Range` of bytes is honoured.',
        response: { 200: bytes, 206: bytes, ...errors },
      },
    },
    async (request, reply) => {
      const path = wire.queryPath(request.raw.url ?? '', request.query)
      return answerFile(request, reply, (range) => files.read(request.params.id, path, range))
    },
  )

  scope.head(
    '/v1/sandboxes/:id/files',
    { schema: { ...schema, summary: 'What reading a file would answer, without its bytes', response: errors } },
    async (request, reply) => {
      const path = wire.queryPath(request.raw.url ?? '', request.query)
      return answerFile(request, reply, (range) => files.read(request.params.id, path, range))
    },
  )
}

function writeRoute(scope: NativeScope, { files }: Pick<Core, 'files'>): void {
  scope.put(
    '/v1/sandboxes/:id/files',
    {
      schema: {
        tags,
        summary: 'Write a file',
        description: 'The body is the content, of any type and length. Whole or not at all; parents are made.',
        params: sandboxParams,
        querystring: z.strictObject({ ...wire.pathQuery, mode: mode.exactOptional() }),
        consumes: ['application/octet-stream'],
        body: z.any(),
        response: { 201: wire.fileEntry, ...errors },
      },
    },
    async (request, reply) => {
      closeWhenStalled(request)
      const { query, params } = request
      const path = wire.queryPath(request.raw.url ?? '', query)
      const content = bodyBytes(request.body as Readable | undefined)
      const entry = await files.write(params.id, path, content, query.mode === undefined ? {} : { mode: query.mode })
      return reply.code(201).send(wire.encodeEntry(entry))
    },
  )
}
