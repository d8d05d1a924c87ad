import { ProtocolError } from './msgpack-reader.ts'

/** `u32 length | u32 channel`, little endian; `length` counts what follows it. */
export const HEADER_BYTES = 8
/** Longest frame either way: a command text of 8 MiB and what goes with it. */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024

export interface Frame {
  readonly channel: number
  /** One MessagePack value, not decoded yet. */
  readonly body: Buffer
}

/** Cuts a byte stream into frames. Memory grows with what has arrived, never with a length that was only claimed. */
export class FrameReader {
  #chunks: Buffer[] = []
  #bytes = 0
  /** How much must be there before the next frame can be cut. */
  #wanted = HEADER_BYTES

  /** Gives each frame that is whole with this chunk. Throws `ProtocolError`; the stream is of no use afterwards. */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#wanted) return
    const buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes)
    let at = 0
    this.#wanted = HEADER_BYTES
    while (buffer.length - at >= HEADER_BYTES) {
      const length = frameLength(buffer, at)
      if (buffer.length - at < 4 + length) {
        this.#wanted = 4 + length
        break
      }
      onFrame({ channel: buffer.readUInt32LE(at + 4), body: buffer.subarray(at + HEADER_BYTES, at + 4 + length) })
      at += 4 + length
    }
    this.#chunks = at === buffer.length ? [] : [buffer.subarray(at)]
    this.#bytes = buffer.length - at
  }
}

function frameLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32LE(at)
  if (length > MAX_FRAME_BYTES) throw new ProtocolError(`a frame of ${length} bytes is longer than allowed`)
  if (length < 4) throw new ProtocolError(`a frame of ${length} bytes is too short`)
  return length
}
