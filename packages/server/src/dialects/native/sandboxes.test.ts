import { describe, expect, it, vi } from 'vitest'
import type { Core } from '../../core/core.ts'
import { CoreError } from '../../core/errors.ts'
import type { SessionName } from '../../core/ids.ts'
import { aSandbox, nativeServer, SANDBOX_ID, type ExpectedCalls } from './core-double.ts'
import { errorBody } from './wire/primitives.ts'
import { sandbox as sandboxSchema } from './wire/sandbox.ts'
import { session as sessionSchema } from './wire/session.ts'

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

async function ask(calls: ExpectedCalls, method: Method, url: string, payload?: object) {
  const { app } = await nativeServer(calls)
  const { statusCode, body } = await app.inject({ method, url, ...(payload && { payload }) })
  return { status: statusCode, body: body === '' ? undefined : (JSON.parse(body) as unknown) }
}

const problem = (code: string, field: string) => ({
  status: 400,
  body: { error: expect.objectContaining({ code, details: expect.objectContaining({ field }) as unknown }) as unknown },
})

describe('creating a sandbox', () => {
  const create = vi.fn<Core['sandboxes']['create']>(async () => aSandbox())
  const post = (payload?: object) => ask({ sandboxes: { create } }, 'POST', '/v1/sandboxes', payload)

  it('wants nothing, not even a body', async () => {
    expect((await post()).status).toBe(201)
    expect(create).toHaveBeenLastCalledWith({})
  })

  it('hands over every field under its own name', async () => {
    const same = {
      env: { A: 'b' },
      setup: ['true'],
      cwd: '/',
      user: 'root',
      metadata: { k: 'v' },
      network: { mode: 'none' },
    }
    await post({
      ...same,
      files: { 'a/b': { text: 'ä' }, c: { base64: 'AP8=' } },
      limits: { memory_bytes: 1, cpus: 0.5, pids: 2, disk_bytes: 3, nofile: 4 },
      lifetime_ms: 5,
      idle_timeout_ms: 6,
    })
    expect(create).toHaveBeenLastCalledWith({
      ...same,
      files: new Map<string, Uint8Array>([
        ['a/b', Buffer.from('ä')],
        ['c', Uint8Array.of(0, 255)],
      ]),
      limits: { memoryBytes: 1, cpus: 0.5, pids: 2, diskBytes: 3, nofile: 4 },
      lifetimeMs: 5,
      idleTimeoutMs: 6,
    })
  })

  it('answers with the sandbox, the names of its variables and none of their values', async () => {
    const { body } = await post({})
    expect(sandboxSchema.parse(body)).toEqual(body)
    expect(body).toMatchObject({ id: SANDBOX_ID, env_names: ['TOKEN'], created_at: '1970-01-01T00:00:00.000Z' })
    expect(JSON.stringify(body)).not.toContain('secret')
  })

  it.each([
    [{ colour: 'red' }, 'colour'],
    [{ limits: { memory: 1 } }, 'limits.memory'],
    [{ limits: { pids: 0 } }, 'limits.pids'],
    [{ limits: { pids: 1.5 } }, 'limits.pids'],
    [{ limits: { memory_bytes: 1e30 } }, 'limits.memory_bytes'],
    [{ limits: null }, 'limits'],
    [{ env: { 'A=B': 'c' } }, 'env.A=B'],
    [{ env: { A: 1 } }, 'env.A'],
    [{ env: { A: 'a\0b' } }, 'env.A'],
    [{ cwd: '' }, 'cwd'],
    [{ cwd: 'a\0b' }, 'cwd'],
    [{ cwd: null }, 'cwd'],
    [{ files: { a: { base64: '!' } } }, 'files.a.base64'],
    [{ files: { a: { text: '', base64: '' } } }, 'files.a'],
    [{ files: { a: 'text' } }, 'files.a'],
    [{ network: { mode: 'host' } }, 'network.mode'],
    [{ user: 'admin' }, 'user'],
    [{ idle_timeout_ms: '10' }, 'idle_timeout_ms'],
    [{ metadata: { a: '\ud800' } }, 'metadata.a'],
    [[], 'body'],
  ])('refuses %j and names the field', async (payload, field) => {
    expect(await post(payload)).toMatchObject(problem('request.invalid', field))
  })

  it('that core refuses is answered with the kind’s status and details in wire names', async () => {
    const outcome = { type: 'exited', exitCode: 3 } as const
    const refuse = async () => {
      throw new CoreError('sandbox.setup_failed', 'no', { command: 'false', outcome, stdout: '', stderr: 'x' })
    }
    const { status, body } = await ask({ sandboxes: { create: refuse } }, 'POST', '/v1/sandboxes')
    expect(status).toBe(400)
    expect(errorBody.parse(body).error.details).toEqual({
      command: 'false',
      outcome: { type: 'exited', exit_code: 3 },
      stdout: '',
      stderr: 'x',
    })
  })
})

describe('a sandbox', () => {
  it('is listed by state and metadata, page by page', async () => {
    const list = vi.fn(() => ({ items: [aSandbox()], nextCursor: 'next' }))
    const url = '/v1/sandboxes?state=running&metadata.run=7&metadata.a%20b=c&limit=5&cursor=here'
    const { body } = await ask({ sandboxes: { list } }, 'GET', url)
    expect(list).toHaveBeenCalledWith({
      state: 'running',
      metadata: { run: '7', 'a b': 'c' },
      limit: 5,
      cursor: 'here',
    })
    expect(body).toMatchObject({ items: [{ id: SANDBOX_ID }], next_cursor: 'next' })
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['state=dead', 'state'],
    ['colour=red', 'colour'],
    ['__proto__=x', '__proto__'],
  ])('is not listed by %s', async (query, field) => {
    expect(await ask({}, 'GET', `/v1/sandboxes?${query}`)).toMatchObject(problem('request.invalid', field))
  })

  it('is changed by what the patch names and nothing else', async () => {
    const update = vi.fn<Core['sandboxes']['update']>(async () => aSandbox())
    const patch = { env: { A: null, B: 'c' }, metadata: { k: null }, cwd: '/', lifetime_ms: 5, idle_timeout_ms: 6 }
    expect((await ask({ sandboxes: { update } }, 'PATCH', '/v1/sandboxes/x', patch)).status).toBe(200)
    const { lifetime_ms: lifetimeMs, idle_timeout_ms: idleTimeoutMs, ...same } = patch
    expect(update).toHaveBeenCalledWith('x', { ...same, lifetimeMs, idleTimeoutMs })
  })

  it('is not changed by null where a value is expected', async () => {
    expect(await ask({}, 'PATCH', '/v1/sandboxes/x', { cwd: null })).toMatchObject(problem('request.invalid', 'cwd'))
  })

  it('is removed with 204 and no body', async () => {
    const remove = vi.fn(async () => undefined)
    expect(await ask({ sandboxes: { delete: remove } }, 'DELETE', '/v1/sandboxes/x')).toEqual({
      status: 204,
      body: undefined,
    })
    expect(remove).toHaveBeenCalledWith('x')
  })

  it.each(['sbx_', '..%2f..%2fetc%2fpasswd', '%0d%0ax', '*', 'x'.repeat(10_000), '__proto__', 'constructor'])(
    'with the odd id %s reaches core as it is and nothing else',
    async (id) => {
      const get = vi.fn((sandboxId: string) => {
        throw new CoreError('sandbox.not_found', 'no', { sandboxId })
      })
      expect((await ask({ sandboxes: { get } }, 'GET', `/v1/sandboxes/${id}`)).status).toBe(404)
      expect(get).toHaveBeenCalledWith(decodeURIComponent(id))
    },
  )
})

describe('a session', () => {
  const info = { name: 'build' as SessionName, sandboxId: SANDBOX_ID, busy: false, createdAtMs: 0 }

  it('is opened, listed and closed', async () => {
    const open = vi.fn(async () => info)
    const options = { name: 'build', cwd: '/tmp', env: { A: 'b' } }
    const opened = await ask({ sessions: { open } }, 'POST', '/v1/sandboxes/x/sessions', options)
    expect(open).toHaveBeenCalledWith('x', options)
    expect(opened.status).toBe(201)
    expect(sessionSchema.parse(opened.body)).toEqual(opened.body)

    const { body } = await ask({ sessions: { list: async () => [info] } }, 'GET', '/v1/sandboxes/x/sessions')
    expect(body).toEqual({ items: [opened.body], next_cursor: null })

    const close = vi.fn(async () => undefined)
    expect((await ask({ sessions: { close } }, 'DELETE', '/v1/sandboxes/x/sessions/build')).status).toBe(204)
    expect(close).toHaveBeenCalledWith('x', 'build')
  })

  it.each(['', 'Build', '-a', 'a/b', 'a'.repeat(64), null])('is not opened by the name %j', async (name) => {
    expect(await ask({}, 'POST', '/v1/sandboxes/x/sessions', { name })).toMatchObject(
      problem('request.invalid', 'name'),
    )
  })
})
