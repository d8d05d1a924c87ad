import { type AddressInfo, type Server, createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isReached } from '../../bench/figure.ts'
import { HttpConnection } from '../../bench/http-connection.ts'
import { measure, percentile } from '../../bench/measure.ts'
import { type Report, medianFigures } from '../../bench/report.ts'
import { table } from '../../bench/table.ts'

describe('a percentile', () => {
  it('is a sample that was taken', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2)
    expect(percentile([4, 1, 3, 2], 0.99)).toBe(4)
    expect(percentile([7], 0.01)).toBe(7)
  })

  it('of nothing is an error', () => {
    expect(() => percentile([], 0.5)).toThrow()
  })
})

describe('a measurement', () => {
  const effort = { repetitions: 3, forMs: 5, warmUpMs: 0 }

  it('takes the milliseconds that an operation names for its own', async () => {
    const series = await measure(async () => 42, { inFlight: 2, effort: { ...effort, forMs: 1 } })
    expect(series).toMatchObject({ p50Ms: 42, p99Ms: 42 })
    expect(series.repetitions).toHaveLength(3)
  })

  it('ends with the first operation that fails', async () => {
    const failing = async (): Promise<never> => Promise.reject(new Error('wrong answer'))
    await expect(measure(failing, { inFlight: 8, effort })).rejects.toThrow('wrong answer')
  })
})

describe('a goal', () => {
  const figure = { name: 'x', p50Ms: 6, amounts: { 'MB each': 1.3 } }

  it('is reached at its bound, and not known where nothing was measured', () => {
    expect(isReached(figure, { of: 'p50Ms', atMost: 6 })).toBe(true)
    expect(isReached(figure, { of: 'MB each', atMost: 1.2 })).toBe(false)
    expect(isReached(figure, { of: 'perSecond', atLeast: 1 })).toBeUndefined()
  })

  it('stands in the table with its verdict', () => {
    const goals = { goal: [{ of: 'p50Ms', atMost: 5 }] }
    expect(table([{ ...figure, goals }])).toContain('| p50 ≤ 5 ms: NO |')
  })
})

describe('medians of reports', () => {
  it('are taken number by number', () => {
    const reports = [1, 9, 2].map((p50Ms) => ({ figures: [{ name: 'x', p50Ms, amounts: { MB: p50Ms * 10 } }] }))
    expect(medianFigures(reports as unknown as Report[])).toEqual([{ name: 'x', p50Ms: 2, amounts: { MB: 20 } }])
  })
})

describe('a connection of the load generator', () => {
  it('reads an answer however it is cut, and the next one behind it', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
    const connection = await connectionTo((send) => answer.match(/./gs)?.forEach(send))
    for (let turn = 0; turn < 2; turn++) {
      const { status, body } = await connection.request('GET', '/')
      expect([status, body.toString()]).toEqual([200, 'hello'])
    }
  })

  it.each([
    ['no length', 'HTTP/1.1 200 OK\r\n\r\nhello'],
    ['more than it announced', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello'],
  ])('refuses an answer with %s', async (_what, answer) => {
    const connection = await connectionTo((send) => send(answer))
    await expect(connection.request('GET', '/')).rejects.toThrow()
  })
})

/** A connection to a server that answers whatever it is asked. */
async function connectionTo(answer: (send: (text: string) => void) => void): Promise<HttpConnection> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => answer((text) => void socket.write(text)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = await HttpConnection.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    connection[Symbol.dispose]()
    server.close()
  })
  return connection
}
