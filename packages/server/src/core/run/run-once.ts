import type { Share } from '../command/fair-queue.ts'
import { planCommand, type PlannedCommand } from '../command/request.ts'
import type { RunOnce, RunOnceResult } from '../core.ts'
import { CoreError, isCoreError, type ErrorCode } from '../errors.ts'
import type { FilePath } from '../file/file.ts'
import { absoluteText } from '../file/path.ts'
import type { Parts } from '../parts.ts'
import { buildSandbox, planWithFiles, type PlannedSandbox } from '../sandbox/create-sandbox.ts'
import { DISCARDED } from '../sandbox/end.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'

/** What an answer may carry of files, all together: they stand in memory. */
const LARGEST_FETCH_BYTES = 64 * 1024 ** 2

/** What says that there is no file to fetch. */
const NO_FILE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'file.not_found',
  'file.not_regular',
  'file.not_directory',
  'file.is_directory',
  'file.permission_denied',
])

/**
 * A fresh sandbox for one command. It is removed behind the answer, and holds its slot until it is: so there are never
 * more of them than slots. All share one part of the queue, so that many of them do not delay a session's command.
 */
export async function runOnce(parts: Parts, share: Share, options: RunOnce): Promise<RunOnceResult> {
  const { queue, runner, registry, endings } = parts
  const { planned, command, fetch } = plan(parts, options)
  const { sandbox } = planned
  const turn = queue.enter(share)
  if (turn !== undefined) await turn
  try {
    registry.refuseWhenClosed()
    await buildSandbox(parts, planned)
    sandbox.move('running')
    const record = await runner.runNow(sandbox, command)
    const files = await fetchAll(parts, sandbox, fetch)
    return { command: { ...record, sandboxId: sandbox.id }, files }
  } finally {
    const free = () => {
      queue.leave()
    }
    if (registry.peek(sandbox.id) === undefined) free()
    else endings.end(sandbox, DISCARDED).then(free, free)
  }
}

interface Plan {
  readonly planned: PlannedSandbox
  readonly command: PlannedCommand
  readonly fetch: readonly (readonly [asked: string, path: FilePath])[]
}

/** All that can be refused is refused before the wait. */
function plan(parts: Parts, options: RunOnce): Plan {
  const { template, image, files, user, network, sandboxLimits, fetch = [], ...run } = options
  const spec = defined({ template, image, files, user, network, limits: sandboxLimits })
  const planned = planWithFiles(parts, spec, { ephemeral: true })
  const { sandbox } = planned
  const session = run.argv === undefined ? { session: null } : {}
  const command = planCommand(sandbox, { ...run, ...session }, { limits: parts.limits, background: false })
  return { planned, command, fetch: fetch.map((path) => [path, absoluteText(sandbox.record.cwd, path)]) }
}

/** The fields that have a value. */
type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}

async function fetchAll(parts: Parts, sandbox: LiveSandbox, fetch: Plan['fetch']): Promise<RunOnceResult['files']> {
  const files = new Map<string, Uint8Array | undefined>()
  let left = LARGEST_FETCH_BYTES
  for (const [asked, path] of fetch) {
    const content = await fetchOne(parts, sandbox, path, left)
    left -= content?.length ?? 0
    files.set(asked, content)
  }
  return files
}

async function fetchOne(
  { driver }: Parts,
  sandbox: LiveSandbox,
  path: FilePath,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const slices: Uint8Array[] = []
  let bytes = 0
  try {
    const { content } = await driver.files.open(sandbox.id, path)
    for await (const slice of content) {
      bytes += slice.length
      if (bytes > maxBytes) throw tooLarge()
      slices.push(slice)
    }
  } catch (error) {
    // The command has its outcome; a sandbox that was lost since has no files.
    if (sandbox.end !== undefined || (isCoreError(error) && NO_FILE.has(error.code))) return undefined
    throw error
  }
  return Buffer.concat(slices)
}

const tooLarge = (): CoreError =>
  new CoreError('request.too_large', 'the fetched files are too large', { maxBytes: LARGEST_FETCH_BYTES })
