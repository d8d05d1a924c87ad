import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'
import { isAlive } from '../support/processes.ts'

const node = await nodeForFile()
const sandbox = await node.client.create()
const { server } = node
const commands = sandbox.path('/commands')

afterAll(() => {
  if (!isAlive(server)) throw new Error('the server died')
})

describe('400 names the field', () => {
  it.each([
    ['an unknown field', '/v1/sandboxes', { nosuch: 1 }, 'nosuch'],
    ['an unknown field further in', '/v1/sandboxes', { limits: { nosuch: 1 } }, 'limits.nosuch'],
    ['a wrong type', '/v1/sandboxes', { env: [] }, 'env'],
    ['a number as text', commands, { command: 'true', timeout_ms: '10' }, 'timeout_ms'],
    ['null where a value is expected', commands, { command: null }, 'command'],
    ['zero', commands, { command: 'true', timeout_ms: 0 }, 'timeout_ms'],
    ['a negative number', commands, { command: 'true', timeout_ms: -1 }, 'timeout_ms'],
    ['a fraction', commands, { command: 'true', timeout_ms: 0.5 }, 'timeout_ms'],
    ['a number beyond the maximum', commands, { command: 'true', timeout_ms: 3_600_001 }, 'timeout_ms'],
    ['a number beyond any timer', commands, { command: 'true', timeout_ms: 2 ** 31 }, 'timeout_ms'],
    ['a number beyond all', commands, '{"command":"true","timeout_ms":1e18}', 'timeout_ms'],
    ['too much memory', '/v1/sandboxes', { limits: { memory_bytes: 2 ** 60 } }, 'limits.memory_bytes'],
    ['too little memory', '/v1/sandboxes', { limits: { memory_bytes: 1 } }, 'limits.memory_bytes'],
    ['a lifetime beyond the maximum', '/v1/sandboxes', { lifetime_ms: 10 ** 12 }, 'lifetime_ms'],
    ['neither command nor argv', commands, {}, 'command'],
    ['both command and argv', commands, { command: 'true', argv: ['true'] }, 'argv'],
    ['an empty argv', commands, { argv: [] }, 'argv'],
    ['a NUL in a command', commands, { command: 'a\0b' }, 'command'],
    ['a NUL in an argument', commands, { argv: ['a\0b'] }, 'argv.0'],
    ['a variable that is no name', commands, { command: 'true', env: { 'A=B': '1' } }, 'env.A=B'],
    ['half a character', commands, '{"command":"\\ud800"}', 'command'],
    ['both forms of standard input', commands, { command: 'cat', stdin: 'a', stdin_base64: 'YQ==' }, 'stdin_base64'],
    ['base64 that is none', commands, { command: 'cat', stdin_base64: '%%%' }, 'stdin_base64'],
    ['an unknown template', '/v1/sandboxes', { template: 'nosuch' }, 'template'],
    ['an unknown image', '/v1/sandboxes', { image: 'nosuch' }, 'image'],
    ['an unknown user', '/v1/sandboxes', { user: 'nobody' }, 'user'],
    ['a network that there is not', '/v1/sandboxes', { network: { mode: 'host' } }, 'network.mode'],
    ['__proto__', '/v1/sandboxes', '{"__proto__":{"a":1}}', '__proto__'],
    ['__proto__ further in', '/v1/sandboxes', '{"env":{"__proto__":"1"}}', '__proto__'],
    ['constructor', '/v1/sandboxes', '{"constructor":{"prototype":{}}}', 'constructor'],
    ['a field twice', '/v1/sandboxes', '{"env":{},"env":{"A":"1"}}', 'body'],
    ['broken JSON', '/v1/sandboxes', '{"env":', 'body'],
    ['no JSON at all', '/v1/sandboxes', 'hello', 'body'],
    ['NaN', '/v1/sandboxes', '{"lifetime_ms":NaN}', 'body'],
    ['a byte-order mark', '/v1/sandboxes', '\ufeff{}', 'body'],
    ['a nest of a million', '/v1/sandboxes', '['.repeat(1_000_000), 'body'],
    ['null alone', '/v1/sandboxes', 'null', 'body'],
    ['a list', '/v1/sandboxes', '[]', 'body'],
    ['a session name that is none', sandbox.path('/sessions'), { name: '../x' }, 'name'],
    ['a signal that is none', '/v1/sandboxes', { metadata: { k: 1 } }, 'metadata.k'],
  ])('%s', async (_name, path, body, field) => {
    const begun = performance.now()
    const refusal = await node.client.refusal('POST', path, body)
    expect(refusal).toMatchObject({ status: 400, code: 'request.invalid', details: { field } })
    expect(performance.now() - begun).toBeLessThan(1000)
  })

  it('an unknown query parameter', async () => {
    for (const path of [
      '/v1/sandboxes?nosuch=1',
      `${commands}?nosuch=1`,
      `${sandbox.path('/files')}?path=a&nosuch=1`,
    ]) {
      expect(await node.client.refusal('GET', path)).toMatchObject({
        status: 400,
        code: 'request.invalid',
        details: { field: 'nosuch' },
      })
    }
    expect(await node.client.refusal('GET', '/v1/sandboxes?limit=0')).toMatchObject({ status: 400 })
    expect(await node.client.refusal('GET', '/v1/sandboxes?limit=x')).toMatchObject({ status: 400 })
    expect(await node.client.refusal('GET', '/v1/sandboxes?state=nosuch')).toMatchObject({ status: 400 })
  })
})

describe('404', () => {
  const ids = [
    'sbx_00000000000000000000000a',
    'sbx_',
    'x',
    '..',
    '%2e%2e',
    '__proto__',
    'constructor',
    '*',
    '{}',
    ':id',
    '%00',
    '%0d%0a',
    'x'.repeat(5000),
  ]

  it('is what an id answers that names nothing, malformed or not', async () => {
    for (const id of ids.filter((each) => each !== '..' && each !== '%2e%2e')) {
      for (const [method, below] of [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/commands'],
        ['GET', '/files?path=a'],
        ['GET', '/sessions'],
      ] as const) {
        const body = method === 'POST' ? { command: 'true' } : undefined
        const refusal = await node.client.refusal(method, `/v1/sandboxes/${id}${below}`, body)
        expect([id, method, refusal.status, refusal.code]).toEqual([id, method, 404, 'sandbox.not_found'])
      }
      expect(await node.client.refusal('GET', `${commands}/${id}`)).toMatchObject({
        status: 404,
        code: 'command.not_found',
      })
    }
  })

  it('is what a path answers that there is not', async () => {
    for (const path of ['/', '/v1', '/v2/sandboxes', '/v1/sandboxes/', '//', '/v1//sandboxes', '/..', '/etc/passwd']) {
      expect((await node.client.request('GET', path)).status).toBe(404)
    }
    expect(await node.client.refusal('PATCH', '/v1/sandboxes', {})).toMatchObject({
      status: 404,
      code: 'route.not_found',
    })
  })

  it('is a typed error with a request id, also in the header', async () => {
    const { headers, body } = await node.client.request<{ error: { request_id: string; message: string } }>(
      'GET',
      '/nosuch',
    )
    expect(body.error.request_id).toMatch(/^req_[0-9a-z]{20,}$/)
    expect(headers.get('x-request-id')).toBe(body.error.request_id)
    expect(body.error.message).not.toBe('')
  })
})

describe('a body', () => {
  it('of 100 MB is 413 at once, and the memory is not spent on it', async () => {
    const begun = performance.now()
    expect(
      await node.client.refusal('POST', commands, { command: 'x'.repeat(100_000_000) }).catch(() => ({ status: 413 })),
    ).toMatchObject({ status: 413 })
    expect(performance.now() - begun).toBeLessThan(5000)
    expect(await sandbox.text('echo fine')).toBe('fine\n')
  })

  it('of another type is refused, a compressed one too', async () => {
    const post = (headers: Record<string, string>, body: string) =>
      fetch(`${node.client.url}/v1/sandboxes`, { method: 'POST', headers, body })
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/octet-stream',
    ]) {
      expect([400, 415]).toContain((await post({ 'content-type': type }, '{}')).status)
    }
    expect([400, 415]).toContain(
      (await post({ 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'x')).status,
    )
  })

  it('is not needed where everything is optional', async () => {
    const response = await fetch(`${node.client.url}/v1/sandboxes`, { method: 'POST' })
    expect(response.status).toBe(201)
    const { id } = (await response.json()) as { id: string }
    await node.client.ask('DELETE', `/v1/sandboxes/${id}`)
  })
})

describe('a page somewhere else', () => {
  it.each([
    ['Host: evil.example', 403],
    ['Host: evil.example:80', 403],
    ['Host: 127.0.0.1.evil.example', 403],
    ['Host: localhost', 200],
    ['Host: [::1]:8080', 200],
    ['Host: 127.0.0.1\r\nOrigin: http://evil.example', 403],
    ['Host: 127.0.0.1\r\nOrigin: null', 403],
    ['Host: 127.0.0.1\r\nOrigin: http://localhost:3000', 200],
  ])('is refused by its headers, for GET too: %j', async (headers, status) => {
    const answer = await speak(`GET /v1/sandboxes HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`)
    expect(answer.split(' ')[1]).toBe(String(status))
    expect(answer.toLowerCase()).not.toContain('access-control-allow-origin')
  })
})

describe('bytes that are no HTTP', () => {
  it.each([
    'hello\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET http://evil.example/v1/sandboxes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'POST /v1/sandboxes HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/sandboxes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v1/sandboxes HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n',
    `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  ])('are a 4xx or the end of the connection: %.40j', async (bytes) => {
    const answer = await speak(bytes)
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(await sandbox.text('echo fine')).toBe('fine\n')
  })
})

it('a hundred connections that say nothing disturb nobody', async () => {
  const { hostname, port } = new URL(node.client.url)
  const silent = Array.from({ length: 100 }, () => connect(Number(port), hostname))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  for (const socket of silent) socket.write('POST /v1/sandboxes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n')
  expect(await sandbox.text('echo fine')).toBe('fine\n')
  for (const socket of silent) socket.destroy()
})

/** Sends bytes as they are; resolves with what came until the connection ended, or was silent for a while. */
async function speak(bytes: string): Promise<string> {
  const { hostname, port } = new URL(node.client.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
  socket.on('error', () => undefined)
  socket.setTimeout(1000, () => socket.destroy())
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}
