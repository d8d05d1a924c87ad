import type { Logger } from 'pino'
import type { CommandRecord, CommandRequest } from '../../core/command/command.ts'
import { isCoreError } from '../../core/errors.ts'
import type { CommandId, SandboxId } from '../../core/ids.ts'
import type { DriverListener, LivingSandbox } from '../../core/ports/sandbox-driver.ts'
import { type Carrier, ask } from './ask.ts'
import type { Reply, Request } from './protocol.ts'
import { RunningCommands } from './running-commands.ts'
import type { LinkListener } from './supervisor-link.ts'
import { unavailable } from './supervisor-process.ts'
import { fromWireLiving, fromWireRecord, lostRecord } from './translate.ts'

/** Told to a server that has no listener yet. */
const NOBODY: DriverListener = { onLost: () => undefined, onFinished: () => undefined }

/**
 * Which sandboxes and commands live, as far as this server knows. With each connection it is compared with
 * what the supervisor says, and what differs is told to the listener or taken away.
 */
export class Household implements LinkListener {
  readonly commands = new RunningCommands()
  readonly #log: Logger
  readonly #sandboxes = new Set<SandboxId>()
  #listener = NOBODY
  /** Set while the server starts: then everything that lives is welcome. */
  #adopted: LivingSandbox[] | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** What lives when `connect` has connected for the first time. */
  async adopt(listener: DriverListener, connect: () => Promise<void>): Promise<readonly LivingSandbox[]> {
    this.#listener = listener
    const adopted: LivingSandbox[] = []
    this.#adopted = adopted
    await connect()
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
      onEnded: (reason) => resolve(lostRecord(request, startedAtMs, reason)),
      onUnknown: () => reject(unavailable('the request was lost with the connection to the supervisor')),
    })
    return promise
  }

  awaitBackground(sandboxId: SandboxId, id: CommandId): void {
    this.commands.add(id, {
      sandboxId,
      onFinished: (record) => this.#listener.onFinished(sandboxId, record),
      // Its sandbox is told to be lost, which says it all.
      onEnded: () => undefined,
      onUnknown: () => undefined,
    })
  }

  onEvent(event: Reply): void {
    if (event.type === 'Finished') {
      const record = fromWireRecord(event.command)
      if (!this.commands.finish(record)) this.#log.debug({ command: record.id }, 'a command ended that nobody awaits')
    } else if (event.type === 'Lost') {
      this.#lose(event.sandbox as SandboxId, event.reason)
    } else {
      this.#log.warn({ type: event.type }, 'the supervisor told what is no event')
    }
  }

  async onConnected(connection: Carrier): Promise<void> {
    const { sandboxes } = await ask(connection, 'Listing', { type: 'List' })
    const living = sandboxes.map(fromWireLiving)
    await Promise.all(living.map((sandbox) => this.#welcome(connection, sandbox)))
    const ids = new Set(living.map(({ id }) => id))
    for (const id of [...this.#sandboxes]) {
      if (!ids.has(id)) this.#lose(id, 'it ended while the supervisor was out of reach')
    }
    const running = new Set(living.flatMap((sandbox) => sandbox.running.map(({ id }) => id as string)))
    const ended = this.commands.entries().filter(([id]) => !running.has(id))
    await Promise.all(ended.map(([id, { sandboxId }]) => this.#catchUp(connection, sandboxId, id as CommandId)))
  }

  onEnded(reason: string): void {
    this.commands.endAll(reason)
    for (const id of [...this.#sandboxes]) this.#lose(id, reason)
  }

  async #welcome(connection: Carrier, sandbox: LivingSandbox): Promise<void> {
    const { id, running } = sandbox
    if (this.#adopted === undefined && !this.#sandboxes.has(id)) {
      // Its create was answered into a connection that had ended, or its destroy did not arrive.
      await this.#settle(connection, { type: 'Destroy', sandbox: id })
      return
    }
    this.#sandboxes.add(id)
    if (this.#adopted !== undefined) {
      this.#adopted.push(sandbox)
      for (const command of running) this.awaitBackground(id, command.id)
    }
    // Files that were open over the earlier connection have no reader any more.
    await this.#settle(connection, { type: 'File', sandbox: id, op: { type: 'CloseAll' } })
  }

  /** A request whose failure changes nothing: what it was about is gone. */
  async #settle(connection: Carrier, request: Request): Promise<void> {
    const reply = await connection.request(request)
    if (reply.type === 'Error') this.#log.warn({ request: request.type, reply }, 'refused by the supervisor')
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
