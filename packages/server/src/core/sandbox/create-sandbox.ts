import type { CommandRecord } from '../command/command.ts'
import { planCommand } from '../command/request.ts'
import type { CreateSandbox } from '../core.ts'
import { CoreError } from '../errors.ts'
import type { FilePath } from '../file/file.ts'
import { absoluteText } from '../file/path.ts'
import type { Parts } from '../parts.ts'
import { DISCARDED } from './end.ts'
import { LiveSandbox } from './live-sandbox.ts'
import { planSandbox } from './plan.ts'

/** Kept of each stream of a setup command. */
const SETUP_OUTPUT_BYTES = 64 * 1024

/** A sandbox that is asked for in good order, and not begun. */
export interface PlannedSandbox {
  readonly sandbox: LiveSandbox
  readonly files: readonly (readonly [path: FilePath, content: Uint8Array])[]
}

/** Makes a sandbox with its files and after its setup commands; on rejection nothing of it is left. */
export async function createSandbox(parts: Parts, options: CreateSandbox): Promise<LiveSandbox> {
  const planned = planWithFiles(parts, options, { ephemeral: false })
  const { sandbox } = planned
  await buildSandbox(parts, planned)
  try {
    await setUp(parts, sandbox, options.setup ?? [])
    await remember(parts, sandbox)
  } catch (error) {
    await discard(parts, sandbox)
    throw error
  }
  sandbox.move('running')
  sandbox.touch()
  parts.expiry.watch(sandbox)
  return sandbox
}

/** Refuses what is wrong about the request, before anything is made. */
export function planWithFiles(
  parts: Parts,
  options: CreateSandbox,
  kind: { readonly ephemeral: boolean },
): PlannedSandbox {
  parts.registry.refuseWhenClosed()
  const sandbox = new LiveSandbox(planSandbox(options, parts), parts.clock, kind)
  const { cwd } = sandbox.record
  const files = [...(options.files ?? [])].map(([path, content]) => [absoluteText(cwd, path), content] as const)
  return { sandbox, files }
}

/** The sandbox as the driver makes it, with its files; on rejection nothing of it is left. */
export async function buildSandbox(parts: Parts, { sandbox, files }: PlannedSandbox): Promise<void> {
  const { registry, driver, limits } = parts
  if (registry.size >= limits.sandboxes) {
    throw new CoreError('limit.exceeded', 'there are too many sandboxes', { limit: 'sandboxes', max: limits.sandboxes })
  }
  registry.add(sandbox)
  try {
    sandbox.isolation = await driver.create(sandbox.id, sandbox.record.spec)
  } catch (error) {
    sandbox.removed = true
    registry.remove(sandbox)
    throw error
  }
  try {
    for (const [path, content] of files) await driver.files.put(sandbox.id, path, content, {})
    refuseEnded(sandbox)
  } catch (error) {
    await discard(parts, sandbox)
    throw error
  }
}

async function setUp(parts: Parts, sandbox: LiveSandbox, setup: readonly string[]): Promise<void> {
  for (const command of setup) {
    const run = { command, output: { maxBytes: SETUP_OUTPUT_BYTES } }
    const planned = planCommand(sandbox, run, { limits: parts.limits, background: false })
    const record = await parts.runner.run(sandbox, planned)
    refuseEnded(sandbox)
    if (record.outcome?.type !== 'exited' || record.outcome.exitCode !== 0) throw setupFailed(command, record)
  }
}

/** From here on a restart knows the sandbox; one that the store does not know is removed by the next start. */
async function remember({ store }: Parts, sandbox: LiveSandbox): Promise<void> {
  const { record } = sandbox
  if (!(await store.insert(record))) throw new CoreError('internal.defect', 'an id was made twice', {})
  if (sandbox.end === undefined) sandbox.stored = true
  else await store.remove(record.id, record.incarnation)
  refuseEnded(sandbox)
}

function setupFailed(command: string, { outcome, stdout, stderr }: CommandRecord): CoreError {
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()
  const details = { command, outcome, stdout: text(stdout), stderr: text(stderr) }
  return new CoreError('sandbox.setup_failed', 'a setup command failed', details)
}

/** Waits until nothing is left. A failure of it is logged and tried again: the caller has a better one to tell. */
async function discard({ endings }: Parts, sandbox: LiveSandbox): Promise<void> {
  await endings.end(sandbox, DISCARDED).catch(() => undefined)
}

function refuseEnded({ end }: LiveSandbox): void {
  if (end === undefined) return
  const reason = end.gone ?? 'it was ended while it was made'
  throw new CoreError('runtime.unavailable', 'the sandbox ended while it was made', { reason })
}
