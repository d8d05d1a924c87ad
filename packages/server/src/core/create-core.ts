import { adopt, Reports } from './adopt.ts'
import { systemClock, type Clock } from './clock.ts'
import { commandUseCases } from './command/commands.ts'
import { FairQueue, Share } from './command/fair-queue.ts'
import { Runner } from './command/runner.ts'
import type { Core } from './core.ts'
import { fileUseCases } from './file/files.ts'
import { DEFAULT_LIMITS, type CoreLimits } from './limits.ts'
import { silentLog, type Log } from './log.ts'
import type { Parts } from './parts.ts'
import type { SandboxDriver } from './ports/sandbox-driver.ts'
import type { Store } from './ports/store.ts'
import { runOnce } from './run/run-once.ts'
import { SHUT_DOWN } from './sandbox/end.ts'
import { Endings } from './sandbox/endings.ts'
import { Expiry } from './sandbox/expiry.ts'
import { Registry } from './sandbox/registry.ts'
import { sandboxUseCases } from './sandbox/sandboxes.ts'
import { sessionUseCases } from './session/sessions.ts'
import { Shells } from './session/shells.ts'

export interface CoreOptions {
  /** Not started yet; core closes it. */
  readonly driver: SandboxDriver
  /** Whoever opened it closes it, after core. */
  readonly store: Store
  readonly clock?: Clock
  /** Over `DEFAULT_LIMITS`. */
  readonly limits?: Partial<CoreLimits>
  readonly log?: Log
  /** The name of this server's machine, as records carry it. */
  readonly node: string
}

export interface RunningCore extends Core {
  /**
   * Refuses what is new and waits for removals under way. `leave`: the sandboxes live on for the next server, if the
   * driver can. `end`: everything ends, and every id answers so. Safe to call twice.
   */
  close(how: 'leave' | 'end'): Promise<void>
}

/** The product over one driver and one store. Resolves when what lived before is adopted. */
export async function createCore(options: CoreOptions): Promise<RunningCore> {
  const parts = assemble(options)
  const reports = new Reports(parts)
  const living = await parts.driver.start(reports)
  await adopt(parts, living)
  reports.begin()
  const oneShots = new Share()
  let closing: Promise<void> | undefined
  return {
    sandboxes: sandboxUseCases(parts),
    sessions: sessionUseCases(parts),
    commands: commandUseCases(parts),
    files: fileUseCases(parts),
    runOnce: (run) => runOnce(parts, oneShots, run),
    node: async () => ({
      driver: parts.driver.name,
      sandboxes: parts.registry.size,
      commandsRunning: parts.queue.running,
      commandsWaiting: parts.queue.waiting,
      pool: { ready: 0 },
      facts: (await parts.driver.status()).facts,
    }),
    close: (how) => (closing ??= close(parts, how)),
  }
}

function assemble(options: CoreOptions): Parts {
  const { driver, store, clock = systemClock, log = silentLog, node } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const registry = new Registry(clock)
  const queue = new FairQueue({ slots: limits.commandsRunning, longestWait: limits.commandsWaiting })
  const shells = new Shells(driver)
  const runner = new Runner({ driver, queue, shells, clock })
  const endings = new Endings({ driver, store, clock, log, registry, queue, goneMs: limits.goneMs })
  const expiry = new Expiry(clock, endings)
  return { driver, store, clock, limits, log, node, registry, queue, shells, runner, endings, expiry }
}

async function close({ registry, endings, driver, log }: Parts, how: 'leave' | 'end'): Promise<void> {
  registry.close()
  const sandboxes = registry.all()
  for (const sandbox of sandboxes) sandbox.timer?.()
  await endings.close()
  if (how === 'end') {
    const told = await Promise.allSettled(sandboxes.map((sandbox) => endings.abandon(sandbox, SHUT_DOWN)))
    const failed = told.find((result) => result.status === 'rejected')
    // The next start finds them not living and says so: later, and with another reason.
    if (failed !== undefined) log.error({ err: failed.reason as unknown }, 'the end of sandboxes could not be stored')
  }
  await driver.close(how)
}
