import { z } from 'zod'
import type { Core } from '../../../core/core.ts'
import { errors, commandParams, type NativeScope, nothing, sandboxParams } from '../scope.ts'
import * as wire from '../wire/command.ts'
import { listOf, page } from '../wire/primitives.ts'
import { commandBody, decodeCommand } from '../wire/run-command.ts'

const encodingQuery = { encoding: wire.encoding.default('utf8') }

const tags = ['commands']

export function commandRoutes(scope: NativeScope, core: Pick<Core, 'commands'>): void {
  runRoute(scope, core)
  recordRoutes(scope, core)
}

function runRoute(scope: NativeScope, { commands }: Pick<Core, 'commands'>): void {
  scope.post(
    '/v1/sandboxes/:id/commands',
    {
      schema: {
        tags,
        summary: 'Run a command',
        description:
          '`command` is shell text for a session (`main` by default, `null` a fresh shell), `argv` runs without a shell. ' +
          'Answers with the finished command, or with `background: true` at once (201). ' +
          'In `utf8` each invalid sequence of the output becomes U+FFFD; `base64` keeps every byte. ' +
          'A client that goes away does not end its command.',
        params: sandboxParams,
        body: commandBody,
        response: { 200: wire.command, 201: wire.command, ...errors },
      },
    },
    async ({ params, body }, reply) => {
      const encoding = body.output?.encoding ?? 'utf8'
      const run = decodeCommand(body)
      if (body.background === true) {
        return reply.code(201).send(wire.encodeCommand(await commands.runInBackground(params.id, run), encoding))
      }
      return wire.encodeCommand(await commands.run(params.id, run), encoding)
    },
  )
}

function recordRoutes(scope: NativeScope, { commands }: Pick<Core, 'commands'>): void {
  scope.get(
    '/v1/sandboxes/:id/commands',
    {
      schema: {
        tags,
        summary: 'List commands',
        description: 'Without their output.',
        params: sandboxParams,
        querystring: z.strictObject({ ...page, ...encodingQuery }),
        response: { 200: listOf(wire.command), ...errors },
      },
    },
    async ({ params, query: { limit, cursor, encoding } }) => {
      const list = await commands.list(params.id, { limit, ...(cursor && { cursor }) })
      return { items: list.items.map((item) => wire.encodeCommand(item, encoding)), next_cursor: list.nextCursor }
    },
  )

  scope.get(
    '/v1/sandboxes/:id/commands/:cid',
    {
      schema: {
        tags,
        summary: 'One command',
        params: commandParams,
        querystring: z.strictObject(encodingQuery),
        response: { 200: wire.command, ...errors },
      },
    },
    async ({ params, query }) => wire.encodeCommand(await commands.get(params.id, params.cid), query.encoding),
  )

  scope.delete(
    '/v1/sandboxes/:id/commands/:cid',
    {
      schema: {
        tags,
        summary: 'Kill a command',
        description: 'Its whole tree, background children too.',
        params: commandParams,
        response: { 204: nothing, ...errors },
      },
    },
    async ({ params }, reply) => {
      await commands.kill(params.id, params.cid)
      return reply.code(204).send()
    },
  )
}
