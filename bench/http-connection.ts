import { type Socket, connect } from 'node:net'

export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
}

/**
 * One HTTP/1.1 connection that stays open, with one request at a time. It understands what our server answers and no
 * more, so that the load generator, which shares the processors with what it measures, costs a few microseconds.
 */
export class HttpConnection implements Disposable {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer[] = []
  #bytes = 0
  /** How much must be there before it is worth looking. */
  #wanted = 1
  #waiting: PromiseWithResolvers<HttpAnswer> | undefined

  static async open(address: string): Promise<HttpConnection> {
    const { hostname, port, host } = new URL(address)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    socket.once('connect', () => resolve(undefined)).once('error', reject)
    await promise
    socket.off('error', reject)
    return new HttpConnection(socket, host)
  }

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    // Text comes only from sockets with an encoding.
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** Resolves with the whole answer, whatever its status. */
  request(method: string, path: string, body?: Body): Promise<HttpAnswer> {
    if (this.#waiting !== undefined) throw new Error('a connection carries one request at a time')
    this.#waiting = Promise.withResolvers()
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n`
    if (body === undefined) this.#socket.write(`${head}\r\n`, 'latin1')
    else this.#send(head, body)
    return this.#waiting.promise
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #send(head: string, { type, content }: Body): void {
    const fields = `content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(content)}\r\n\r\n`
    this.#socket.cork()
    this.#socket.write(head + fields, 'latin1')
    this.#socket.write(content)
    this.#socket.uncork()
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#wanted) return
    const buffer = this.#received.length === 1 ? chunk : Buffer.concat(this.#received, this.#bytes)
    this.#received = [buffer]
    const headBytes = buffer.indexOf('\r\n\r\n') + 4
    if (headBytes < 4) return
    const head = buffer.toString('latin1', 0, headBytes)
    const status = Number(head.slice(9, 12))
    const length = contentLength(head, status)
    this.#wanted = headBytes + (length ?? 0)
    if (length === undefined) this.#fail(new Error(`the server answered without a length:\n${head}`))
    else if (this.#bytes > this.#wanted) this.#fail(new Error('the server answered more than it announced'))
    else if (this.#bytes === this.#wanted) this.#settle({ status, body: buffer.subarray(headBytes) })
  }

  #settle(answer: HttpAnswer): void {
    const waiting = this.#waiting
    this.#received = []
    this.#bytes = 0
    this.#wanted = 1
    this.#waiting = undefined
    waiting?.resolve(answer)
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error)
    this.#socket.destroy()
  }
}

export interface Body {
  readonly type: string
  readonly content: string | Buffer
}

function contentLength(head: string, status: number): number | undefined {
  const given = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]
  if (given !== undefined) return Number(given)
  return status === 204 ? 0 : undefined
}
