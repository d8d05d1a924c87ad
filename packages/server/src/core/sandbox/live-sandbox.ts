import { Share } from '../command/fair-queue.ts'
import type { CommandOutcome } from '../command/command.ts'
import type { Cancel, Clock } from '../clock.ts'
import { CoreError } from '../errors.ts'
import type { CommandId, SandboxId, SessionName } from '../ids.ts'
import { MAIN_SESSION } from '../ids.ts'
import type { SandboxRecord } from '../ports/store.ts'
import { LiveSession } from '../session/live-session.ts'
import { goneError, notFoundError, type End } from './end.ts'
import { mayMove } from './life.ts'
import type { Isolation, SandboxState } from './sandbox.ts'

/** A sandbox of this server, from the beginning of its creation until nothing of it is left. */
export class LiveSandbox {
  readonly id: SandboxId
  /** Serves one command and is neither listed nor stored. */
  readonly ephemeral: boolean
  readonly share = new Share()
  readonly sessions = new Map<SessionName, LiveSession>()
  /** Foreground commands under way: how to answer each without the driver. */
  readonly running = new Map<CommandId, (outcome: CommandOutcome, atMs: number) => void>()
  /** Commands whose end the driver will tell, and the session that each of them holds. */
  readonly detached = new Map<CommandId, LiveSession | undefined>()
  record: SandboxRecord
  /** The store has its record. */
  stored = false
  /** Known when the driver has made it. */
  isolation: Isolation | undefined
  /** Why it ends; set once. */
  end: End | undefined
  /** The removal under way. */
  ending: Promise<void> | undefined
  /** Nothing of it is left. */
  removed = false
  /** When to look at it next: is its time over, can it be removed now? */
  timer: Cancel | undefined
  /** When its lifetime is over, and when it was used last, by the monotonic clock. */
  deadline: number
  lastUsed: number
  lastUsedAtMs: number
  readonly #clock: Clock
  #state: SandboxState = 'creating'
  #users = 0

  constructor(record: SandboxRecord, clock: Clock, options: { readonly ephemeral: boolean }) {
    this.id = record.id
    this.record = record
    this.ephemeral = options.ephemeral
    this.#clock = clock
    this.lastUsed = clock.monotonic()
    this.lastUsedAtMs = record.createdAtMs
    this.deadline = this.lastUsed + record.expiresAtMs - clock.now()
    const { createdAtMs } = record
    this.sessions.set(MAIN_SESSION, new LiveSession({ name: MAIN_SESSION, cwd: undefined, env: {}, createdAtMs }))
    for (const session of record.sessions) this.sessions.set(session.name, new LiveSession(session))
  }

  get state(): SandboxState {
    return this.#state
  }

  /** A command runs or waits, or a file operation is under way. */
  get busy(): boolean {
    return this.#users > 0
  }

  /** One step of the life cycle; any other is a defect. */
  move(to: SandboxState): void {
    if (!mayMove(this.#state, to)) throw new CoreError('internal.defect', `${this.#state} cannot become ${to}`, {})
    this.#state = to
  }

  beginUse(): void {
    this.#users++
  }

  endUse(): void {
    this.#users--
    this.touch()
  }

  /** Runs an operation that counts as use. Where the sandbox ended meanwhile, the failure says so. */
  async using<T>(work: () => Promise<T>): Promise<T> {
    this.beginUse()
    try {
      return await work()
    } catch (error) {
      throw this.explain(error)
    } finally {
      this.endUse()
    }
  }

  /** Why something failed in here: the end of the sandbox, if it has ended. */
  explain(error: unknown): unknown {
    if (this.end === undefined) return error
    return this.end.gone === undefined ? notFoundError(this.id) : goneError(this.id, this.end.gone)
  }

  touch(): void {
    this.lastUsed = this.#clock.monotonic()
    this.lastUsedAtMs = this.#clock.now()
  }

  /** Those that commands can be sent to, `main` first. */
  openSessions(): LiveSession[] {
    return [...this.sessions.values()].filter(({ closing }) => !closing)
  }

  /** `session.not_found` for an unknown one. */
  session(name: string): LiveSession {
    const session = this.sessions.get(name as SessionName)
    if (session?.closing === false) return session
    throw new CoreError('session.not_found', 'there is no such session', { sandboxId: this.id, session: name })
  }
}
