import type { CommandRecord } from '../../core/command/command.ts'
import type { CommandId, SandboxId } from '../../core/ids.ts'

/** Who waits for the end of a command. */
export interface Waiting {
  readonly sandboxId: SandboxId
  onFinished(record: CommandRecord): void
  /** The supervisor is gone, and the command with it. */
  onEnded(reason: string): void
  /** It is not known of: the request to run it never arrived. */
  onUnknown(): void
  /** This server listens no longer. */
  onAbandoned(): void
}

/** The commands that run as far as this server knows. Each is told of its end once. */
export class RunningCommands {
  readonly #waiting = new Map<string, Waiting>()
  readonly #watchers = new Map<string, PromiseWithResolvers<undefined>>()

  add(id: CommandId, waiting: Waiting): void {
    this.#waiting.set(id, waiting)
  }

  delete(id: CommandId): void {
    this.#take(id)
  }

  /** Resolves when the command runs no more, at once where none is known. */
  ended(id: CommandId): Promise<undefined> {
    if (!this.#waiting.has(id)) return Promise.resolve(undefined)
    const watcher = this.#watchers.get(id) ?? Promise.withResolvers<undefined>()
    this.#watchers.set(id, watcher)
    return watcher.promise
  }

  /** Whether somebody waited for it. */
  finish(record: CommandRecord): boolean {
    const waiting = this.#take(record.id)
    waiting?.onFinished(record)
    return waiting !== undefined
  }

  forget(id: CommandId): void {
    this.#take(id)?.onUnknown()
  }

  endAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.onEnded(reason)
  }

  abandonAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.onAbandoned()
  }

  entries(): readonly (readonly [string, Waiting])[] {
    return [...this.#waiting]
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    this.#watchers.get(id)?.resolve(undefined)
    this.#watchers.delete(id)
    return waiting
  }
}
