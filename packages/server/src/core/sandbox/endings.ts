import type { Clock } from '../clock.ts'
import type { FairQueue } from '../command/fair-queue.ts'
import type { Log } from '../log.ts'
import type { SandboxDriver } from '../ports/sandbox-driver.ts'
import type { Store } from '../ports/store.ts'
import type { End } from './end.ts'
import type { LiveSandbox } from './live-sandbox.ts'
import type { Registry } from './registry.ts'

/** How soon a removal that failed is tried again: doubled each time up to the longest. */
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000

export interface EndingsParts {
  readonly driver: SandboxDriver
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly queue: FairQueue
  readonly goneMs: number
}

/**
 * Ends sandboxes. The first to say why wins; from that moment its id answers so, its commands get their outcomes, and
 * the removal is tried until nothing of it is left.
 */
export class Endings {
  readonly #parts: EndingsParts
  readonly #underWay = new Set<Promise<void>>()
  /** How long each that failed waits next. */
  readonly #delays = new WeakMap<LiveSandbox, number>()
  #closed = false

  constructor(parts: EndingsParts) {
    this.#parts = parts
  }

  /** Resolves when nothing of the sandbox is left; on rejection the removal goes on in the background. */
  end(sandbox: LiveSandbox, end: End): Promise<void> {
    if (sandbox.removed) return Promise.resolve()
    if (sandbox.end === undefined) this.#claim(sandbox, end)
    sandbox.ending ??= this.#track(this.#attempt(sandbox, sandbox.end ?? end))
    return sandbox.ending
  }

  /** As `end`, for those who do not wait. */
  endLater(sandbox: LiveSandbox, end: End): void {
    void this.end(sandbox, end).catch(() => undefined)
  }

  /** As `end`, where the driver itself is about to end everything: what is left to do is to say so. */
  async abandon(sandbox: LiveSandbox, end: End): Promise<void> {
    if (sandbox.end !== undefined) return
    this.#claim(sandbox, end)
    this.#answerRunning(sandbox, end)
    await this.#write(sandbox, end)
  }

  /** No failed removal is tried again. Resolves when those under way are done. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#underWay)
  }

  #claim(sandbox: LiveSandbox, end: End): void {
    const { registry, queue, goneMs } = this.#parts
    sandbox.move(sandbox.state === 'creating' ? 'failed' : 'stopped')
    sandbox.end = end
    sandbox.timer?.()
    if (end.gone !== undefined && !sandbox.ephemeral) registry.bury(sandbox.id, end.gone, goneMs)
    queue.cancelShare(sandbox.share, lanes(sandbox))
    if (end.outcome.type === 'lost') this.#answerRunning(sandbox, end)
  }

  async #attempt(sandbox: LiveSandbox, end: End): Promise<void> {
    try {
      await this.#remove(sandbox, end)
      sandbox.removed = true
      sandbox.timer?.()
      this.#parts.registry.remove(sandbox)
    } catch (error) {
      this.#retryLater(sandbox, end, error)
      throw error
    } finally {
      sandbox.ending = undefined
    }
  }

  #retryLater(sandbox: LiveSandbox, end: End, error: unknown): void {
    const delayMs = this.#delays.get(sandbox) ?? FIRST_RETRY_MS
    this.#parts.log.error({ sandboxId: sandbox.id, err: error, retryMs: delayMs }, 'a sandbox could not be removed')
    if (this.#closed) return
    this.#delays.set(sandbox, Math.min(delayMs * 2, LONGEST_RETRY_MS))
    sandbox.timer?.()
    sandbox.timer = this.#parts.clock.after(delayMs, () => {
      if (!this.#closed) this.endLater(sandbox, end)
    })
  }

  async #remove(sandbox: LiveSandbox, end: End): Promise<void> {
    const { driver, store } = this.#parts
    // A store that cannot write must not keep an expired sandbox alive.
    const written = this.#write(sandbox, end)
    await this.#killRunning(sandbox, end)
    const [stored, destroyed] = await Promise.allSettled([written, driver.destroy(sandbox.id)])
    if (destroyed.status === 'rejected') throw destroyed.reason
    this.#answerRunning(sandbox, end)
    if (stored.status === 'rejected') throw stored.reason
    if (end.gone === undefined && sandbox.stored) await store.remove(sandbox.id, sandbox.record.incarnation)
  }

  /** What a restart must know before the sandbox is gone. */
  async #write(sandbox: LiveSandbox, { gone }: End): Promise<void> {
    if (!sandbox.stored) return
    const { store, clock, goneMs } = this.#parts
    const { id, incarnation, node } = sandbox.record
    if (gone === undefined) await store.move(id, { from: 'running', to: 'stopped', incarnation })
    else await store.bury({ id, node, reason: gone, untilMs: clock.now() + goneMs }, incarnation)
  }

  /** So that they keep their output: the driver answers for each of them before it is destroyed. */
  async #killRunning(sandbox: LiveSandbox, { outcome }: End): Promise<void> {
    if (outcome.type !== 'killed' || sandbox.running.size === 0) return
    const kills = [...sandbox.running.keys()].map((id) => this.#parts.driver.kill(sandbox.id, id, outcome.by))
    await Promise.allSettled(kills)
  }

  #answerRunning(sandbox: LiveSandbox, { outcome }: End): void {
    const nowMs = this.#parts.clock.now()
    for (const answer of sandbox.running.values()) answer(outcome, nowMs)
    sandbox.running.clear()
  }

  #track(removal: Promise<void>): Promise<void> {
    const tracked = removal.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
    return tracked
  }
}

const lanes = (sandbox: LiveSandbox) => [...sandbox.sessions.values()].map((session) => session.lane)
