/** Standard input: bytes that come until it is closed. */
export class Input {
  readonly #chunks: Uint8Array[] = []
  #open: boolean
  #arrived = Promise.withResolvers<undefined>()

  constructor(bytes: Uint8Array | undefined, open: boolean) {
    if (bytes !== undefined) this.#chunks.push(bytes)
    this.#open = open
  }

  get open(): boolean {
    return this.#open
  }

  write(bytes: Uint8Array, eof: boolean): void {
    this.#chunks.push(bytes)
    if (eof) this.#open = false
    this.#arrived.resolve(undefined)
    this.#arrived = Promise.withResolvers()
  }

  /** What has come next; `undefined` at the end. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined || !this.#open) return chunk
      await this.#arrived.promise
    }
  }
}
