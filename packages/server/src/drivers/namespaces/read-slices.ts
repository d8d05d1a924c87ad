import type { AskFile } from './ask-file.ts'
import type { FileReply } from './protocol.ts'

/** Slices asked for ahead of the reader: one on each stretch of the way (server, supervisor, init, back). */
const AHEAD = 4

type Slice = Extract<FileReply, { type: 'Data' }>

/**
 * The content of an opened file, `first` and then what `handle` gives, slice by slice as it is asked for.
 * Leaving the iteration early closes the file, also before its first step.
 */
export function readSlices(ask: AskFile, first: Uint8Array, handle: number | undefined): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => new SliceReader(ask, first, handle) }
}

class SliceReader implements AsyncIterator<Uint8Array, undefined> {
  readonly #ask: AskFile
  #first: Uint8Array | undefined
  /** While it is open at the other side. */
  #handle: number | undefined
  /** In the order of the file: the other side answers the requests of one file in order. */
  #ahead: Promise<Slice>[] = []

  constructor(ask: AskFile, first: Uint8Array, handle: number | undefined) {
    this.#ask = ask
    this.#first = first
    this.#handle = handle
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#first !== undefined) {
      const value = this.#first
      this.#first = undefined
      this.#askAhead()
      if (value.length > 0) return { done: false, value }
    }
    while (this.#handle !== undefined) {
      const value = await this.#nextSlice()
      if (value.length > 0) return { done: false, value }
    }
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#close()
    return { done: true, value: undefined }
  }

  async #nextSlice(): Promise<Uint8Array> {
    this.#askAhead()
    try {
      const slice = await this.#ahead.shift()
      if (slice === undefined) return new Uint8Array()
      if (slice.eof) this.#handle = undefined
      return slice.bytes
    } catch (error) {
      await this.#close()
      throw error
    }
  }

  #askAhead(): void {
    while (this.#handle !== undefined && this.#ahead.length < AHEAD) {
      const slice = this.#ask('Data', { type: 'Next', handle: this.#handle })
      // Those behind the end are refused, and nobody waits for them.
      slice.catch(() => undefined)
      this.#ahead.push(slice)
    }
  }

  async #close(): Promise<void> {
    const handle = this.#handle
    this.#first = undefined
    this.#handle = undefined
    this.#ahead = []
    if (handle === undefined) return
    // Where even this fails the sandbox is gone, and the file with it.
    await this.#ask('Done', { type: 'Close', handle }).catch(() => undefined)
  }
}
