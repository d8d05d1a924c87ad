import type { SandboxRecord, Store } from '../ports/store.ts'
import { notFoundError } from './end.ts'
import type { LiveSandbox } from './live-sandbox.ts'

/** Changes the record of a running sandbox, durably; a change made elsewhere meanwhile is kept beside this one. */
export async function rewrite(
  store: Store,
  sandbox: LiveSandbox,
  change: (record: SandboxRecord) => SandboxRecord,
): Promise<void> {
  for (;;) {
    const current = sandbox.record
    const next = { ...change(current), revision: current.revision + 1 }
    if (await store.update(next)) {
      adopt(sandbox, next)
      return
    }
    const stored = await store.get(sandbox.id)
    if (stored?.state !== 'running' || stored.incarnation !== current.incarnation) throw notFoundError(sandbox.id)
    adopt(sandbox, stored)
  }
}

function adopt(sandbox: LiveSandbox, record: SandboxRecord): void {
  if (record.revision > sandbox.record.revision) sandbox.record = record
}
