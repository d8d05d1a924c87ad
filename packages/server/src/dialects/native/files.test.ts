import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Core, Files } from '../../core/core.ts'
import { CoreError } from '../../core/errors.ts'
import { anEntry, nativeServer } from './core-double.ts'
import { fileEntry } from './wire/file.ts'

const FILES = '/v1/sandboxes/x/files'
const MIB = 1024 ** 2

async function serverOver(files: Partial<Files>) {
  const server = await nativeServer({ files })
  onTestFinished(() => server.close(0))
  return server
}

async function ask(
  files: Partial<Files>,
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE',
  url: string,
  rest: object = {},
) {
  const { app } = await serverOver(files)
  return app.inject({ method, url, ...rest })
}

/** Over a real connection: an upload has time limits that only one has. */
async function put(files: Partial<Files>, query: string, body?: Buffer, headers: Record<string, string> = {}) {
  const { app } = await serverOver(files)
  const url = `${await app.listen({ port: 0 })}${FILES}?${query}`
  const response = await fetch(url, { method: 'PUT', headers, ...(body && { body: new Uint8Array(body) }) })
  return { status: response.status, answer: await response.json() }
}

/** A file of ten bytes as a driver reads it, and whether it was closed. */
function tenBytes() {
  const state = { closed: 0 }
  const read: Files['read'] = async (_id, _path, range) => {
    const { offset, length } = { offset: 0, length: 10, ...range }
    async function* content() {
      try {
        for (const byte of Buffer.from('0123456789').subarray(offset, offset + length)) yield Buffer.of(byte)
      } finally {
        state.closed++
      }
    }
    return { entry: anEntry({ modifiedAtMs: 1000 }), content: content() }
  }
  return { read, state }
}

describe('reading a file', () => {
  it('answers its bytes, and nothing that a browser would run or save', async () => {
    const { headers, body } = await ask(tenBytes(), 'GET', `${FILES}?path=/a`)
    expect(body).toBe('0123456789')
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '10',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'last-modified': 'Thu, 01 Jan 1970 00:00:01 GMT',
    })
    expect(headers).not.toHaveProperty('content-disposition')
  })

  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=8-', '89', 'bytes 8-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=5-99', '56789', 'bytes 5-9/10'],
  ])('by the range %s answers that part', async (range, body, contentRange) => {
    const answer = await ask(tenBytes(), 'GET', `${FILES}?path=/a`, { headers: { range } })
    expect([answer.statusCode, answer.body, answer.headers['content-range']]).toEqual([206, body, contentRange])
  })

  it('by a range behind its end answers 416 and its size', async () => {
    const { statusCode, headers, json } = await ask(tenBytes(), 'GET', `${FILES}?path=/a`, {
      headers: { range: 'bytes=10-' },
    })
    expect([statusCode, headers['content-range']]).toEqual([416, 'bytes */10'])
    expect(json()).toMatchObject({ error: { code: 'request.invalid', details: { field: 'range' } } })
  })

  it('by a range for a version that is compared answers the whole', async () => {
    const headers = { range: 'bytes=2-4', 'if-range': '"x"' }
    expect(await ask(tenBytes(), 'GET', `${FILES}?path=/a`, { headers })).toMatchObject({
      statusCode: 200,
      body: '0123456789',
    })
  })

  it('by HEAD answers its size without its bytes, and closes it', async () => {
    const file = tenBytes()
    const { statusCode, headers, body } = await ask(file, 'HEAD', `${FILES}?path=/a`)
    expect([statusCode, headers['content-length'], body]).toEqual([200, '10', ''])
    expect(file.state.closed).toBe(1)
  })

  it('that fails is answered with its error', async () => {
    const read = async () => {
      throw new CoreError('file.not_regular', 'a FIFO', { path: '/a' })
    }
    const { statusCode, json } = await ask({ read }, 'GET', `${FILES}?path=/a`)
    expect([statusCode, json<{ error: { code: string } }>().error.code]).toEqual([409, 'file.not_regular'])
  })

  it('that gets shorter meanwhile breaks off, it does not pretend to be whole', async () => {
    async function* short() {
      yield Buffer.alloc(100_000)
    }
    const read = async () => ({ entry: anEntry({ sizeBytes: 200_000 }), content: short() })
    const { app } = await serverOver({ read })
    const answer = await fetch(`${await app.listen({ port: 0 })}${FILES}?path=/a`)
    expect(answer.headers.get('content-length')).toBe('200000')
    await expect(answer.arrayBuffer()).rejects.toThrow()
  })

  it('whose reader goes away is closed', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<undefined>()
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024)
      } finally {
        resolve(undefined)
      }
    }
    const read = async () => ({ entry: anEntry({ sizeBytes: 10 ** 12 }), content: endless() })
    const { app } = await serverOver({ read })
    const answer = await fetch(`${await app.listen({ port: 0 })}${FILES}?path=/a`)
    await answer.body?.cancel()
    await closed
  })
})

describe('writing a file', () => {
  it('hands over its bytes as they come, whatever type they claim', async () => {
    const written: Buffer[] = []
    const write = vi.fn<Core['files']['write']>(async (_id, path, content) => {
      for await (const slice of content as AsyncIterable<Uint8Array>) written.push(Buffer.from(slice))
      return anEntry({ path })
    })
    const body = Buffer.from('{"a":1,')
    const { status, answer } = await put({ write }, 'path=/a%20%C3%A4&mode=0755', body, {
      'content-type': 'application/json',
    })
    expect(status).toBe(201)
    expect(Buffer.concat(written)).toEqual(body)
    expect(write.mock.calls[0]?.[1]).toEqual(Buffer.from('/a ä'))
    expect(write.mock.calls[0]?.[3]).toEqual({ mode: 0o755 })
    expect(fileEntry.parse(answer)).toMatchObject({ path: '/a ä', mode: '0644', size_bytes: 10 })
  })

  it('of no bytes is fine', async () => {
    let bytes = 0
    const write: Files['write'] = async (_id, _path, content) => {
      for await (const slice of content as AsyncIterable<Uint8Array>) bytes += slice.length
      return anEntry()
    }
    expect((await put({ write }, 'path=a')).status).toBe(201)
    expect(bytes).toBe(0)
  })

  it('that is refused in the middle is answered, though the client still sends', async () => {
    const write: Files['write'] = async (_id, _path, content) => {
      let bytes = 0
      for await (const slice of content as AsyncIterable<Uint8Array>) {
        bytes += slice.length
        if (bytes > MIB) throw new CoreError('file.no_space', 'full', { path: 'a' })
      }
      return anEntry()
    }
    const { status, answer } = await put({ write }, 'path=a', Buffer.alloc(32 * MIB))
    expect([status, answer]).toMatchObject([507, { error: { code: 'file.no_space' } }])
  })

  it('whose client goes away in the middle fails there', async () => {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>()
    const write: Files['write'] = async (_id, _path, content) => {
      try {
        for await (const slice of content as AsyncIterable<Uint8Array>) expect(slice.length).toBeGreaterThan(0)
      } catch (error) {
        resolve(error)
        throw error
      }
      return anEntry()
    }
    const { app } = await serverOver({ write })
    const { port } = new URL(await app.listen({ port: 0 }))
    const socket = connect(Number(port), 'localhost')
    await once(socket, 'connect')
    socket.write(`PUT ${FILES}?path=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc`, () =>
      socket.destroy(),
    )
    expect(await failed).toBeInstanceOf(Error)
  })

  it('of compressed bytes is refused: they would not be the file', async () => {
    const rest = { payload: 'x', headers: { 'content-encoding': 'gzip' } }
    const { statusCode, json } = await ask({}, 'PUT', `${FILES}?path=a`, rest)
    expect([statusCode, json<{ error: { code: string } }>().error.code]).toEqual([
      400,
      'request.unsupported_media_type',
    ])
  })

  it.each(['0999', '99', 'rwx', '00755755', '-1'])('with the mode %s is refused', async (mode) => {
    expect((await ask({}, 'PUT', `${FILES}?path=a&mode=${mode}`)).json()).toMatchObject({
      error: { details: { field: 'mode' } },
    })
  })
})

describe('a path', () => {
  const stat = vi.fn<Core['files']['stat']>(async (_id, path) => anEntry({ path }))

  it.each([
    ['path=/a%FFb', Buffer.from([0x2f, 0x61, 0xff, 0x62])],
    ['path_base64=L2H/Yg==', Buffer.from([0x2f, 0x61, 0xff, 0x62])],
    ['path=..%2F..%2Fetc', Buffer.from('../../etc')],
    ['path=a%0Ab', Buffer.from('a\nb')],
  ])('of the query %s reaches core as bytes', async (query, bytes) => {
    expect((await ask({ stat }, 'GET', `${FILES}/stat?${query}`)).statusCode).toBe(200)
    expect(Buffer.from(stat.mock.lastCall?.[1] ?? [])).toEqual(bytes)
  })

  it('that is not UTF-8 comes back in a form that names the same file', async () => {
    const { json } = await ask({ stat }, 'GET', `${FILES}/stat?path=/a%FFb`)
    expect(json()).toMatchObject({ path: '/a\ufffdb', path_base64: 'L2H/Yg==' })
  })

  it('of a link that is not UTF-8 comes back too', async () => {
    const link = async () => anEntry({ type: 'symlink', linkTarget: Uint8Array.of(0xff) })
    const { json } = await ask({ stat: link }, 'GET', `${FILES}/stat?path=/a`)
    expect(fileEntry.parse(json())).toMatchObject({ link_target: '\ufffd', link_target_base64: '/w==' })
  })

  it.each([
    '',
    'path=',
    'path=a%00b',
    'path=a&path=b',
    `path=${'a'.repeat(4097)}`,
    'path=%zz',
    'path=a&path_base64=YQ==',
    'path_base64=!',
  ])('of the query %j is refused', async (query) => {
    const { statusCode, json } = await ask({}, 'GET', `${FILES}/stat?${query}`)
    expect([statusCode, json<{ error: { code: string } }>().error.code]).toEqual([400, 'request.invalid'])
  })
})

describe('a folder', () => {
  it('is listed with depth, limit and cursor', async () => {
    const list = vi.fn<Core['files']['list']>(async () => ({ items: [anEntry({ mode: 0o4755 })], nextCursor: 'n' }))
    const { json } = await ask({ list }, 'GET', `${FILES}/list?path=/&depth=3&limit=2&cursor=c`)
    expect(list).toHaveBeenCalledWith('x', Buffer.from('/'), { depth: 3, limit: 2, cursor: 'c' })
    expect(json()).toMatchObject({ items: [{ mode: '4755' }], next_cursor: 'n' })
  })

  it('is made, moved and removed with 204', async () => {
    const [mkdir, move, remove] = [
      vi.fn(async () => undefined),
      vi.fn(async () => undefined),
      vi.fn(async () => undefined),
    ]
    const made = await ask({ mkdir }, 'POST', `${FILES}/mkdir`, { payload: { path: 'a/b', mode: '0700' } })
    const moved = await ask({ move }, 'POST', `${FILES}/move`, {
      payload: { from: 'a', to_base64: '/w==', overwrite: true },
    })
    const removed = await ask({ remove }, 'DELETE', `${FILES}?path=a&recursive=true`)
    expect([made.statusCode, moved.statusCode, removed.statusCode]).toEqual([204, 204, 204])
    expect(mkdir).toHaveBeenCalledWith('x', Buffer.from('a/b'), { mode: 0o700 })
    expect(move).toHaveBeenCalledWith('x', Buffer.from('a'), Uint8Array.of(0xff), { overwrite: true })
    expect(remove).toHaveBeenCalledWith('x', Buffer.from('a'), { recursive: true })
  })

  it.each([
    [{ to: 'b' }, 'from'],
    [{ from: 'a' }, 'to'],
    [{ from: 'a', to: 'b', force: true }, 'force'],
    [{ from: 'a', to: 'b\0' }, 'to'],
    [{ from: 'a', to: null }, 'to'],
  ])('is not moved by %j', async (payload, field) => {
    expect((await ask({}, 'POST', `${FILES}/move`, { payload })).json()).toMatchObject({
      error: { details: { field } },
    })
  })
})
