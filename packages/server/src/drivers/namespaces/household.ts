import type { CommandRecord, CommandRequest } from '../../core/command/command.ts'
import { endedWithSandbox } from '../../core/command/ended.ts'
import { isCoreError } from '../../core/errors.ts'
import type { CommandId, SandboxId } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { DriverListener, LivingSandbox } from '../../core/ports/sandbox-driver.ts'
import { type Carrier, ask } from './ask.ts'
import { unavailable } from './errors.ts'
import type { Reply } from './protocol.ts'
import { RunningCommands } from './running-commands.ts'
import type { LinkListener } from './supervisor-link.ts'
import { fromWireLiving, fromWireRecord } from './translate.ts'

/** Until the driver is started. */
const NOBODY: DriverListener = { onLost: () => undefined, onFinished: () => undefined }

/** Why a command is lost whose supervisor lives. */
export const FORGOTTEN = 'it ended while the supervisor was out of reach, and its record was dropped'

/**
 * Which sandboxes and commands live, as far as this server knows. With each connection it is compared with
 * what the supervisor says, and what differs is told to the listener or taken away.
 */
export class Household implements LinkListener {
  readonly commands = new RunningCommands()
  readonly #log: Log
  readonly #sandboxes = new Set<SandboxId>()
  #listener = NOBODY
  /** Set while the server starts: then everything that lives is welcome. */
  #adopted: readonly LivingSandbox[] | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** What lives when `connect` has connected for the first time. */
  async adopt(listener: DriverListener, connect: () => Promise<void>): Promise<readonly LivingSandbox[]> {
    this.#listener = listener
    this.#adopted = []
    await connect()
    const adopted = this.#adopted
    this.#adopted = undefined
    return adopted
  }

  add(id: SandboxId): void {
    this.#sandboxes.add(id)
  }

  /** Whether it was known. */
  delete(id: SandboxId): boolean {
    return this.#sandboxes.delete(id)
  }

  /** Resolves with the end of a command that outlived its connection. */
  awaitForeground(sandboxId: SandboxId, request: CommandRequest): Promise<CommandRecord> {
    const startedAtMs = Date.now()
    const { promise, resolve, reject } = Promise.withResolvers<CommandRecord>()
    // Nobody looks at it while the connection holds.
    promise.catch(() => undefined)
    this.commands.add(request.id, {
      sandboxId,
      onFinished: resolve,
      onEnded: (reason) => resolve(endedWithSandbox(request, { type: 'lost', reason }, startedAtMs)),
      onUnknown: () => reject(unavailable('the request was lost with the connection to the supervisor')),
      onAbandoned: () => reject(unavailable('the server ends')),
    })
    return promise
  }

  /** Tells the listener of the end. `lost` makes the record of a command that even the supervisor has forgotten. */
  awaitBackground(sandboxId: SandboxId, id: CommandId, lost: () => CommandRecord): void {
    this.commands.add(id, {
      sandboxId,
      onFinished: (record) => this.#listener.onFinished(sandboxId, record),
      onUnknown: () => this.#listener.onFinished(sandboxId, lost()),
      // Its sandbox is told to be lost, which says it all.
      onEnded: () => undefined,
      // The next server adopts it.
      onAbandoned: () => undefined,
    })
  }

  onEvent(event: Reply): void {
    if (event.type === 'Finished') {
      const record = fromWireRecord(event.command)
      if (!this.commands.finish(record)) this.#log.warn({ command: record.id }, 'a command ended that nobody awaits')
    } else if (event.type === 'Lost') {
      this.#lose(event.sandbox as SandboxId, event.reason)
    } else {
      this.#log.warn({ type: event.type }, 'the supervisor told what is no event')
    }
  }

  async onConnected(connection: Carrier): Promise<void> {
    const { sandboxes } = await ask(connection, 'Listing', { type: 'List' })
    const living = sandboxes.map(fromWireLiving)
    if (this.#adopted === undefined) await this.#compare(connection, living)
    else this.#welcome(living)
  }

  onEnded(reason: string): void {
    this.commands.endAll(reason)
    for (const id of [...this.#sandboxes]) this.#lose(id, reason)
  }

  #welcome(living: readonly LivingSandbox[]): void {
    this.#adopted = living
    for (const { id, running } of living) {
      this.#sandboxes.add(id)
      for (const record of running) {
        this.awaitBackground(id, record.id, () => ({ ...record, outcome: { type: 'lost', reason: FORGOTTEN } }))
      }
    }
  }

  async #compare(connection: Carrier, living: readonly LivingSandbox[]): Promise<void> {
    const ids = new Set(living.map(({ id }) => id))
    for (const id of [...this.#sandboxes]) {
      if (!ids.has(id)) this.#lose(id, 'it ended while the supervisor was out of reach')
    }
    // Their create was answered into a connection that had ended, or their destroy did not arrive.
    const unknown = living.filter(({ id }) => !this.#sandboxes.has(id))
    await Promise.all(unknown.map(({ id }) => this.#destroy(connection, id)))
    const running = new Set(living.flatMap((sandbox) => sandbox.running.map(({ id }) => id as string)))
    const ended = this.commands.entries().filter(([id]) => !running.has(id))
    await Promise.all(ended.map(([id, { sandboxId }]) => this.#catchUp(connection, sandboxId, id as CommandId)))
  }

  async #destroy(connection: Carrier, sandbox: SandboxId): Promise<void> {
    const reply = await connection.request({ type: 'Destroy', sandbox })
    if (reply.type === 'Error') this.#log.error({ sandbox, reply }, 'a sandbox that nobody knows cannot be removed')
  }

  /** A command ended while nobody listened. */
  async #catchUp(connection: Carrier, sandbox: SandboxId, command: CommandId): Promise<void> {
    try {
      const reply = await ask(connection, 'Command', { type: 'Command', sandbox, command }, { sandbox, command })
      const record = fromWireRecord(reply.command)
      if (record.outcome !== undefined) this.commands.finish(record)
    } catch (error) {
      if (!isCoreError(error) || error.code === 'runtime.unavailable') throw error
      this.commands.forget(command)
    }
  }

  #lose(id: SandboxId, reason: string): void {
    if (this.#sandboxes.delete(id)) this.#listener.onLost(id, reason)
  }
}
