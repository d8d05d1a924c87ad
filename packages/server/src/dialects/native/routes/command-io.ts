import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { Core } from '../../../core/core.ts'
import { acceptBytes } from '../../../http/bodies.ts'
import { bodyBytes } from '../../../http/streams.ts'
import { commandParams, errors, type NativeScope, nothing } from '../scope.ts'
import { queryBoolean, queryInteger } from '../wire/primitives.ts'

const tags = ['commands']
const NO_BYTES = new Uint8Array()

/** What goes into a command, and what it left behind. */
export function commandIoRoutes(scope: NativeScope, core: Pick<Core, 'commands'>): void {
  outputRoute(scope, core)
  signalRoute(scope, core)
  scope.register(async (bytesScope: NativeScope) => {
    acceptBytes(bytesScope)
    stdinRoute(bytesScope, core)
  })
}

function outputRoute(scope: NativeScope, { commands }: Pick<Core, 'commands'>): void {
  scope.get(
    '/v1/sandboxes/:id/commands/:cid/output',
    {
      schema: {
        tags,
        summary: 'Output as bytes',
        description: 'What is kept of one stream, from the byte at `offset` on.',
        params: commandParams,
        querystring: z.strictObject({
          stream: z.enum(['stdout', 'stderr']),
          offset: queryInteger(0, Number.MAX_SAFE_INTEGER).default(0),
        }),
        response: {
          200: { description: 'The bytes', content: { 'application/octet-stream': { schema: z.any() } } },
          ...errors,
        },
      },
    },
    async ({ params, query }, reply) => {
      const output = await commands.output(params.id, params.cid, query.stream)
      return reply.type('application/octet-stream').send(output.subarray(query.offset))
    },
  )
}

function signalRoute(scope: NativeScope, { commands }: Pick<Core, 'commands'>): void {
  scope.post(
    '/v1/sandboxes/:id/commands/:cid/signal',
    {
      schema: {
        tags,
        summary: 'Send a signal',
        description: 'By its long name (`SIGTERM`) or the short one (`TERM`).',
        params: commandParams,
        body: z.strictObject({ signal: z.string().min(1).max(32) }),
        response: { 204: nothing, ...errors },
      },
    },
    async ({ params, body }, reply) => {
      await commands.signal(params.id, params.cid, body.signal)
      return reply.code(204).send()
    },
  )
}

function stdinRoute(scope: NativeScope, { commands }: Pick<Core, 'commands'>): void {
  scope.post(
    '/v1/sandboxes/:id/commands/:cid/stdin',
    {
      schema: {
        tags,
        summary: 'Feed standard input',
        description: 'The body is the bytes, of any type and length. `eof=true` closes standard input behind them.',
        params: commandParams,
        querystring: z.strictObject({ eof: queryBoolean.default(false) }),
        consumes: ['application/octet-stream'],
        body: z.any(),
        response: { 204: nothing, ...errors },
      },
    },
    async (request, reply) => {
      const { id, cid } = request.params
      for await (const bytes of bodyBytes(request.body as Readable | undefined)) {
        await commands.writeStdin(id, cid, bytes, false)
      }
      // Always one write more: an empty body without an end still asks whether the command takes input.
      await commands.writeStdin(id, cid, NO_BYTES, request.query.eof)
      return reply.code(204).send()
    },
  )
}
