import { CoreError } from '../errors.ts'
import type { LiveSandbox } from './live-sandbox.ts'
import type { Sandbox } from './sandbox.ts'

/** What users see of a sandbox that the driver has made. */
export function view(sandbox: LiveSandbox): Sandbox {
  const { record, isolation } = sandbox
  if (isolation === undefined) throw new CoreError('internal.defect', 'a sandbox is seen before it is made', {})
  return {
    id: record.id,
    state: sandbox.state,
    template: record.template,
    image: record.image,
    user: record.spec.user,
    cwd: record.cwd,
    env: record.env,
    limits: record.spec.limits,
    network: { mode: 'none' },
    isolation,
    metadata: record.metadata,
    sessions: sandbox.openSessions().map(({ name }) => name),
    createdAtMs: record.createdAtMs,
    lastUsedAtMs: sandbox.lastUsedAtMs,
    expiresAtMs: record.expiresAtMs,
    idleTimeoutMs: record.idleTimeoutMs,
    node: record.node,
  }
}
