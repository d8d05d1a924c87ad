import { describe, expect, it } from 'vitest'
import { nodeForFile, nodeForTest } from '../support/node.ts'
import type { Page, Sandbox } from '../support/wire.ts'

const node = await nodeForFile()

describe('a create', () => {
  it('tells what was asked for, what was filled in, and what was really applied', async () => {
    const sandbox = await node.client.create({ env: { A: '1' }, metadata: { run: '7' }, cwd: '/tmp' })
    expect(sandbox.created).toMatchObject({
      id: expect.stringMatching(/^sbx_[0-9a-z]{20,}$/) as string,
      state: 'running',
      user: 'sandboxuser',
      cwd: '/tmp',
      env_names: ['A'],
      metadata: { run: '7' },
      sessions: ['main'],
      network: { mode: 'none' },
      idle_timeout_ms: 900_000,
      isolation: { driver: 'namespaces', seccomp: true, no_new_privs: true, capabilities: 0, missing: [] },
    })
    expect([...sandbox.created.isolation.namespaces].sort()).toEqual([
      'cgroup',
      'ipc',
      'mnt',
      'net',
      'pid',
      'time',
      'user',
      'uts',
    ])
    expect(await sandbox.text('pwd; echo $A; hostname')).toBe('/tmp\n1\nsandbox\n')
    expect(await node.client.ask('GET', sandbox.path())).toMatchObject({ id: sandbox.id, metadata: { run: '7' } })
    await sandbox.delete()
  })

  it('puts files and runs its setup before it answers', async () => {
    const sandbox = await node.client.create({
      files: { 'src/a.py': { text: 'print(1)' }, '/tmp/b': { base64: 'AAE=' } },
      setup: ['mkdir built', 'cp src/a.py built/', 'echo $A >built/env'],
      env: { A: 'x' },
    })
    expect(await sandbox.text('python3 built/a.py; cat built/env; stat -c %s /tmp/b')).toBe('1\nx\n2\n')
    await sandbox.delete()
  })

  it('as root has root inside, and no more', async () => {
    const sandbox = await node.client.create({ user: 'root' })
    expect(await sandbox.text('id -u; touch /root/x && echo wrote')).toBe('0\nwrote\n')
    expect(
      (
        await sandbox.run(
          'mount -t tmpfs t /mnt || mknod /tmp/d c 1 3 || chroot /tmp || echo 1 >/proc/sys/kernel/sysrq',
        )
      ).outcome,
    ).not.toEqual({ type: 'exited', exit_code: 0 })
    expect(sandbox.created.isolation.host_uid).toBeGreaterThan(100_000)
    await sandbox.delete()
  })

  it('of more than may live is 503 with Retry-After, and possible again once one is gone', async () => {
    const small = await nodeForTest('--max-sandboxes', '2')
    const [one] = [await small.client.create(), await small.client.create()]
    const { status, headers } = await small.client.request('POST', '/v1/sandboxes', {})
    expect([status, headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)])
    await one.delete()
    await (await small.client.create()).delete()
  })

  it('fifty at once succeed, and each is its own', async () => {
    const sandboxes = await Promise.all(
      Array.from({ length: 50 }, () =>
        node.client.create({ limits: { disk_bytes: 8 * 1024 ** 2, memory_bytes: 64 * 1024 ** 2 } }),
      ),
    )
    expect(new Set(sandboxes.map(({ id }) => id)).size).toBe(50)
    expect(new Set(sandboxes.map(({ created }) => created.isolation.host_uid)).size).toBe(50)
    const outputs = await Promise.all(sandboxes.map((sandbox, index) => sandbox.text(`echo ${index}`)))
    expect(outputs).toEqual(sandboxes.map((_, index) => `${index}\n`))
    await Promise.all(sandboxes.map((sandbox) => sandbox.delete()))
  })
})

describe('a list', () => {
  it('is paged, and selected by metadata and state', async () => {
    const made = await Promise.all(
      ['a', 'a', 'b'].map((group) => node.client.create({ metadata: { group, 'x.y/z': '1' } })),
    )
    const ids = async (query: string) =>
      (await node.client.ask<Page<Sandbox>>('GET', `/v1/sandboxes?${query}`)).items.map(({ id }) => id)
    expect((await ids('metadata.group=a')).sort()).toEqual(
      made
        .slice(0, 2)
        .map(({ id }) => id)
        .sort(),
    )
    expect(await ids('metadata.group=a&metadata.nosuch=1')).toEqual([])
    expect(await ids('metadata.x.y/z=1&state=running')).toHaveLength(3)
    expect(await ids('state=stopped')).toEqual([])
    const first = await node.client.ask<Page<Sandbox>>('GET', '/v1/sandboxes?limit=2')
    const rest = await node.client.ask<Page<Sandbox>>(
      'GET',
      `/v1/sandboxes?limit=2&cursor=${encodeURIComponent(first.next_cursor ?? '')}`,
    )
    expect([...first.items, ...rest.items].map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort())
    expect(rest.next_cursor).toBeNull()
    await Promise.all(made.map((sandbox) => sandbox.delete()))
  })
})

describe('a change', () => {
  it('merges env and metadata, null removes, and holds for new shells and argv commands', async () => {
    const sandbox = await node.client.create({ env: { A: '1', B: '2' }, metadata: { a: '1', b: '2' } })
    const body = { env: { A: null, C: '3' }, metadata: { a: null, c: '3' }, cwd: '/tmp' }
    expect(await node.client.ask('PATCH', sandbox.path(), body)).toMatchObject({
      metadata: { b: '2', c: '3' },
      cwd: '/tmp',
    })
    expect(await sandbox.text({ argv: ['sh', '-c', 'pwd; echo ${A-unset} $B $C'] })).toBe('/tmp\nunset 2 3\n')
    await sandbox.delete()
  })
})

describe('the node', () => {
  it('tells how it is', async () => {
    const sandbox = await node.client.create()
    expect(await node.client.ask('GET', '/v1/node')).toMatchObject({
      driver: 'namespaces',
      sandboxes: 1,
      pool: { ready: expect.any(Number) as number },
    })
    expect(await node.client.ask('GET', '/healthz')).toMatchObject({ status: 'ok' })
    expect(await node.client.ask('GET', '/readyz')).toMatchObject({ status: 'ok' })
    expect(await node.client.ask<string>('GET', '/metrics')).toMatch(/^# (HELP|TYPE) /m)
    expect(await node.client.ask('GET', '/openapi.json')).toMatchObject({
      openapi: expect.stringMatching(/^3\./) as string,
    })
    expect((await node.client.request('GET', '/docs')).status).toBe(200)
    await sandbox.delete()
  })
})
