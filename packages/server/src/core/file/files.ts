import { invalid } from '../check.ts'
import type { Files } from '../core.ts'
import type { SandboxDriver } from '../ports/sandbox-driver.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'
import type { Registry } from '../sandbox/registry.ts'
import { checkLimit } from '../paging.ts'
import type { FilePath } from './file.ts'
import { absolutePath, folderPath } from './path.ts'

/** Folders are no deeper: a path has 4095 bytes, half of them slashes. */
const DEEPEST = 2048

/** The use cases of files. */
export function fileUseCases({
  registry,
  driver,
}: {
  readonly registry: Registry
  readonly driver: SandboxDriver
}): Files {
  /** Does something with one path of a running sandbox; that counts as use. */
  async function at<T>(sandboxId: string, path: FilePath, work: Work<T>): Promise<T> {
    const sandbox = registry.running(sandboxId, 'reach its files')
    const absolute = absolutePath(sandbox.record.cwd, path)
    return sandbox.using(() => work(sandbox, absolute))
  }

  return {
    stat: (sandboxId, path) =>
      at(sandboxId, path, ({ id }, absolute) => driver.files.stat(id, absolute, { follow: false })),
    list: (sandboxId, path, { depth, limit, cursor }) => {
      return at(sandboxId, path, async ({ id }, absolute) => {
        const after = cursor === undefined ? {} : { after: readCursor(cursor) }
        const options = { depth: checkDepth(depth), limit: checkLimit(limit), ...after }
        const { entries, more } = await driver.files.list(id, folderPath(absolute), options)
        const last = entries.at(-1)
        return { items: entries, nextCursor: more && last !== undefined ? writeCursor(last.path) : null }
      })
    },
    read: (sandboxId, path, range) => {
      return at(sandboxId, path, async (sandbox, absolute) => {
        const { entry, content } = await driver.files.open(sandbox.id, absolute, range)
        return { entry, content: inUse(sandbox, content) }
      })
    },
    write: (sandboxId, path, content, options) => {
      return at(sandboxId, path, ({ id }, absolute) => driver.files.put(id, absolute, content, options))
    },
    remove: (sandboxId, path, options) => {
      return at(sandboxId, path, ({ id }, absolute) => driver.files.remove(id, absolute, options))
    },
    mkdir: (sandboxId, path, options) => {
      return at(sandboxId, path, ({ id }, absolute) => driver.files.mkdir(id, absolute, options))
    },
    move: (sandboxId, from, to, options) => {
      return at(sandboxId, from, ({ id, record }, source) => {
        return driver.files.move(id, source, absolutePath(record.cwd, to), options)
      })
    },
  }
}

type Work<T> = (sandbox: LiveSandbox, path: FilePath) => Promise<T>

/** The sandbox is in use while somebody reads. */
async function* inUse(sandbox: LiveSandbox, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  sandbox.beginUse()
  try {
    yield* content
  } catch (error) {
    throw sandbox.explain(error)
  } finally {
    sandbox.endUse()
  }
}

function checkDepth(depth: number): number {
  if (Number.isInteger(depth) && depth >= 1 && depth <= DEEPEST) return depth
  throw invalid('depth', `must be from 1 to ${DEEPEST}`)
}

const writeCursor = (path: FilePath): string => Buffer.from(path).toString('base64url')

function readCursor(text: string): FilePath {
  const path = Buffer.from(text, 'base64url')
  if (path[0] !== 0x2f || path.includes(0)) throw invalid('cursor', 'is not one that a page has told')
  return path
}
