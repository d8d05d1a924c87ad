import { type Socket, connect } from 'node:net'
import { CoreError } from '../../core/errors.ts'
import { decodeReply } from './decode-reply.ts'
import { encodeRequest } from './encode-request.ts'
import { FrameWriter } from './frame-writer.ts'
import { type Frame, FrameReader } from './frames.ts'
import { ProtocolError } from './msgpack-reader.ts'
import type { Reply, Request } from './protocol.ts'

/** The connection ended while a request was on its way: whether it was carried out is not known. */
export class ConnectionLost extends CoreError<'runtime.unavailable'> {
  constructor(reason: string, options?: ErrorOptions) {
    super('runtime.unavailable', `the supervisor cannot be reached: ${reason}`, { reason }, options)
  }
}

export interface ConnectionListener {
  /** A message on channel 0. */
  onEvent(event: Reply): void
  /** Once, for every connection that was open; the requests under way are rejected behind it. */
  onClose(reason: ConnectionLost): void
}

interface Pending {
  readonly resolve: (reply: Reply) => void
  readonly reject: (reason: ConnectionLost) => void
}

/** Channel 0 is that of the events. */
const FIRST_CHANNEL = 1
const LAST_CHANNEL = 0xff_ff_ff_ff

/**
 * One connection to the supervisor. A request goes out on a channel of its own, which is free again with the
 * reply. All requests of one turn of the event loop leave in one write. A frame that is not one of ours closes
 * the connection: nothing behind it can be trusted.
 */
export class Connection {
  readonly #socket: Socket
  readonly #listener: ConnectionListener
  readonly #pending = new Map<number, Pending>()
  readonly #reader = new FrameReader()
  readonly #writer = new FrameWriter()
  #channel = FIRST_CHANNEL
  #closed: ConnectionLost | undefined
  #heard = 0

  /** Rejects with the socket's own error (`ENOENT`, `ECONNREFUSED`) when nobody listens at `path`. */
  static async open(path: string, listener: ConnectionListener): Promise<Connection> {
    const socket = connect({ path })
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    socket.once('connect', () => resolve(undefined))
    socket.once('error', reject)
    await promise
    socket.off('error', reject)
    return new Connection(socket, listener)
  }

  private constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket
    this.#listener = listener
    // Text comes only from sockets with an encoding.
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('error', (error) => this.#end(new ConnectionLost(error.message, { cause: error })))
    socket.on('close', () => this.#end(new ConnectionLost('it closed the connection')))
  }

  /** Grows with everything that arrives: a sign of life. */
  get heard(): number {
    return this.#heard
  }

  /** Throws the reason where it has ended already. */
  mustBeOpen(): void {
    if (this.#closed !== undefined) throw this.#closed
  }

  /** Resolves with the one reply, an `Error` too. Rejects with `ConnectionLost` only, and with a request that is too large. */
  request(request: Request): Promise<Reply> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    const channel = this.#freeChannel()
    return new Promise((resolve, reject) => {
      if (this.#writer.isEmpty) setImmediate(() => this.#flush())
      this.#writer.frame(channel, (writer) => encodeRequest(writer, request))
      this.#pending.set(channel, { resolve, reject })
    })
  }

  /** Ends the connection; requests under way are rejected. */
  close(): void {
    this.#end(new ConnectionLost('the server closed the connection'))
  }

  #freeChannel(): number {
    while (this.#pending.has(this.#channel)) this.#advance()
    const channel = this.#channel
    this.#advance()
    return channel
  }

  #advance(): void {
    this.#channel = this.#channel === LAST_CHANNEL ? FIRST_CHANNEL : this.#channel + 1
  }

  #flush(): void {
    if (this.#closed === undefined && !this.#writer.isEmpty) this.#socket.write(this.#writer.take())
  }

  #receive(chunk: Buffer): void {
    if (this.#closed !== undefined) return
    this.#heard++
    try {
      this.#reader.push(chunk, (frame) => this.#dispatch(frame))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#end(new ConnectionLost(`it sent what is no message: ${error.message}`, { cause: error }))
    }
  }

  #dispatch({ channel, body }: Frame): void {
    const reply = decodeReply(body)
    if (channel === 0) {
      // Its last word before it closes the connection.
      if (reply.type === 'Error') this.#end(new ConnectionLost(reply.message))
      else this.#listener.onEvent(reply)
      return
    }
    const pending = this.#pending.get(channel)
    if (pending === undefined) throw new ProtocolError(`a reply on channel ${channel} that nobody waits for`)
    this.#pending.delete(channel)
    pending.resolve(reply)
  }

  #end(reason: ConnectionLost): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    this.#socket.destroy()
    this.#listener.onClose(reason)
    for (const { reject } of this.#pending.values()) reject(reason)
    this.#pending.clear()
  }
}
