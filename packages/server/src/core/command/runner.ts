import type { Clock } from '../clock.ts'
import type { SandboxDriver } from '../ports/sandbox-driver.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'
import type { LiveSession } from '../session/live-session.ts'
import type { Shells } from '../session/shells.ts'
import type { CommandOutcome, CommandRecord, CommandRequest } from './command.ts'
import { endedWithSandbox, truthful } from './ended.ts'
import type { FairQueue } from './fair-queue.ts'
import type { PlannedCommand } from './request.ts'

/** Outcome of commands that waited for a session when it was closed. */
const SESSION_CLOSED: CommandOutcome = { type: 'killed', by: 'close' }

/**
 * Brings commands to the driver, each in its turn, and answers for them whatever becomes of their sandbox.
 * While a command waits or runs, its sandbox is in use.
 */
export class Runner {
  readonly #driver: SandboxDriver
  readonly #queue: FairQueue
  readonly #shells: Shells
  readonly #clock: Clock

  constructor(parts: {
    readonly driver: SandboxDriver
    readonly queue: FairQueue
    readonly shells: Shells
    readonly clock: Clock
  }) {
    this.#driver = parts.driver
    this.#queue = parts.queue
    this.#shells = parts.shells
    this.#clock = parts.clock
  }

  /** Waits for its turn, runs to the end. */
  async run(sandbox: LiveSandbox, planned: PlannedCommand): Promise<CommandRecord> {
    const lane = planned.session?.lane
    sandbox.beginUse()
    try {
      const turn = this.#queue.enter(sandbox.share, lane)
      if (turn !== undefined && !(await turn)) return this.#neverStarted(sandbox, planned.request)
      try {
        return await this.runNow(sandbox, planned)
      } finally {
        this.#queue.leave(lane)
      }
    } finally {
      sandbox.endUse()
    }
  }

  /** Runs at once, outside the queue. The caller keeps the sandbox in use. */
  async runNow(sandbox: LiveSandbox, { request, session }: PlannedCommand): Promise<CommandRecord> {
    if (session !== undefined && !hasShell(session)) await this.#openShell(sandbox, session)
    if (sandbox.end !== undefined) return this.#neverStarted(sandbox, request)
    if (session === undefined) return this.#settled(sandbox, request)
    session.current = request.id
    return this.#settled(sandbox, request).finally(() => {
      session.current = undefined
    })
  }

  /** Waits for its turn, resolves when it has started; the sandbox is in use until `finished`. */
  async start(sandbox: LiveSandbox, planned: PlannedCommand): Promise<CommandRecord> {
    const { request } = planned
    sandbox.beginUse()
    sandbox.detached.set(request.id, undefined)
    try {
      if (await this.#startInTurn(sandbox, planned)) return await this.#driver.command(sandbox.id, request.id)
    } catch (error) {
      this.finished(sandbox, request.id)
      if (sandbox.end === undefined) throw error
    }
    this.finished(sandbox, request.id)
    return this.#neverStarted(sandbox, request)
  }

  /** A detached command has ended: what it held is free. Nothing for one that is not known. */
  finished(sandbox: LiveSandbox, id: CommandRequest['id']): void {
    const held = sandbox.detached.get(id)
    if (!sandbox.detached.delete(id)) return
    sandbox.endUse()
    if (held === undefined) return
    held.current = undefined
    this.#queue.vacate(held.lane)
  }

  /** A command that an earlier server began: the sandbox is in use and its session occupied until `finished`. */
  adopt(sandbox: LiveSandbox, record: CommandRecord): void {
    const { program } = record
    const session = program.type === 'session' && !record.background ? sandbox.sessions.get(program.session) : undefined
    sandbox.detached.set(record.id, session)
    sandbox.beginUse()
    if (session === undefined) return
    session.current = record.id
    this.#queue.occupy(session.lane)
  }

  async #startInTurn(sandbox: LiveSandbox, { request, session }: PlannedCommand): Promise<boolean> {
    const turn = this.#queue.enter(sandbox.share, session?.lane)
    if (turn !== undefined && !(await turn)) return false
    try {
      if (session !== undefined && !hasShell(session)) await this.#openShell(sandbox, session)
      if (sandbox.end !== undefined) return false
      await this.#driver.runInBackground(sandbox.id, request)
      return true
    } finally {
      this.#queue.leave(session?.lane)
    }
  }

  async #openShell(sandbox: LiveSandbox, session: LiveSession): Promise<void> {
    try {
      await this.#shells.open(sandbox, session)
    } catch (error) {
      if (sandbox.end === undefined) throw error
    }
  }

  #neverStarted(sandbox: LiveSandbox, request: CommandRequest): CommandRecord {
    return endedWithSandbox(request, sandbox.end?.outcome ?? SESSION_CLOSED, this.#clock.now())
  }

  /** What the driver answers, or what the end of the sandbox makes of it: whichever comes first. */
  async #settled(sandbox: LiveSandbox, request: CommandRequest): Promise<CommandRecord> {
    const ended = new Promise<CommandRecord>((resolve) => {
      sandbox.running.set(request.id, (outcome, atMs) => resolve(endedWithSandbox(request, outcome, atMs)))
    })
    try {
      const record = await Promise.race([this.#driver.run(sandbox.id, request), ended])
      return sandbox.end === undefined ? record : truthful(record, sandbox.end.outcome)
    } catch (error) {
      if (sandbox.end === undefined) throw error
      return endedWithSandbox(request, sandbox.end.outcome, this.#clock.now())
    } finally {
      sandbox.running.delete(request.id)
    }
  }
}

const hasShell = (session: LiveSession): boolean => session.shell === 'open' && session.changing === undefined
