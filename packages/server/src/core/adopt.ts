import type { CommandRecord } from './command/command.ts'
import type { SandboxId } from './ids.ts'
import type { Parts } from './parts.ts'
import type { DriverListener, LivingSandbox } from './ports/sandbox-driver.ts'
import type { SandboxRecord } from './ports/store.ts'
import { DISCARDED, LIFETIME_OVER, lost } from './sandbox/end.ts'
import { LiveSandbox } from './sandbox/live-sandbox.ts'
import { planSandbox } from './sandbox/plan.ts'

const NOT_LIVING = 'lost: it did not outlive a restart'

/** Takes what the driver tells, from its start on; what comes before everything is adopted waits. */
export class Reports implements DriverListener {
  readonly #parts: Parts
  #early: (() => void)[] | undefined = []

  constructor(parts: Parts) {
    this.#parts = parts
  }

  onLost(id: SandboxId, reason: string): void {
    this.#soon(() => {
      const sandbox = this.#parts.registry.peek(id)
      if (sandbox !== undefined) this.#parts.endings.endLater(sandbox, lost(reason))
    })
  }

  onFinished(id: SandboxId, record: CommandRecord): void {
    this.#soon(() => {
      const sandbox = this.#parts.registry.peek(id)
      if (sandbox !== undefined) this.#parts.runner.finished(sandbox, record.id)
    })
  }

  /** Everything is adopted. */
  begin(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const report of early) report()
  }

  #soon(report: () => void): void {
    if (this.#early === undefined) report()
    else this.#early.push(report)
  }
}

/**
 * Brings together what lives and what the store says should live, after a restart of the server:
 * known and living is adopted; known and not living was lost; living and not known was never answered for, and goes.
 */
export async function adopt(parts: Parts, living: readonly LivingSandbox[]): Promise<void> {
  const { store, clock, node, registry } = parts
  const nowMs = clock.now()
  for (const { id, reason, untilMs } of await store.tombstones(node, nowMs)) registry.bury(id, reason, untilMs - nowMs)
  const over = new Set(await store.expired(node, nowMs))
  const left = new Map(living.map((sandbox) => [sandbox.id, sandbox]))
  for (const record of await store.records(node)) {
    const found = record.state === 'running' ? left.get(record.id) : undefined
    if (found !== undefined) {
      left.delete(record.id)
      await adoptOne(parts, record, found)
    } else if (record.state === 'running') {
      await buryOne(parts, record, over.has(record.id) ? LIFETIME_OVER.gone : NOT_LIVING)
    } else {
      await store.remove(record.id, record.incarnation)
    }
  }
  for (const { id } of left.values()) removeStray(parts, id)
  await store.forget(nowMs)
}

async function adoptOne(parts: Parts, record: SandboxRecord, living: LivingSandbox): Promise<void> {
  const { clock, registry, runner, driver, expiry } = parts
  const sandbox = new LiveSandbox(record, clock, { ephemeral: false })
  sandbox.stored = true
  sandbox.isolation = living.isolation
  sandbox.lastUsedAtMs = living.lastUsedAtMs
  sandbox.lastUsed = clock.monotonic() - Math.max(0, clock.now() - living.lastUsedAtMs)
  sandbox.move('running')
  registry.add(sandbox)
  for (const { name } of living.sessions) {
    const session = sandbox.sessions.get(name)
    if (session !== undefined) session.shell = 'open'
    else await driver.closeSession(record.id, name)
  }
  for (const command of living.running) runner.adopt(sandbox, command)
  expiry.watch(sandbox)
}

async function buryOne(
  { registry, store, clock, limits }: Parts,
  record: SandboxRecord,
  reason: string,
): Promise<void> {
  const { id, node, incarnation } = record
  registry.bury(id, reason, limits.goneMs)
  await store.bury({ id, node, reason, untilMs: clock.now() + limits.goneMs }, incarnation)
}

function removeStray(parts: Parts, id: SandboxId): void {
  const stray = new LiveSandbox({ ...planSandbox({}, parts), id }, parts.clock, { ephemeral: true })
  parts.registry.add(stray)
  parts.endings.endLater(stray, DISCARDED)
}
