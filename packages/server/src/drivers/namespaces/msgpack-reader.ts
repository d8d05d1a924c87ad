import { isUtf8 } from 'node:buffer'

/** A frame that is not one of ours. Whoever sent it cannot be trusted with the next one either. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/**
 * Reads MessagePack in order, and only the part of it that our messages use: nil, booleans, integers, text,
 * bytes, arrays and the one-entry map of a tag. Anything else, and anything cut short, is a `ProtocolError`.
 */
export class MsgpackReader {
  readonly #buffer: Buffer
  readonly #end: number
  #at: number

  constructor(buffer: Buffer) {
    this.#buffer = buffer
    this.#end = buffer.length
    this.#at = 0
  }

  /** The tag of an enum's variant, and whether fields follow it (an array) or not (a bare string). */
  tag(): { readonly name: string; readonly hasFields: boolean } {
    const hasFields = this.#peek() === 0x81
    if (hasFields) this.#at++
    return { name: this.text(), hasFields }
  }

  /** The start of a struct or of a variant's fields, which must be exactly `length` many. */
  fields(length: number): void {
    const found = this.#arrayLength()
    if (found !== length) throw new ProtocolError(`${found} fields where ${length} belong`)
  }

  list<Item>(read: (reader: this) => Item): Item[] {
    const length = this.#arrayLength()
    // An item is at least a byte, so a claimed length cannot make us allocate more than has arrived.
    if (length > this.#end - this.#at) throw new ProtocolError('a list is longer than its frame')
    const items: Item[] = []
    for (let index = 0; index < length; index++) items.push(read(this))
    return items
  }

  optional<Value>(read: (reader: this) => Value): Value | undefined {
    if (this.#peek() !== 0xc0) return read(this)
    this.#at++
    return undefined
  }

  boolean(): boolean {
    const byte = this.#byte()
    if (byte !== 0xc2 && byte !== 0xc3) throw new ProtocolError(`${hex(byte)} where a boolean belongs`)
    return byte === 0xc3
  }

  /** Not negative. What is beyond 2^53 means "no limit" to whoever sent it, and becomes `MAX_SAFE_INTEGER`. */
  unsigned(): number {
    const value = this.integer()
    if (value < 0) throw new ProtocolError('a negative number where a count belongs')
    return value
  }

  integer(): number {
    const byte = this.#byte()
    if (byte <= 0x7f) return byte
    if (byte >= 0xe0) return byte - 0x100
    const size = INTEGER_BYTES.get(byte)
    if (size === undefined) throw new ProtocolError(`${hex(byte)} where a number belongs`)
    const at = this.#skip(size)
    if (size === 8) return clamp(byte === 0xcf ? this.#buffer.readBigUInt64BE(at) : this.#buffer.readBigInt64BE(at))
    return byte >= 0xd0 ? this.#buffer.readIntBE(at, size) : this.#buffer.readUIntBE(at, size)
  }

  text(): string {
    const byte = this.#byte()
    const length = byte >= 0xa0 && byte <= 0xbf ? byte - 0xa0 : this.#length(byte, 0xd9, 'text')
    const at = this.#skip(length)
    const bytes = this.#buffer.subarray(at, at + length)
    if (!isUtf8(bytes)) throw new ProtocolError('text that is not UTF-8')
    return bytes.toString()
  }

  bytes(): Buffer {
    const length = this.#length(this.#byte(), 0xc4, 'bytes')
    const at = this.#skip(length)
    const slice = this.#buffer.subarray(at, at + length)
    // A small slice must not keep the large buffer alive that it was read into.
    return length * 4 < this.#buffer.buffer.byteLength ? Buffer.from(slice) : slice
  }

  /** The frame must end here. */
  end(): void {
    if (this.#at !== this.#end) throw new ProtocolError('bytes behind the message')
  }

  #peek(): number {
    const byte = this.#buffer[this.#at]
    if (byte === undefined) throw new ProtocolError('a message that ends early')
    return byte
  }

  #byte(): number {
    const byte = this.#peek()
    this.#at++
    return byte
  }

  #skip(length: number): number {
    const at = this.#at
    if (length > this.#end - at) throw new ProtocolError('a message that ends early')
    this.#at = at + length
    return at
  }

  /** A length of 1, 2 or 4 bytes behind the three tags that begin with `first`. */
  #length(byte: number, first: number, wanted: string): number {
    const power = byte - first
    if (power < 0 || power > 2) throw new ProtocolError(`${hex(byte)} where ${wanted} should be`)
    const size = 1 << power
    return this.#buffer.readUIntBE(this.#skip(size), size)
  }

  #arrayLength(): number {
    const byte = this.#byte()
    if (byte >= 0x90 && byte <= 0x9f) return byte - 0x90
    if (byte !== 0xdc && byte !== 0xdd) throw new ProtocolError(`${hex(byte)} where an array belongs`)
    const size = byte === 0xdc ? 2 : 4
    return this.#buffer.readUIntBE(this.#skip(size), size)
  }
}

const INTEGER_BYTES: ReadonlyMap<number, number> = new Map([
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
])

function clamp(value: bigint): number {
  const number = Number(value)
  if (number > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
  return number < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : number
}

const hex = (byte: number): string => `0x${byte.toString(16)}`
