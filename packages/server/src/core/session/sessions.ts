import { invalid } from '../check.ts'
import type { SessionInfo, Sessions } from '../core.ts'
import { checkEnvironment } from '../environment.ts'
import { CoreError } from '../errors.ts'
import { isSessionName, MAIN_SESSION, type SessionName } from '../ids.ts'
import type { Parts } from '../parts.ts'
import type { SessionRecord } from '../ports/store.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'
import { checkCwd } from '../sandbox/plan.ts'
import { rewrite } from '../sandbox/rewrite.ts'
import { LiveSession } from './live-session.ts'

/** The use cases of sessions. */
export function sessionUseCases(parts: Parts): Sessions {
  const { registry, clock } = parts
  return {
    open: async (sandboxId, { name, cwd, env }) => {
      const sandbox = registry.running(sandboxId, 'open a session')
      const record: SessionRecord = {
        name: checkName(sandbox, name),
        cwd: cwd === undefined ? undefined : checkCwd('cwd', sandbox.record.cwd, cwd),
        env: checkEnvironment('env', env ?? {}),
        createdAtMs: clock.now(),
      }
      return sandbox.using(() => openSession(parts, sandbox, new LiveSession(record)))
    },
    list: async (sandboxId) => {
      const sandbox = registry.find(sandboxId)
      return sandbox.openSessions().map((session) => info(sandbox, session))
    },
    close: async (sandboxId, name) => {
      const sandbox = registry.running(sandboxId, 'close a session')
      const session = sandbox.session(name)
      await sandbox.using(() => closeSession(parts, sandbox, session))
    },
  }
}

function checkName(sandbox: LiveSandbox, name: string): SessionName {
  if (!isSessionName(name)) throw invalid('name', 'must match [a-z0-9][a-z0-9_.-]{0,62}')
  if (!sandbox.sessions.has(name)) return name
  throw new CoreError('session.exists', 'there is such a session already', { sandboxId: sandbox.id, session: name })
}

async function openSession({ shells, store }: Parts, sandbox: LiveSandbox, session: LiveSession): Promise<SessionInfo> {
  sandbox.sessions.set(session.name, session)
  try {
    await shells.open(sandbox, session)
    await rewrite(store, sandbox, (record) => ({ ...record, sessions: [...record.sessions, session.record] }))
  } catch (error) {
    sandbox.sessions.delete(session.name)
    await shells.close(sandbox, session)
    throw error
  }
  return info(sandbox, session)
}

/** Its name is free when nothing of it is left; where it cannot be closed, it is still there. */
async function closeSession(parts: Parts, sandbox: LiveSandbox, session: LiveSession): Promise<void> {
  const { name } = session
  if (name === MAIN_SESSION) return endShell(parts, sandbox, session)
  session.closing = true
  try {
    await endShell(parts, sandbox, session)
    await rewrite(parts.store, sandbox, (record) => {
      return { ...record, sessions: record.sessions.filter((other) => other.name !== name) }
    })
    sandbox.sessions.delete(name)
  } catch (error) {
    session.closing = false
    throw error
  }
}

/** First the waiting are sent away, then the shell ends: none of them slips in between. */
async function endShell({ driver, queue, shells }: Parts, sandbox: LiveSandbox, session: LiveSession): Promise<void> {
  queue.cancelLane(sandbox.share, session.lane)
  // It may have ended by itself meanwhile; if it cannot be killed, closing the shell will say why.
  if (session.current !== undefined) await driver.kill(sandbox.id, session.current, 'close').catch(() => undefined)
  await shells.close(sandbox, session)
}

function info(sandbox: LiveSandbox, { record, lane }: LiveSession): SessionInfo {
  return { name: record.name, sandboxId: sandbox.id, busy: lane.busy, createdAtMs: record.createdAtMs }
}
