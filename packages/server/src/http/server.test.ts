import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import type { Core } from '../core/core.ts'
import { CoreError } from '../core/errors.ts'
import { silentLog, type Log } from '../core/log.ts'
import type { Dialect } from './dialect.ts'
import { STATUS_BY_KIND } from './errors.ts'
import { createHttpServer } from './server.ts'

const node: Core['node'] = async () => ({
  driver: 'fake',
  sandboxes: 3,
  commandsRunning: 2,
  commandsWaiting: 1,
  pool: { ready: 0 },
  facts: {},
})

/** A dialect of a few routes that tells errors as `{ <name>: code, id }`. */
const dialect = (name: string, prefixes: readonly string[], handlers: Record<string, () => unknown> = {}): Dialect => ({
  name,
  prefixes,
  encodeError: (error, id) => ({ status: STATUS_BY_KIND[error.kind], body: { [name]: error.code, id } }),
  routes(scope) {
    scope.post('/echo', { schema: { body: z.strictObject({ a: z.string() }) } }, async (request) => request.body)
    for (const [url, handler] of Object.entries(handlers)) scope.get(url, async () => handler())
  },
})

async function serve(dialects: readonly [Dialect, ...Dialect[]] = [dialect('first', [''])], log: Log = silentLog) {
  const core = { node } as Core
  const server = await createHttpServer({ core, dialects, allowedHosts: [], maxConnections: 10, log })
  onTestFinished(() => server.close(0))
  return server
}

/** What comes back for bytes that are sent as they are. */
async function raw(port: string, bytes: string): Promise<string> {
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
  socket.write(bytes)
  await vi.waitFor(() => expect(answer).toMatch(/\r\n\r\n.*\}/))
  socket.destroy()
  return answer
}

const portOf = (address: string): string => new URL(address).port

describe('a request', () => {
  it('gets an id, in the answer and in its error', async () => {
    const { app } = await serve()
    const first = await app.inject('/nowhere')
    const second = await app.inject('/healthz')
    expect(first.headers['x-request-id']).toMatch(/^req_[0-9a-z]{20,}$/)
    expect(first.json()).toEqual({ first: 'route.not_found', id: first.headers['x-request-id'] })
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
  })

  it.each([
    ['GET', '//x'],
    ['GET', '/healthz/..'],
    ['TRACE', '/healthz'],
    ['POST', '/healthz'],
    ['OPTIONS', '/echo'],
    ['GET', `/${'a/'.repeat(2000)}`],
  ] as const)('%s %s names no route', async (method, url) => {
    expect((await (await serve()).app.inject({ method: method as 'GET', url })).statusCode).toBe(404)
  })

  it('to no route is answered before its body is read', async () => {
    const payload = new Readable({ read: () => undefined })
    const headers = { 'content-type': 'application/json' }
    expect((await (await serve()).app.inject({ method: 'POST', url: '/nowhere', payload, headers })).statusCode).toBe(
      404,
    )
  })

  it('with a broken path is refused', async () => {
    const { statusCode, json } = await (await serve()).app.inject('/%zz')
    expect([statusCode, json<{ first: string }>().first]).toEqual([400, 'request.invalid'])
  })

  it('with 50,000 parameters is answered at once', async () => {
    const { app } = await serve()
    const started = performance.now()
    expect((await app.inject(`/healthz?${'a=1&'.repeat(50_000)}`)).statusCode).toBe(200)
    expect(performance.now() - started).toBeLessThan(500)
  })

  it.each([{ host: 'evil.example' }, { origin: 'null' }, { origin: 'http://evil.example' }])(
    'with %j is refused, GET and operator routes too',
    async (headers) => {
      const { app } = await serve()
      for (const url of ['/healthz', '/metrics', '/nowhere']) {
        const answer = await app.inject({ url, headers })
        expect(answer.statusCode).toBe(403)
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
      }
    },
  )
})

describe('a body', () => {
  const post = async (payload: string | Readable, headers: Record<string, string>) => {
    const { statusCode, body } = await (await serve()).app.inject({ method: 'POST', url: '/echo', payload, headers })
    return [statusCode, (JSON.parse(body) as { first?: string }).first]
  }
  const json = { 'content-type': 'application/json' }

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/jsonx'],
    ['text/json'],
    ['multipart/form-data; boundary=x'],
    ['nonsense'],
  ])('of type %s is refused, as a form of a web page would send it', async (type) => {
    expect(await post('{"a":"b"}', { 'content-type': type })).toEqual([400, 'request.unsupported_media_type'])
  })

  it('that is compressed is refused', async () => {
    expect(await post('x', { ...json, 'content-encoding': 'gzip' })).toEqual([400, 'request.unsupported_media_type'])
  })

  it('is JSON, with a charset or not', async () => {
    expect(await post('{"a":"b"}', { 'content-type': 'application/json; charset=utf-8' })).toEqual([200, undefined])
  })

  it.each(['', '{', 'null', '[]', '{"a":1}', '{"a":"b","c":1}', '{"a":"b","__proto__":{}}'])(
    'of %j is refused',
    async (text) => {
      expect(await post(text, json)).toEqual([400, 'request.invalid'])
    },
  )

  it('that does not arrive within a minute is refused', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const answer = post(new Readable({ read: () => undefined }), json)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0))
    vi.advanceTimersByTime(60_000)
    expect(await answer).toEqual([400, 'request.invalid'])
  })

  it('of 100 MB is refused by its length, before any of it is there', async () => {
    const server = await serve()
    const head = 'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    const answer = await raw(portOf(await server.listen('127.0.0.1', 0)), `${head}Content-Length: 104857600\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toContain('request.too_large')
  })

  it('of 100 MB is refused to a client that sends it all before it reads', async () => {
    const server = await serve()
    const body = Buffer.alloc(100 * 1024 * 1024, ' ')
    const answer = await fetch(`${await server.listen('127.0.0.1', 0)}/echo`, { method: 'POST', body, headers: json })
    expect([answer.status, ((await answer.json()) as { first: string }).first]).toEqual([413, 'request.too_large'])
  })

  it('of unknown length is refused once it is too long', async () => {
    const server = await serve()
    const piece = Buffer.alloc(1024 * 1024, ' ')
    const body = new ReadableStream({ pull: (controller) => controller.enqueue(piece) })
    const request = { method: 'POST', body, headers: json, duplex: 'half' } as const
    const answer = await fetch(`${await server.listen('127.0.0.1', 0)}/echo`, request)
    expect(answer.status).toBe(413)
  })
})

describe('bytes that are no request', () => {
  it.each([
    ['nonsense', 'NONSENSE\r\n\r\n', 400],
    ['too large headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['no name in Host', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n', 403],
    ['no Host', 'GET /healthz HTTP/1.0\r\n\r\n', 403],
    ['another host in the address', 'GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 403],
  ])('%s', async (_what, bytes, status) => {
    const server = await serve()
    const answer = await raw(portOf(await server.listen('127.0.0.1', 0)), bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain('"first":"request.')
  })
})

describe('a failure', () => {
  it('of ours shows no inner text, and is logged with the request’s id', async () => {
    const log = { ...silentLog, error: vi.fn<Log['error']>() }
    const cause = new Error('inner text')
    const fail = () => {
      throw cause
    }
    const { app } = await serve([dialect('first', [''], { '/fail': fail })], log)
    const { statusCode, body, headers } = await app.inject('/fail')
    expect(statusCode).toBe(500)
    expect(body).not.toContain('inner')
    expect(log.error).toHaveBeenCalledWith(
      expect.objectContaining({ err: cause, requestId: headers['x-request-id'] }),
      expect.any(String),
    )
  })

  it('that may pass says when to try again', async () => {
    const fail = () => {
      throw new CoreError('limit.exceeded', 'full', { limit: 'sandboxes', max: 1 })
    }
    const { statusCode, headers } = await (await serve([dialect('first', [''], { '/fail': fail })])).app.inject('/fail')
    expect([statusCode, headers['retry-after']]).toEqual([503, '1'])
  })
})

describe('dialects side by side', () => {
  it('say no in their own words, below their own prefixes', async () => {
    const { app } = await serve([dialect('first', ['']), dialect('second', ['/compat/second', '/2'])])
    const saysNo = async (url: string) => Object.keys((await app.inject({ method: 'POST', url })).json<object>())[0]
    expect(await Promise.all(['/nowhere', '/echo', '/compat/nowhere'].map(saysNo))).toEqual(['first', 'first', 'first'])
    const second = ['/compat/second/nowhere', '/compat/second/echo', '/2/nowhere', '/2']
    expect(await Promise.all(second.map(saysNo))).toEqual(['second', 'second', 'second', 'second'])
  })
})

describe('operators', () => {
  it('learn whether it lives and serves', async () => {
    const { app } = await serve()
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' })
    expect((await app.inject('/readyz')).json()).toEqual({ status: 'ok', driver: 'fake' })
    expect(await app.inject({ method: 'HEAD', url: '/healthz' })).toMatchObject({ statusCode: 200, body: '' })
  })

  it('learn that it does not serve while its driver does not answer', async () => {
    const core = {
      node: async () => {
        throw new CoreError('runtime.unavailable', 'no', { reason: 'no' })
      },
    } as unknown as Core
    const { app } = await createHttpServer({
      core,
      dialects: [dialect('a', [''])],
      allowedHosts: [],
      maxConnections: 1,
      log: silentLog,
    })
    expect((await app.inject('/readyz')).statusCode).toBe(503)
    expect((await app.inject('/healthz')).statusCode).toBe(200)
    expect((await app.inject('/metrics')).body).toContain('atoll_up 0')
  })

  it('count requests by route, never by address', async () => {
    const { app } = await serve([dialect('first', [''], { '/of/:id': () => ({}) })])
    for (const id of ['a', 'b', 'c']) await app.inject(`/of/${id}`)
    await app.inject('/nowhere')
    const { body } = await app.inject('/metrics')
    expect(body).toContain('atoll_http_requests_total{method="GET",route="/of/:id",status="200"} 3')
    expect(body).toContain('atoll_http_requests_total{method="GET",route="none",status="404"} 1')
    expect(body).toMatch(/^atoll_sandboxes 3$/m)
    expect(body).toMatch(/^atoll_commands_waiting 1$/m)
  })
})

describe('closing', () => {
  it('lets a request under way end, and takes no other', async () => {
    const { promise, resolve } = Promise.withResolvers<object>()
    const started = Promise.withResolvers<undefined>()
    const slow = () => {
      started.resolve(undefined)
      return promise
    }
    const server = await serve([dialect('first', [''], { '/slow': slow })])
    const address = await server.listen('127.0.0.1', 0)
    const answer = fetch(`${address}/slow`)
    await started.promise
    const closed = server.close(60_000)
    await expect(fetch(`${address}/healthz`)).rejects.toThrow()
    resolve({ done: true })
    expect(await (await answer).json()).toEqual({ done: true })
    await closed
  })

  it('hangs up on a request that outlasts its grace', async () => {
    const started = Promise.withResolvers<undefined>()
    const never = () => {
      started.resolve(undefined)
      return new Promise(() => undefined)
    }
    const server = await serve([dialect('first', [''], { '/never': never })])
    const answer = fetch(`${await server.listen('127.0.0.1', 0)}/never`)
    await started.promise
    await Promise.all([server.close(10), expect(answer).rejects.toThrow()])
  })
})
