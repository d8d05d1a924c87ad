import type { FilePath } from '../../core/file/file.ts'
import type { AskFile } from './ask-file.ts'
import { ProtocolError } from './msgpack-reader.ts'
import { type FileEntry, type FileReply, SLICE_BYTES } from './protocol.ts'

/** Slices sent ahead of their answers. */
const WINDOW = 4

type Put = Extract<FileReply, { type: 'Put' }>

/** A stretch of content, and whether it is the last one. */
interface Slice {
  readonly bytes: Uint8Array
  readonly last: boolean
}

/**
 * Writes a file whole or not at all: what is small in one message, else slice by slice into a temporary file
 * that takes its place with the last one. When `content` fails or a slice is refused, nothing is left of it.
 */
export async function writeSlices(
  ask: AskFile,
  path: FilePath,
  content: AsyncIterable<Uint8Array> | Uint8Array,
  mode: number | undefined,
): Promise<FileEntry> {
  const slices = content instanceof Uint8Array ? cut(content) : gather(content)
  let handle: number | undefined
  const answers: Promise<Put>[] = []
  let answer: Put | undefined
  try {
    for await (const { bytes, last } of slices) {
      if (handle === undefined) {
        answer = await ask('Put', { type: 'Put', path, mode, bytes, last })
        handle = answer.handle
      } else {
        const appended = ask('Put', { type: 'Append', handle, bytes, last })
        // It is awaited in its turn; an earlier failure must not leave it unhandled.
        appended.catch(() => undefined)
        answers.push(appended)
        if (answers.length >= WINDOW) answer = await answers.shift()
      }
    }
    for (const each of answers) answer = await each
  } catch (error) {
    if (handle !== undefined) await ask('Done', { type: 'Close', handle }).catch(() => undefined)
    throw error
  }
  if (answer?.entry === undefined) throw new ProtocolError('no entry for a file that is written')
  return answer.entry
}

function* cut(content: Uint8Array): Generator<Slice, void, undefined> {
  for (let at = 0; at === 0 || at < content.length; at += SLICE_BYTES) {
    const end = at + SLICE_BYTES
    yield { bytes: content.subarray(at, end), last: end >= content.length }
  }
}

/** Full slices out of chunks of any size. Only the end of the content tells which slice is the last. */
async function* gather(content: AsyncIterable<Uint8Array>): AsyncGenerator<Slice, void, undefined> {
  let slice = Buffer.allocUnsafe(SLICE_BYTES)
  let filled = 0
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length;) {
      if (filled === SLICE_BYTES) {
        yield { bytes: slice, last: false }
        slice = Buffer.allocUnsafe(SLICE_BYTES)
        filled = 0
      }
      const part = chunk.subarray(at, at + SLICE_BYTES - filled)
      slice.set(part, filled)
      filled += part.length
      at += part.length
    }
  }
  yield { bytes: slice.subarray(0, filled), last: true }
}
