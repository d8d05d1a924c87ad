import { wholeWithin } from '../check.ts'
import type { Sandboxes, UpdateSandbox } from '../core.ts'
import { changed, checkEnvironment } from '../environment.ts'
import { page } from '../paging.ts'
import type { Parts } from '../parts.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { createSandbox } from './create-sandbox.ts'
import { DELETED } from './end.ts'
import type { LiveSandbox } from './live-sandbox.ts'
import { checkCwd, checkMetadata, DEFAULT_CWD } from './plan.ts'
import { rewrite } from './rewrite.ts'
import { view } from './view.ts'

/** The use cases of whole sandboxes. */
export function sandboxUseCases(parts: Parts): Sandboxes {
  const { registry, endings } = parts
  return {
    create: async (options) => view(await createSandbox(parts, options)),
    get: (id) => view(registry.find(id)),
    list: ({ state, metadata = {}, ...request }) => {
      const wanted = Object.entries(metadata)
      const found = registry.visible().filter((sandbox) => {
        return (state === undefined || sandbox.state === state) && wanted.every((entry) => hasNote(sandbox, entry))
      })
      const { items, nextCursor } = page(found, request, ({ id, record }) => ({ id, atMs: record.createdAtMs }))
      return { items: items.map(view), nextCursor }
    },
    update: (id, patch) => updateSandbox(parts, id, patch),
    delete: async (id) => {
      const sandbox = registry.find(id)
      // One that is being made belongs to whoever makes it; one that is being removed is waited for.
      await endings.end(sandbox.state === 'creating' ? registry.running(id, 'delete it') : sandbox, DELETED)
    },
  }
}

function hasNote({ record }: LiveSandbox, [key, value]: readonly [string, string]): boolean {
  return Object.hasOwn(record.metadata, key) && record.metadata[key] === value
}

async function updateSandbox(parts: Parts, id: string, patch: UpdateSandbox) {
  const { registry, store, clock, expiry } = parts
  const sandbox = registry.running(id, 'change it')
  try {
    await rewrite(store, sandbox, (record) => patched(parts, record, patch))
  } catch (error) {
    throw sandbox.explain(error)
  }
  if (patch.lifetimeMs !== undefined) sandbox.deadline = clock.monotonic() + sandbox.record.expiresAtMs - clock.now()
  expiry.watch(sandbox)
  return view(sandbox)
}

function patched({ limits, clock }: Parts, record: SandboxRecord, patch: UpdateSandbox): SandboxRecord {
  const { lifetimeMs, idleTimeoutMs } = patch
  return {
    ...record,
    env: checkEnvironment('env', changed(record.env, patch.env)),
    cwd: patch.cwd === undefined ? record.cwd : checkCwd('cwd', DEFAULT_CWD, patch.cwd),
    metadata: checkMetadata(changed(record.metadata, patch.metadata)),
    expiresAtMs:
      lifetimeMs === undefined
        ? record.expiresAtMs
        : clock.now() + wholeWithin('lifetime_ms', lifetimeMs, limits.lifetimeMs),
    idleTimeoutMs:
      idleTimeoutMs === undefined
        ? record.idleTimeoutMs
        : wholeWithin('idle_timeout_ms', idleTimeoutMs, limits.idleTimeoutMs),
  }
}
