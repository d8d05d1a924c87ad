import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeReply } from './decode-reply.ts'
import { encodeRequest } from './encode-request.ts'
import { FrameWriter } from './frame-writer.ts'
import { type Frame, FrameReader } from './frames.ts'
import { ProtocolError } from './msgpack-reader.ts'
import type { Request } from './protocol.ts'

interface Fixture {
  readonly name: string
  readonly side: 'server' | 'supervisor'
  readonly channel: number
  readonly frame: string
  readonly message: object
}

const FOLDER = resolve(import.meta.dirname, '../../../../../spec/box-protocol')

const fixtures = (file: string): readonly Fixture[] =>
  JSON.parse(readFileSync(resolve(FOLDER, file), 'utf8')) as readonly Fixture[]

function framesOf(hex: string): readonly Frame[] {
  const frames: Frame[] = []
  new FrameReader().push(Buffer.from(hex, 'hex'), (frame) => frames.push(frame))
  return frames
}

/** A message of ours, written as the fixtures write it. */
function asFixture(value: unknown): unknown {
  if (value === undefined) return null
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value)
    return isUtf8(bytes) ? { text: bytes.toString() } : { hex: bytes.toString('hex') }
  }
  if (Array.isArray(value)) return value.map(asFixture)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [snakeCase(name), asFixture(field)]))
}

/** A message of a fixture, as ours are. */
function fromFixture(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(fromFixture)
  if (typeof value !== 'object') return value
  const fields = Object.entries(value)
  const [[name, content] = []] = fields
  if (fields.length === 1 && typeof content === 'string') {
    if (name === 'text') return Buffer.from(content)
    if (name === 'hex') return Buffer.from(content, 'hex')
  }
  return Object.fromEntries(fields.map(([field, inner]) => [camelCase(field), fromFixture(inner)]))
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())

/** Numbers without limit are the largest that we have. */
const clamped = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, field: unknown) =>
    typeof field === 'number' ? Math.min(field, Number.MAX_SAFE_INTEGER) : field,
  )

describe('the fixtures of the protocol', () => {
  it.each(fixtures('requests.json'))('a request is written byte by byte: $name', ({ channel, frame, message }) => {
    const writer = new FrameWriter()
    writer.frame(channel, () => encodeRequest(writer, fromFixture(message) as Request))
    expect(writer.take().toString('hex')).toBe(frame)
  })

  it.each(fixtures('replies.json'))('a reply is understood: $name', ({ channel, frame, message }) => {
    const [read] = framesOf(frame)
    expect(read?.channel).toBe(channel)
    expect(asFixture(decodeReply(read?.body ?? Buffer.alloc(0)))).toEqual(clamped(message))
  })

  it.each(fixtures('refused.json').filter(({ side }) => side === 'supervisor'))('is refused: $name', ({ frame }) => {
    expect(() => framesOf(frame).map(({ body }) => decodeReply(body))).toThrow(ProtocolError)
  })
})
