import { describe, expect, it, vi } from 'vitest'
import { isCoreError } from '../../core/errors.ts'
import { Connection, ConnectionLost } from './connection.ts'
import type { Reply } from './protocol.ts'
import { type Answer, StandInSupervisor, frameOf } from './testing/stand-in-supervisor.ts'

async function connected(answer: Answer) {
  const supervisor = await StandInSupervisor.listen(answer)
  const events: Reply[] = []
  const closed = Promise.withResolvers<ConnectionLost>()
  const listener = { onEvent: (event: Reply) => events.push(event), onClose: closed.resolve }
  const connection = await Connection.open(supervisor.path, listener)
  const dispose = () => supervisor[Symbol.asyncDispose]()
  return { supervisor, connection, events, closed: closed.promise, [Symbol.asyncDispose]: dispose }
}

const statusOf = (connection: Connection) => connection.request({ type: 'Status' })

describe('Connection', () => {
  it('pairs each reply with its request, in whatever order they come', async () => {
    const waiting: [number, string][] = []
    await using link = await connected((_tag, [sandbox], channel) => {
      waiting.unshift([channel, String(sandbox)])
      if (waiting.length === 3) {
        for (const [to, name] of waiting) supervisor.send(to, { Error: ['sandbox.not_found', name, null, null] })
      }
      return undefined
    })
    const { supervisor, connection } = link
    const replies = await Promise.all(
      ['a', 'b', 'c'].map((sandbox) => connection.request({ type: 'Destroy', sandbox })),
    )
    expect(replies.map((reply) => reply.type === 'Error' && reply.message)).toEqual(['a', 'b', 'c'])
  })

  it('sends the requests of one turn in one write', async () => {
    await using link = await connected(() => 'Done')
    const { supervisor, connection } = link
    await Promise.all(Array.from({ length: 50 }, () => connection.request({ type: 'List' })))
    expect(supervisor.heard).toHaveLength(50)
    expect(supervisor.chunks).toBe(1)
  })

  it('tells events on channel 0', async () => {
    await using link = await connected(() => 'Done')
    const { supervisor, connection, events } = link
    supervisor.send(0, { Lost: ['sbx_1', 'init died'] })
    await statusOf(connection)
    expect(events).toEqual([{ type: 'Lost', sandbox: 'sbx_1', reason: 'init died' }])
  })

  it('rejects what is under way, and what comes later, when the connection ends', async () => {
    await using link = await connected(() => undefined)
    const { supervisor, connection, closed } = link
    const underWay = [statusOf(connection), statusOf(connection)].map((reply) =>
      expect(reply).rejects.toBeInstanceOf(ConnectionLost),
    )
    await vi.waitFor(() => expect(supervisor.heard).toHaveLength(2))
    supervisor.dropConnection()
    await Promise.all(underWay)
    const reason = await closed
    expect(isCoreError(reason) && reason.code).toBe('runtime.unavailable')
    await expect(statusOf(connection)).rejects.toBe(reason)
  })

  it.each([
    ['is longer than allowed', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), 'longer than allowed'],
    ['is no MessagePack', frameOf(1, Buffer.from([0xc1])), 'no message'],
    ['is a reply that nobody waits for', frameOf(77, Buffer.from([0xa4, ...Buffer.from('Done')])), 'nobody waits for'],
  ])('closes when a frame %s', async (_what, bytes, reason) => {
    await using link = await connected(() => undefined)
    const { supervisor, connection, closed } = link
    const reply = expect(statusOf(connection)).rejects.toThrow(reason)
    await vi.waitFor(() => expect(supervisor.heard).toHaveLength(1))
    supervisor.sendBytes(bytes)
    await reply
    expect((await closed).message).toContain(reason)
  })

  it('takes the last word of the supervisor for the reason of its end', async () => {
    await using link = await connected(() => undefined)
    const { supervisor, closed } = link
    // Until it has been accepted there is nobody to send to.
    await vi.waitFor(() => {
      supervisor.send(0, { Error: ['supervisor.busy', 'another server is connected', null, null] })
      return Promise.race([closed, Promise.reject(new Error('not yet'))])
    })
    expect((await closed).message).toContain('another server is connected')
  })

  it('rejects with the socket error where nobody listens', async () => {
    const listener = { onEvent: () => undefined, onClose: () => undefined }
    await expect(Connection.open('/nowhere/supervisor.sock', listener)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('does not stall behind a peer that sends byte by byte', async () => {
    await using link = await connected((_tag, _fields, channel) => {
      for (const byte of frameOf(channel, Buffer.from([0xa4, ...Buffer.from('Done')])))
        supervisor.sendBytes(Buffer.of(byte))
      return undefined
    })
    const { supervisor, connection } = link
    await expect(statusOf(connection)).resolves.toEqual({ type: 'Done' })
  })
})
