import { expect, it } from 'vitest'
import { SandboxClient } from '../support/client.ts'
import { nodeForTest } from '../support/node.ts'
import { isAlive } from '../support/processes.ts'
import type { Sandbox } from '../support/wire.ts'

it('a kill -9 of the supervisor leaves nothing of any sandbox, the server says lost and serves on', async () => {
  const node = await nodeForTest()
  const sandboxes = await Promise.all([1, 2, 3].map(() => node.client.create()))
  const answers = sandboxes.map((each) => each.run('echo on; setsid sleep 300 & sleep 300'))
  await Promise.all(sandboxes.map((each) => each.running('on\n')))
  const first = node.supervisor
  const inside = node.sandboxed()
  expect(inside.length).toBeGreaterThanOrEqual(12)

  process.kill(first, 'SIGKILL')

  for (const answer of answers) expect((await answer).outcome?.type).toBe('lost')
  await expect.poll(() => inside.filter(isAlive), { timeout: 5000 }).toEqual([])
  for (const { id } of sandboxes) {
    const gone = {
      status: 410,
      code: 'sandbox.gone',
      details: { sandbox_id: id, reason: expect.stringMatching(/^lost/) as string },
    }
    expect(await node.client.refusal('GET', `/v1/sandboxes/${id}`)).toMatchObject(gone)
    expect(await node.client.refusal('POST', `/v1/sandboxes/${id}/commands`, { command: 'true' })).toMatchObject(gone)
    expect(await node.client.refusal('GET', `/v1/sandboxes/${id}/files?path=x`)).toMatchObject(gone)
  }
  const next = await eventuallyCreated(node)
  expect(node.supervisor).not.toBe(first)
  expect(await next.text('echo served')).toBe('served\n')
  await next.delete()
  // The dead ones are children of the host's own init now, which waits for them when it likes.
  await expect
    .poll(() => node.residue(), { timeout: 10_000 })
    .toMatchObject({ processes: [], cgroups: [], namespaces: [] })
  expect(await node.client.ask('GET', '/v1/sandboxes')).toEqual({ items: [], next_cursor: null })
})

it('a supervisor that dies again and again is started again and again', async () => {
  const node = await nodeForTest()
  for (let round = 0; round < 3; round++) {
    const sandbox = await eventuallyCreated(node)
    expect(await sandbox.text('echo up')).toBe('up\n')
    process.kill(node.supervisor, 'SIGKILL')
    await expect.poll(() => node.sandboxed(), { timeout: 5000 }).toEqual([])
  }
  const sandbox = await eventuallyCreated(node)
  expect(await sandbox.text('echo up')).toBe('up\n')
})

it('both killed at once: the next server clears what they left', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  await sandbox.run('head -c 1000000 /dev/urandom | base64; setsid sleep 300 & sleep 300 &')
  const supervisor = node.supervisor
  await node.kill('SIGKILL')
  process.kill(supervisor, 'SIGKILL')
  await node.untilNobodyIsLeft()
  await node.startServer()
  expect(await node.client.refusal('GET', sandbox.path())).toMatchObject({ status: 410, code: 'sandbox.gone' })
  expect(node.residue()).toMatchObject({ processes: [], cgroups: [], namespaces: [] })
  const next = await node.client.create()
  expect(await next.text('echo served')).toBe('served\n')
})

it('a supervisor that stands still makes the server answer 503, and loses nothing once it goes on', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  await sandbox.run('x=kept')
  const { supervisor } = node
  process.kill(supervisor, 'SIGSTOP')
  try {
    const command = node.client.request('POST', sandbox.path('/commands'), { command: 'echo waited' })
    expect(await node.client.request('GET', '/healthz')).toMatchObject({ status: 200 })
    await expect.poll(() => node.said, { timeout: 25_000 }).toContain('does not answer')
    expect(await node.client.refusal('POST', '/v1/sandboxes', {})).toMatchObject({
      status: 503,
      code: 'runtime.unavailable',
    })
    process.kill(supervisor, 'SIGCONT')
    expect((await command).status).toBe(200)
  } finally {
    process.kill(supervisor, 'SIGCONT')
  }
  await expect.poll(() => node.said, { timeout: 5000 }).toContain('answers again')
  expect(await sandbox.text('echo $x')).toBe('kept\n')
}, 60_000)

/** A create may be told to come back while a supervisor is on its way. */
async function eventuallyCreated(node: Awaited<ReturnType<typeof nodeForTest>>, patienceMs = 10_000) {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const { status, headers, body } = await node.client.request('POST', '/v1/sandboxes', {})
    if (status === 201) return new SandboxClient(node.client, body as Sandbox)
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toMatch(/^\d+$/)
    if (performance.now() > deadline) throw new Error('no supervisor came')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
