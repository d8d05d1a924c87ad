import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { bodyBytes, exactly } from './streams.ts'

async function* slices(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function text(content: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const slice of content) all.push(slice)
  return Buffer.concat(all).toString()
}

describe('a content of exactly so many bytes', () => {
  it('is cut where there is more, and closes what it comes from', async () => {
    const source = slices('abc', 'def', 'ghi')
    expect(await text(exactly(source, 4))).toBe('abcd')
    expect(await source.next()).toEqual({ done: true, value: undefined })
  })

  it('fails where there is less', async () => {
    await expect(text(exactly(slices('abc'), 4))).rejects.toThrow('1 bytes early')
  })

  it('may be empty', async () => {
    expect(await text(exactly(slices(), 0))).toBe('')
  })
})

describe('the bytes of a body', () => {
  it('are none without a body', async () => {
    expect(await text(bodyBytes(undefined))).toBe('')
  })

  it('left early leave the connection open for the answer', async () => {
    const body = Readable.from([Buffer.from('a'), Buffer.from('b')])
    for await (const slice of bodyBytes(body)) if (slice.length > 0) break
    expect(body.destroyed).toBe(false)
  })
})
