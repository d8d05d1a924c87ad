import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreError } from '../../core/errors.ts'
import type { AskFile } from './ask-file.ts'
import type { FileEntry, FileOp, FileReply } from './protocol.ts'
import { SLICE_BYTES } from './protocol.ts'
import { readSlices } from './read-slices.ts'
import { writeSlices } from './write-slices.ts'

const path = Buffer.from('/file')
const entry: FileEntry = { path, kind: 'File', sizeBytes: 0, mode: 0o644, modifiedAtMs: 0, linkTarget: undefined }
const unknownHandle = () => new CoreError('file.failed', 'no such handle', { path: '/file', errno: 'EBADF' })

/** Init's side of one file: what is read comes from `content`, what is written is gathered. */
class OneFile {
  readonly asked: FileOp['type'][] = []
  written = Buffer.alloc(0)
  inFlight = 0
  mostInFlight = 0
  open = true
  /** Refuses the write or read of this number. */
  failsAt = Infinity
  #at = 0
  readonly #content: Buffer

  constructor(content: Uint8Array = Buffer.alloc(0)) {
    this.#content = Buffer.from(content)
  }

  readonly ask = (async (_wanted: FileReply['type'], op: FileOp) => {
    this.asked.push(op.type)
    this.inFlight++
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    try {
      // Answered in a later turn, as over a socket.
      const reply = this.#answer(op)
      await new Promise(setImmediate)
      return reply
    } finally {
      this.inFlight--
    }
  }) as AskFile

  #answer(op: FileOp): FileReply {
    if (op.type === 'Close') this.open = false
    if (op.type === 'Close') return { type: 'Done' }
    if (!this.open) throw unknownHandle()
    if (this.asked.length === this.failsAt) throw new CoreError('file.no_space', 'full', { path: '/file' })
    if (op.type === 'Put' || op.type === 'Append') {
      this.written = Buffer.concat([this.written, op.bytes])
      return { type: 'Put', handle: op.last ? undefined : 1, entry: op.last ? entry : undefined }
    }
    const bytes = this.#content.subarray(this.#at, this.#at + SLICE_BYTES)
    this.#at += bytes.length
    this.open = this.#at < this.#content.length
    return { type: 'Data', bytes, eof: !this.open }
  }
}

async function* chunksOf(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
}

const counted = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, index) => index % 251))

describe('readSlices', () => {
  it.each([0, 1, SLICE_BYTES, SLICE_BYTES + 1, 20 * SLICE_BYTES])('gives all of %i bytes in order', async (length) => {
    const content = counted(length)
    const file = new OneFile(content)
    const parts = await Array.fromAsync(readSlices(file.ask, Buffer.from('first'), 1))
    expect(Buffer.concat(parts)).toEqual(Buffer.concat([Buffer.from('first'), content]))
    expect(file.open).toBe(false)
  })

  it('asks nothing where the first slice is all', async () => {
    const file = new OneFile()
    expect(await Array.fromAsync(readSlices(file.ask, Buffer.alloc(0), undefined))).toEqual([])
    expect(file.asked).toEqual([])
  })

  it('asks a few slices ahead, and no more', async () => {
    const file = new OneFile(counted(50 * SLICE_BYTES))
    await Array.fromAsync(readSlices(file.ask, Buffer.from('first'), 1))
    expect(file.mostInFlight).toBe(4)
  })

  it('closes the file when the reader leaves early', async () => {
    const file = new OneFile(counted(50 * SLICE_BYTES))
    for await (const slice of readSlices(file.ask, Buffer.from('first'), 1)) if (slice.length === SLICE_BYTES) break
    expect(file.asked.at(-1)).toBe('Close')
  })

  it('closes the file when the reader leaves before the first step', async () => {
    const file = new OneFile(counted(SLICE_BYTES))
    await readSlices(file.ask, Buffer.from('first'), 1)[Symbol.asyncIterator]().return?.()
    expect(file.asked).toEqual(['Close'])
  })

  it('fails with the failure of its slice, and closes the file', async () => {
    const file = new OneFile(counted(50 * SLICE_BYTES))
    file.failsAt = 3
    await expect(Array.fromAsync(readSlices(file.ask, Buffer.from('first'), 1))).rejects.toThrow('full')
    expect(file.asked).toContain('Close')
  })
})

describe('writeSlices', () => {
  it('sends what fits into one message in one', async () => {
    const file = new OneFile()
    await expect(writeSlices(file.ask, path, counted(SLICE_BYTES), 0o600)).resolves.toBe(entry)
    expect(file.asked).toEqual(['Put'])
    expect(file.written).toEqual(counted(SLICE_BYTES))
  })

  it('writes an empty file', async () => {
    const file = new OneFile()
    await expect(writeSlices(file.ask, path, new Uint8Array(), undefined)).resolves.toBe(entry)
    await expect(writeSlices(file.ask, path, chunksOf(new Uint8Array(), 1), undefined)).resolves.toBe(entry)
  })

  it('writes the same bytes whatever chunks they come in', async () => {
    const sizes = fc.constantFrom(1, 1000, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 10 * SLICE_BYTES)
    await fc.assert(
      fc.asyncProperty(fc.nat(5 * SLICE_BYTES), sizes, async (length, size) => {
        const whole = new OneFile()
        const streamed = new OneFile()
        await writeSlices(whole.ask, path, counted(length), undefined)
        await writeSlices(streamed.ask, path, chunksOf(counted(length), Math.max(size, length >> 8)), undefined)
        expect(whole.written.equals(counted(length))).toBe(true)
        expect(streamed.written.equals(counted(length))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('keeps a bounded number of slices under way', async () => {
    const file = new OneFile()
    await writeSlices(file.ask, path, counted(40 * SLICE_BYTES), undefined)
    expect(file.mostInFlight).toBeLessThanOrEqual(4)
  })

  it('closes the unfinished file when the content fails', async () => {
    const file = new OneFile()
    const content = (async function* () {
      yield counted(3 * SLICE_BYTES)
      throw new Error('the client went away')
    })()
    await expect(writeSlices(file.ask, path, content, undefined)).rejects.toThrow('the client went away')
    expect(file.asked.at(-1)).toBe('Close')
  })

  it('closes the unfinished file when a slice is refused, and ends the content', async () => {
    const file = new OneFile()
    file.failsAt = 3
    let ended = false
    const content = (async function* () {
      try {
        for (;;) yield counted(SLICE_BYTES)
      } finally {
        ended = true
      }
    })()
    await expect(writeSlices(file.ask, path, content, undefined)).rejects.toThrow('full')
    expect(file.asked.at(-1)).toBe('Close')
    expect(ended).toBe(true)
  })
})
