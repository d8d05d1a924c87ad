import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { decodeReply } from './decode-reply.ts'
import { MsgpackReader, ProtocolError } from './msgpack-reader.ts'
import type { WireMessage } from './testing/stand-in-supervisor.ts'
import { wireEntry, wireIsolation, wireLiving, wireRecord, wireStatus } from './testing/wire-samples.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const pack = (value: unknown): Buffer => packr.pack(value)

const REPLIES: readonly WireMessage[] = [
  { Hello: [1, 42, 'boot'] },
  { Created: [wireIsolation] },
  'Done',
  'Started',
  { Finished: ['sbx_1', wireRecord('cmd_1', { OutOfMemory: [1 << 28] })] },
  { Command: [wireRecord('cmd_1', null)] },
  { Commands: [[wireRecord('cmd_1', { TimedOut: [100] }), wireRecord('cmd_2', { Killed: ['user'] })]] },
  { File: ['Done'] },
  { File: [{ Entry: [wireEntry('/a')] }] },
  { File: [{ Entries: [[wireEntry('/a', 'Directory'), wireEntry('/b', 'Fifo')], true] }] },
  { File: [{ Opened: [wireEntry('/a'), Buffer.from('abc'), 3] }] },
  { File: [{ Data: [Buffer.alloc(70_000, 1), false] }] },
  { File: [{ Put: [null, wireEntry('/a')] }] },
  { File: [{ Error: ['file.not_found', 'no', null] }] },
  { Listing: [[wireLiving('sbx_1', [wireRecord('cmd_1', null)]), wireLiving('sbx_2')]] },
  { Status: [wireStatus] },
  { Lost: ['sbx_1', 'init died'] },
  { Error: ['runtime.setup_failed', 'mount_root', 'mount_root', 'EPERM'] },
]

describe('decodeReply', () => {
  it.each(REPLIES)('takes reply %# whole, and refuses it cut anywhere', (reply) => {
    const whole = pack(reply)
    expect(decodeReply(whole)).toHaveProperty('type', typeof reply === 'string' ? reply : Object.keys(reply)[0])
    const step = Math.max(1, Math.floor(whole.length / 500))
    for (let length = 0; length < whole.length; length += step) {
      expect(() => decodeReply(whole.subarray(0, length))).toThrow(ProtocolError)
    }
  })

  it('keeps every field of a finished command in its place', () => {
    expect(decodeReply(pack({ Finished: ['sbx_1', wireRecord('cmd_1')] }))).toEqual({
      type: 'Finished',
      sandbox: 'sbx_1',
      command: {
        id: 'cmd_1',
        program: { type: 'Session', session: 'main', text: Buffer.from('exit 7') },
        background: false,
        outcome: { type: 'Exited', exitCode: 7 },
        oom: false,
        stdout: Buffer.from('out'),
        stderr: Buffer.from('err'),
        stdoutDropped: 0,
        stderrDropped: 12,
        startedAtMs: 1_700_000_000_000,
        durationUs: 1500,
        cpuUserUs: 300,
        cpuSystemUs: 200,
        maxRssBytes: 4096,
        cwd: Buffer.from('/workspace'),
        backgroundLeft: false,
        sessionRestarted: true,
      },
    })
  })

  it.each([
    ['an unknown tag', 'Surprise'],
    ['a tag that every object has', 'constructor'],
    ['a tag that is a prototype', { __proto__x: [] }],
    ['fields of a tag that has none', { Done: [] }],
    ['a tag without its fields', 'Hello'],
    ['a field too many', { Lost: ['a', 'b', 'c'] }],
    ['a field too few', { Lost: ['a'] }],
    ['a number where text belongs', { Lost: ['a', 1] }],
    ['text where bytes belong', { File: [{ Data: ['text', true] }] }],
    ['a fraction where a count belongs', { Hello: [1.5, 1, 'b'] }],
    ['a negative count', { Hello: [-1, 1, 'b'] }],
    ['a number where a boolean belongs', { File: [{ Data: [Buffer.from('a'), 1] }] }],
    ['nil where text belongs', { Lost: ['a', null] }],
    ['a struct as a map', { Status: [{ sandboxes: 1 }] }],
    ['two tags', { Done: [], Started: [] }],
    ['an unknown file kind', { File: [{ Entry: [wireEntry('/a', 'Door')] }] }],
    ['a bare number', 5],
    ['an array', ['Done']],
  ])('refuses %s', (_what, message) => {
    expect(() => decodeReply(pack(message))).toThrow(ProtocolError)
  })

  it('refuses bytes behind the message', () => {
    expect(() => decodeReply(Buffer.concat([pack('Done'), pack('Done')]))).toThrow(ProtocolError)
  })

  it('refuses text that is not UTF-8', () => {
    expect(() => decodeReply(Buffer.from([0xa4, 0x44, 0xff, 0xfe, 0x65]))).toThrow(ProtocolError)
  })

  it('refuses a list that claims four billion items, without room for them', () => {
    const claim = Buffer.concat([
      Buffer.from([0x81, 0xa8]),
      Buffer.from('Commands'),
      Buffer.from([0x91, 0xdd, 255, 255, 255, 255]),
    ])
    expect(() => decodeReply(claim)).toThrow('a list is longer than its frame')
  })

  it('answers any bytes with a reply or with a ProtocolError', () => {
    const mutated = fc.tuple(fc.constantFrom(...REPLIES), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (input) => {
        const body = input instanceof Uint8Array ? Buffer.from(input) : mutate(pack(input[0]), input[1])
        try {
          decodeReply(body)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

function mutate(body: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(body)
  for (const [at, value] of changes) copy[at % copy.length] = value
  return copy
}

describe('MsgpackReader', () => {
  it('takes what has no limit for the largest number', () => {
    expect(new MsgpackReader(pack(2n ** 64n - 1n)).unsigned()).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('reads every whole number', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(new MsgpackReader(pack(BigInt(value))).integer()).toBe(value)
        if (Math.abs(value) < 2 ** 31) expect(new MsgpackReader(pack(value)).integer()).toBe(value)
      }),
    )
  })

  it('does not keep a large buffer alive for a few bytes of it', () => {
    const large = Buffer.alloc(1 << 20)
    pack(Buffer.from('few')).copy(large)
    const few = new MsgpackReader(large).bytes()
    expect(few.toString()).toBe('few')
    expect(few.buffer).not.toBe(large.buffer)
  })
})
