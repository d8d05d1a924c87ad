import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isCoreError } from '../../core/errors.ts'
import { encodeRequest } from './encode-request.ts'
import { FrameWriter } from './frame-writer.ts'
import type { Request } from './protocol.ts'
import { type WireMessage, unpackFrames } from './testing/stand-in-supervisor.ts'

const encode = (request: Request): WireMessage | undefined => {
  const writer = new FrameWriter()
  writer.frame(9, () => encodeRequest(writer, request))
  const { frames, rest } = unpackFrames(writer.take())
  expect(rest).toHaveLength(0)
  expect(frames[0]?.channel).toBe(9)
  return frames[0]?.message
}

const file = (op: Extract<Request, { type: 'File' }>['op']): Request => ({ type: 'File', sandbox: 's', op })
const path = Buffer.from('/a')

describe('encodeRequest', () => {
  it.each<[Request, WireMessage]>([
    [{ type: 'Hello', version: 1 }, { Hello: [1] }],
    [{ type: 'Destroy', sandbox: 's' }, { Destroy: ['s'] }],
    [{ type: 'CloseSession', sandbox: 's', session: 'main' }, { CloseSession: ['s', 'main'] }],
    [{ type: 'Kill', sandbox: 's', command: 'c', by: 'user' }, { Kill: ['s', 'c', 'user'] }],
    [{ type: 'Signal', sandbox: 's', command: 'c', signal: 15 }, { Signal: ['s', 'c', 15] }],
    [{ type: 'Stdin', sandbox: 's', command: 'c', bytes: path, eof: true }, { Stdin: ['s', 'c', path, true] }],
    [{ type: 'Command', sandbox: 's', command: 'c' }, { Command: ['s', 'c'] }],
    [{ type: 'Commands', sandbox: 's' }, { Commands: ['s'] }],
    [{ type: 'List' }, 'List'],
    [{ type: 'Status' }, 'Status'],
    [{ type: 'Shutdown' }, 'Shutdown'],
    [file({ type: 'Stat', path, follow: true }), { File: ['s', { Stat: [path, true] }] }],
    [file({ type: 'List', path, depth: 1, after: undefined, limit: 9 }), { File: ['s', { List: [path, 1, null, 9] }] }],
    [file({ type: 'Open', path, offset: 2 ** 40, length: 5 }), { File: ['s', { Open: [path, 2 ** 40, 5] }] }],
    [file({ type: 'Next', handle: 1 }), { File: ['s', { Next: [1] }] }],
    [
      file({ type: 'Put', path, mode: 0o644, bytes: path, last: false }),
      { File: ['s', { Put: [path, 0o644, path, false] }] },
    ],
    [file({ type: 'Append', handle: 1, bytes: path, last: true }), { File: ['s', { Append: [1, path, true] }] }],
    [file({ type: 'Close', handle: 1 }), { File: ['s', { Close: [1] }] }],
    [file({ type: 'CloseAll' }), { File: ['s', 'CloseAll'] }],
    [file({ type: 'Remove', path, recursive: true }), { File: ['s', { Remove: [path, true] }] }],
    [file({ type: 'Mkdir', path, mode: undefined }), { File: ['s', { Mkdir: [path, null] }] }],
    [file({ type: 'Move', from: path, to: path, overwrite: false }), { File: ['s', { Move: [path, path, false] }] }],
  ])('writes %j as the other side reads it', (request, message) => {
    expect(encode(request)).toEqual(message)
  })

  it('writes the fields of a new sandbox in order', () => {
    const spec = {
      uid: 1000,
      hostname: 'box',
      memoryBytes: 2 ** 33,
      diskBytes: 5,
      inodes: 6,
      pids: 7,
      cpuMillis: 8,
      nofile: 9,
    }
    expect(encode({ type: 'Create', sandbox: 's', spec })).toEqual({
      Create: ['s', [1000, 'box', 2 ** 33, 5, 6, 7, 8, 9]],
    })
  })

  it('writes the start of a session', () => {
    const start = { cwd: path, env: [Buffer.from('A=1')] }
    expect(encode({ type: 'OpenSession', sandbox: 's', session: 'main', start })).toEqual({
      OpenSession: ['s', 'main', [path, [Buffer.from('A=1')]]],
    })
  })

  it('writes the fields of a command in order, nil for what is not given', () => {
    const command = {
      id: 'c',
      program: { type: 'Argv', argv: [Buffer.from('ls'), Buffer.from('-l')] },
      cwd: path,
      env: [],
      stdin: undefined,
      stdinOpen: true,
      timeoutMs: 60_000,
      maxBytes: 1 << 20,
      merge: false,
      background: true,
      uid: 0,
      cpuMs: undefined,
      memoryBytes: 2 ** 35,
      fileBytes: undefined,
      nofile: 64,
    } as const
    expect(encode({ type: 'Run', sandbox: 's', command })).toEqual({
      Run: [
        's',
        [
          'c',
          { Argv: [[Buffer.from('ls'), Buffer.from('-l')]] },
          path,
          [],
          null,
          true,
          60_000,
          1 << 20,
          false,
          true,
          0,
        ].concat([null, 2 ** 35, null, 64] as never),
      ],
    })
  })

  it('writes text and bytes of any length', () => {
    const lengths = fc.constantFrom(0, 1, 31, 32, 255, 256, 65_535, 65_536, 200_000)
    fc.assert(
      fc.property(lengths, lengths, (textLength, bytesLength) => {
        const command = 'é'.repeat(textLength >> 1)
        const bytes = Buffer.alloc(bytesLength, 7)
        const message = encode({ type: 'Stdin', sandbox: 's', command, bytes, eof: false })
        expect(message).toEqual({ Stdin: ['s', command, bytes, false] })
      }),
      { numRuns: 40 },
    )
  })
})

describe('FrameWriter', () => {
  const status = (writer: FrameWriter, channel: number) =>
    writer.frame(channel, () => encodeRequest(writer, { type: 'Status' }))

  it('never writes again into what was taken', () => {
    const writer = new FrameWriter()
    status(writer, 1)
    const taken = writer.take()
    const before = Buffer.from(taken)
    for (let channel = 2; channel < 20_000; channel++) {
      status(writer, channel)
      if (channel % 3 === 0) writer.take()
    }
    expect(taken).toEqual(before)
  })

  it('leaves no byte of a frame that is too long, and of none that throws', () => {
    const writer = new FrameWriter()
    status(writer, 1)
    const long = { type: 'Stdin', sandbox: 's', command: 'c', bytes: Buffer.alloc(33 << 20), eof: false } as const
    let refused: unknown
    try {
      writer.frame(2, () => encodeRequest(writer, long))
    } catch (error) {
      refused = error
    }
    expect(isCoreError(refused) && refused.code).toBe('request.too_large')
    expect(() => writer.frame(3, () => writer.unsigned(-1))).toThrow(RangeError)
    status(writer, 4)
    expect(unpackFrames(writer.take()).frames.map(({ channel }) => channel)).toEqual([1, 4])
  })
})
