import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import { ask } from './ask.ts'
import { Connection, ConnectionLost } from './connection.ts'
import { unavailable } from './errors.ts'
import { Heartbeat } from './heartbeat.ts'
import { type Reply, type Request, VERSION } from './protocol.ts'
import { type SupervisorOptions, startSupervisor, supervisorSocket } from './supervisor-process.ts'

export interface LinkListener {
  onEvent(event: Reply): void
  /** A supervisor answers: the first one, the same again, or another. Requests wait until this has resolved. */
  onConnected(connection: Connection): Promise<void>
  /** The supervisor that was connected is gone, and everything that it owned with it. */
  onEnded(reason: string): void
}

export interface LinkOptions extends SupervisorOptions {
  readonly log: Log
  /** For tests. */
  readonly heartbeatTickMs?: number
}

/** One life of the supervisor, as its hello tells it. */
interface Life {
  readonly pid: number
  readonly boot: string
}

/** Pauses between the attempts to have a supervisor again; the last one is repeated. */
const RETRY_MS = [0, 100, 300, 1000, 3000]
/** Everything that a full node owns is gone long before. */
const SHUTDOWN_WITHIN_MS = 30_000

/**
 * Keeps a supervisor at hand: connects to the one that lives, starts one where none answers, and does so again
 * whenever the connection ends. One that hangs is not asked any more, and killed when it stays so.
 */
export class SupervisorLink {
  readonly #options: LinkOptions
  readonly #listener: LinkListener
  readonly #socketPath: string
  #connection: Connection | undefined
  #attempt: Promise<Connection> | undefined
  #heartbeat: Heartbeat | undefined
  #life: Life | undefined
  #hung = false
  #closing: Promise<void> | undefined

  constructor(options: LinkOptions, listener: LinkListener) {
    this.#options = options
    this.#listener = listener
    this.#socketPath = supervisorSocket(options.dataDir)
  }

  /** Who serves now, for `/v1/node`. */
  get life(): Life | undefined {
    return this.#life
  }

  /** Resolves when a supervisor answers and the listener knows it. */
  async start(): Promise<void> {
    for (const pauseMs of RETRY_MS) {
      await sleep(pauseMs)
      try {
        await this.#connect()
        return
      } catch (error) {
        // One that is just ending, or has not noticed yet that its last server is gone, closes the connection.
        if (!(error instanceof ConnectionLost)) throw error
        this.#options.log.warn({ err: error }, 'the supervisor closed the connection')
      }
    }
    throw unavailable('the supervisor closes every connection: is another server using this data folder?')
  }

  /** Waits for an attempt to connect that is under way; where none is, and none holds, it rejects at once. */
  async request(request: Request): Promise<Reply> {
    if (this.#hung) throw unavailable('the supervisor does not answer')
    const connection = this.#connection ?? (await this.#attempt)
    if (connection === undefined) throw unavailable('no supervisor is connected')
    return connection.request(request)
  }

  /** `end` takes the supervisor and everything it owns away, `leave` only the connection. Safe to call twice. */
  close(how: 'leave' | 'end'): Promise<void> {
    this.#closing ??= this.#close(how)
    return this.#closing
  }

  async #close(how: 'leave' | 'end'): Promise<void> {
    await this.#attempt?.catch(() => undefined)
    const connection = this.#connection
    if (connection === undefined) return
    if (how === 'end') await this.#shutDown(connection)
    this.#heartbeat?.stop()
    connection.close()
  }

  async #shutDown(connection: Connection): Promise<void> {
    const deadline = new AbortController()
    const late = sleep(SHUTDOWN_WITHIN_MS, 'late', { signal: deadline.signal, ref: false }).catch(() => 'aborted')
    // A supervisor that ends before its answer arrives has ended all the same.
    const done = ask(connection, 'Done', { type: 'Shutdown' }).catch(() => 'ended')
    if ((await Promise.race([done, late])) === 'late') this.#kill('it does not end')
    deadline.abort()
  }

  #connect(): Promise<Connection> {
    this.#attempt = this.#open().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  async #open(): Promise<Connection> {
    const connection = await this.#reach()
    try {
      await this.#greet(connection)
      await this.#listener.onConnected(connection)
      connection.mustBeOpen()
    } catch (error) {
      connection.close()
      throw error
    }
    this.#serve(connection)
    return connection
  }

  async #greet(connection: Connection): Promise<void> {
    const { version, pid, boot } = await ask(connection, 'Hello', { type: 'Hello', version: VERSION })
    if (version !== VERSION) {
      throw unavailable(`the supervisor speaks version ${version} of the protocol, this server ${VERSION}`)
    }
    if (this.#life !== undefined && this.#life.boot !== boot) this.#ended('another supervisor has taken its place')
    this.#life = { pid, boot }
  }

  /** Connects to the supervisor that listens, or to a new one. */
  async #reach(): Promise<Connection> {
    try {
      return await this.#dial()
    } catch (error) {
      if (!isNobodyThere(error)) throw error
    }
    if (this.#life !== undefined) this.#ended('the supervisor ended')
    this.#options.log.info({ dataDir: this.#options.dataDir }, 'starting a supervisor')
    await startSupervisor(this.#options)
    return this.#dial()
  }

  #dial(): Promise<Connection> {
    const listener = {
      onEvent: (event: Reply) => this.#listener.onEvent(event),
      onClose: (reason: ConnectionLost) => this.#lost(reason),
    }
    return Connection.open(this.#socketPath, listener)
  }

  #serve(connection: Connection): void {
    this.#connection = connection
    this.#options.log.info(this.#who(), 'connected to the supervisor')
    this.#heartbeat = new Heartbeat({
      ask: () => connection.request({ type: 'Status' }),
      heard: () => connection.heard,
      onHung: () => {
        this.#hung = true
        this.#options.log.error(this.#who(), 'the supervisor does not answer')
      },
      onBack: () => {
        this.#hung = false
        this.#options.log.info(this.#who(), 'the supervisor answers again')
      },
      onDead: () => this.#kill('it does not answer'),
      ...(this.#options.heartbeatTickMs !== undefined && { tickMs: this.#options.heartbeatTickMs }),
    })
  }

  /** Its connection stands, so the process id is still its own. */
  #kill(why: string): void {
    if (this.#life === undefined) return
    this.#options.log.error(this.#who(), `killing the supervisor: ${why}`)
    try {
      process.kill(this.#life.pid, 'SIGKILL')
    } catch (error) {
      this.#options.log.error({ err: error }, 'the supervisor cannot be killed')
    }
  }

  /** For the log. */
  #who(): object {
    return { supervisorPid: this.#life?.pid, boot: this.#life?.boot }
  }

  #ended(reason: string): void {
    this.#life = undefined
    this.#options.log.error({ reason }, 'the supervisor is gone, and its sandboxes with it')
    this.#listener.onEnded(reason)
  }

  #lost(reason: ConnectionLost): void {
    this.#heartbeat?.stop()
    // While an attempt is under way, its own failure is what is told.
    if (this.#connection === undefined) return
    this.#connection = undefined
    this.#hung = false
    if (this.#closing !== undefined) return
    this.#options.log.warn({ err: reason }, 'the connection to the supervisor ended')
    void this.#recover()
  }

  async #recover(): Promise<void> {
    for (let attempt = 0; this.#closing === undefined; attempt++) {
      try {
        await this.#connect()
        return
      } catch (error) {
        this.#options.log.error({ err: error }, 'no supervisor can be had')
        await sleep(RETRY_MS[Math.min(attempt + 1, RETRY_MS.length - 1)], undefined, { ref: false })
      }
    }
  }
}

function isNobodyThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
}
