/** What is kept of one stream: half of the maximum as its head, half as its tail. */
export class KeptOutput {
  readonly #headBytes: number
  readonly #tailBytes: number
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)
  #dropped = 0

  constructor(maxBytes: number) {
    this.#headBytes = Math.ceil(maxBytes / 2)
    this.#tailBytes = maxBytes - this.#headBytes
  }

  get dropped(): number {
    return this.#dropped
  }

  get bytes(): Uint8Array {
    return Buffer.concat([this.#head, this.#tail])
  }

  write(bytes: Uint8Array): void {
    const room = this.#headBytes - this.#head.length
    this.#head = Buffer.concat([this.#head, bytes.subarray(0, room)])
    const tail = Buffer.concat([this.#tail, bytes.subarray(room)])
    const drop = Math.max(0, tail.length - this.#tailBytes)
    this.#dropped += drop
    this.#tail = tail.subarray(drop)
  }
}
