import { CoreError } from '../../core/errors.ts'
import { HEADER_BYTES, MAX_FRAME_BYTES } from './frames.ts'

/** What a slab holds: many requests of a few hundred bytes each. */
const SLAB_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Writes frames of MessagePack one behind the other, for one write to the socket. What `take` has given away
 * is never written again: the socket may still hold it.
 */
export class FrameWriter {
  #buffer = Buffer.allocUnsafe(SLAB_BYTES)
  #start = 0
  #at = 0

  get isEmpty(): boolean {
    return this.#at === this.#start
  }

  /** Appends one frame whose body `write` writes; a frame that throws or is too long leaves no byte behind. */
  frame(channel: number, write: (writer: this) => void): void {
    this.#reserve(HEADER_BYTES)
    // Counted from the start of what is not taken: reserving may move it all.
    const begin = this.#at - this.#start
    this.#at += HEADER_BYTES
    try {
      write(this)
    } catch (error) {
      this.#at = this.#start + begin
      throw error
    }
    const length = this.#at - this.#start - begin - 4
    if (length > MAX_FRAME_BYTES) {
      this.#at = this.#start + begin
      throw new CoreError('request.too_large', 'the request does not fit into one message', {
        maxBytes: MAX_FRAME_BYTES,
      })
    }
    this.#buffer.writeUInt32LE(length, this.#start + begin)
    this.#buffer.writeUInt32LE(channel, this.#start + begin + 4)
  }

  /** All frames since the last `take`. */
  take(): Buffer {
    const taken = this.#buffer.subarray(this.#start, this.#at)
    this.#start = this.#at
    // The rest of what one long frame needed is not worth keeping.
    if (this.#buffer.length > SLAB_BYTES) {
      this.#buffer = NOTHING
      this.#start = this.#at = 0
    }
    return taken
  }

  /** A variant with `fields` many fields, or none: then it is the bare name. */
  tag(name: string, fields: number): this {
    if (fields > 0) this.#byte(0x81)
    this.text(name)
    return fields > 0 ? this.fields(fields) : this
  }

  fields(length: number): this {
    return this.#head(length, 0x90, 15, 0xdc, 0xdd)
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.fields(items.length)
    items.forEach(write)
    return this
  }

  optional<Value>(value: Value | undefined, write: (value: Value) => void): this {
    if (value === undefined) return this.#byte(0xc0)
    write(value)
    return this
  }

  boolean(value: boolean): this {
    return this.#byte(value ? 0xc3 : 0xc2)
  }

  /** A whole number from 0 to `MAX_SAFE_INTEGER`. */
  unsigned(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no count`)
    if (value <= 0x7f) return this.#byte(value)
    this.#reserve(9)
    if (value <= 0xff_ff_ff_ff) {
      const size = value <= 0xff ? 1 : value <= 0xff_ff ? 2 : 4
      this.#buffer[this.#at] = size === 1 ? 0xcc : size === 2 ? 0xcd : 0xce
      this.#at = this.#buffer.writeUIntBE(value, this.#at + 1, size)
      return this
    }
    this.#buffer[this.#at] = 0xcf
    this.#at = this.#buffer.writeBigUInt64BE(BigInt(value), this.#at + 1)
    return this
  }

  text(value: string): this {
    const length = Buffer.byteLength(value)
    if (length > 31 && length <= 0xff) this.#byte(0xd9).#byte(length)
    else this.#head(length, 0xa0, 31, 0xda, 0xdb)
    this.#reserve(length)
    this.#at += this.#buffer.write(value, this.#at, length)
    return this
  }

  bytes(value: Uint8Array): this {
    if (value.length <= 0xff) this.#byte(0xc4).#byte(value.length)
    else this.#head(value.length, 0, -1, 0xc5, 0xc6)
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** The bytes of a text, as bytes. */
  textBytes(value: string): this {
    return this.bytes(Buffer.from(value))
  }

  #head(length: number, fix: number, fixMax: number, tag16: number, tag32: number): this {
    if (length <= fixMax) return this.#byte(fix + length)
    this.#reserve(5)
    const size = length <= 0xff_ff ? 2 : 4
    this.#buffer[this.#at] = size === 2 ? tag16 : tag32
    this.#at = this.#buffer.writeUIntBE(length, this.#at + 1, size)
    return this
  }

  #byte(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#at++] = value
    return this
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const held = this.#buffer.subarray(this.#start, this.#at)
    const grown = Buffer.allocUnsafe(Math.max(SLAB_BYTES, held.length + bytes + (held.length >> 1)))
    grown.set(held)
    this.#buffer = grown
    this.#start = 0
    this.#at = held.length
  }
}
