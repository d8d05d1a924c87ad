import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, MAX_FRAME_BYTES } from './frames.ts'
import { ProtocolError } from './msgpack-reader.ts'
import { frameOf } from './testing/stand-in-supervisor.ts'

function read(chunks: readonly Buffer[]): { channel: number; body: string }[] {
  const reader = new FrameReader()
  const frames: { channel: number; body: string }[] = []
  for (const chunk of chunks) {
    reader.push(chunk, ({ channel, body }) => frames.push({ channel, body: body.toString('hex') }))
  }
  return frames
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

describe('FrameReader', () => {
  it('gives the same frames wherever the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 12 }), (contents, places) => {
        const stream = Buffer.concat(contents.map((body, channel) => frameOf(channel, body)))
        expect(read(cut(stream, places))).toEqual(
          contents.map((body, channel) => ({ channel, body: Buffer.from(body).toString('hex') })),
        )
      }),
    )
  })

  it('refuses a frame that is too long before it arrives', () => {
    const header = Buffer.alloc(8)
    header.writeUInt32LE(MAX_FRAME_BYTES + 1)
    expect(() => read([header])).toThrow(ProtocolError)
  })

  it('refuses a frame too short for its channel', () => {
    const header = Buffer.alloc(8)
    header.writeUInt32LE(3)
    expect(() => read([header])).toThrow(ProtocolError)
  })
})
