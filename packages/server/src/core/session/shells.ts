import { baseEnvironment } from '../environment.ts'
import { isCoreError } from '../errors.ts'
import type { SandboxDriver, SessionStart } from '../ports/sandbox-driver.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'
import type { LiveSession } from './live-session.ts'

/** Starts and ends the shells of sessions. */
export class Shells {
  readonly #driver: SandboxDriver

  constructor(driver: SandboxDriver) {
    this.#driver = driver
  }

  /** Resolves when the session has a living shell. */
  async open(sandbox: LiveSandbox, session: LiveSession): Promise<void> {
    // Whoever waited may find that somebody else has changed it back meanwhile.
    while (session.changing !== undefined) await session.changing
    if (session.shell === 'open') return
    await this.#change(session, async () => {
      await this.#driver.openSession(sandbox.id, session.name, shellStart(sandbox, session)).catch(unlessThere)
      session.shell = 'open'
    })
  }

  /** Kills the shell and what runs in it. Resolves when there is none. */
  async close(sandbox: LiveSandbox, session: LiveSession): Promise<void> {
    while (session.changing !== undefined) await session.changing
    if (session.shell === 'closed') return
    await this.#change(session, async () => {
      await this.#driver.closeSession(sandbox.id, session.name).catch(unlessGone)
      session.shell = 'closed'
    })
  }

  async #change(session: LiveSession, work: () => Promise<void>): Promise<void> {
    const done = work()
    session.changing = done.catch(() => undefined)
    await done.finally(() => {
      session.changing = undefined
    })
  }
}

function shellStart(sandbox: LiveSandbox, session: LiveSession): SessionStart {
  const { spec, cwd, env } = sandbox.record
  return {
    cwd: Buffer.from(session.record.cwd ?? cwd),
    env: { ...baseEnvironment(spec.user), ...env, ...session.record.env },
  }
}

function unlessThere(error: unknown): void {
  if (!isCoreError(error) || error.code !== 'session.exists') throw error
}

function unlessGone(error: unknown): void {
  if (!isCoreError(error) || error.code !== 'session.not_found') throw error
}
