import { mkdtemp, rm } from 'node:fs/promises'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Packr, Unpackr } from 'msgpackr'

/** A message as it is on the wire: a tag, or a tag with its fields. */
export type WireMessage = string | Readonly<Record<string, readonly unknown[]>>

/** Gives the reply to a request; `undefined` keeps the requester waiting. */
export type Answer = (tag: string, fields: readonly unknown[], channel: number) => WireMessage | undefined

// Another implementation of MessagePack than the one under test.
const packr = new Packr({ useRecords: false, variableMapSize: true })
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

export const packFrame = (channel: number, message: WireMessage): Buffer => frameOf(channel, packr.pack(message))

export function frameOf(channel: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(body.length + 4)
  header.writeUInt32LE(channel, 4)
  return Buffer.concat([header, body])
}

/** The frames that are whole in `bytes`, decoded, and what is left. */
export function unpackFrames(bytes: Buffer): { frames: { channel: number; message: WireMessage }[]; rest: Buffer } {
  const frames = []
  let rest = bytes
  while (rest.length >= 8 && rest.length >= 4 + rest.readUInt32LE()) {
    const end = 4 + rest.readUInt32LE()
    frames.push({ channel: rest.readUInt32LE(4), message: unpackr.unpack(rest.subarray(8, end)) as WireMessage })
    rest = rest.subarray(end)
  }
  return { frames, rest }
}

/** Speaks the supervisor's protocol over a real socket, and answers as it is told to. */
export class StandInSupervisor implements AsyncDisposable {
  readonly path: string
  /** The tags of all requests, in order of arrival. */
  readonly heard: string[] = []
  /** How many chunks the requests came in. */
  chunks = 0
  readonly #server: Server
  readonly #folder: string | undefined
  #socket: Socket | undefined

  static async listen(answer: Answer, path?: string): Promise<StandInSupervisor> {
    const folder = path === undefined ? await mkdtemp(join(tmpdir(), 'atoll-')) : undefined
    const standIn = new StandInSupervisor(answer, path ?? join(folder ?? '', 'supervisor.sock'), folder)
    // What an earlier one left when it was killed.
    await rm(standIn.path, { force: true })
    await new Promise<void>((resolve) => standIn.#server.listen(standIn.path, resolve))
    return standIn
  }

  private constructor(answer: Answer, path: string, folder: string | undefined) {
    this.path = path
    this.#folder = folder
    this.#server = createServer((socket) => this.#serve(socket, answer))
  }

  send(channel: number, message: WireMessage): void {
    this.sendBytes(packFrame(channel, message))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket?.write(bytes)
  }

  /** Ends the connection, and goes on listening. */
  dropConnection(): void {
    this.#socket?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  #serve(socket: Socket, answer: Answer): void {
    this.#socket = socket
    let pending = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      this.chunks++
      const { frames, rest } = unpackFrames(Buffer.concat([pending, chunk as Buffer]))
      pending = Buffer.from(rest)
      for (const { channel, message } of frames) {
        const [tag, fields] = typeof message === 'string' ? [message, []] : (Object.entries(message)[0] ?? ['', []])
        this.heard.push(tag)
        const reply = answer(tag, fields, channel)
        if (reply !== undefined) socket.write(packFrame(channel, reply))
      }
    })
  }
}
