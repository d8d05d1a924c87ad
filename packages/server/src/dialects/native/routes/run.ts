import type { Core } from '../../../core/core.ts'
import { errors, type NativeScope } from '../scope.ts'
import * as wire from '../wire/command.ts'
import { encodeContent } from '../wire/primitives.ts'
import { decodeRun, runBody } from '../wire/run-command.ts'

export function runRoutes(scope: NativeScope, core: Pick<Core, 'runOnce'>): void {
  scope.post(
    '/v1/run',
    {
      schema: {
        tags: ['run'],
        summary: 'Run one command in a fresh sandbox',
        description:
          'The sandbox is gone afterwards. `files` are put in before, the paths of `fetch` come back after; ' +
          'one that is no regular file is `null`. `limits` are the command’s, `sandbox_limits` the sandbox’s.',
        body: runBody,
        response: { 200: wire.ranOnce, ...errors },
      },
    },
    async ({ body }) => {
      const { command, files } = await core.runOnce(decodeRun(body))
      const fetched: Record<string, ReturnType<typeof encodeContent> | null> = Object.fromEntries(
        Array.from(files, ([path, content]) => [path, content === undefined ? null : encodeContent(content)]),
      )
      return { ...wire.encodeCommand(command, body.output?.encoding ?? 'utf8'), files: fetched }
    },
  )
}
