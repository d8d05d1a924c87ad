import { expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'
import type { Sandbox } from '../support/wire.ts'

const node = await nodeForFile()

const isGone = async (sandbox: SandboxClient): Promise<boolean> =>
  (await node.client.request('GET', sandbox.path())).status === 410

it('a sandbox that nobody uses ends after its idle time-out, and says so with 410 for every verb', async () => {
  const before = node.residue()
  const sandbox = await node.client.create({ idle_timeout_ms: 400 })
  await sandbox.run('sleep 300 &')
  await expect.poll(() => isGone(sandbox), { timeout: 3000 }).toBe(true)
  const gone = { status: 410, code: 'sandbox.gone', details: { sandbox_id: sandbox.id, reason: 'idle' } }
  expect(await node.client.refusal('GET', sandbox.path())).toEqual(gone)
  expect(await node.client.refusal('POST', sandbox.path('/commands'), { command: 'true' })).toEqual(gone)
  expect(await node.client.refusal('GET', sandbox.filePath('x'))).toEqual(gone)
  expect(await node.client.refusal('GET', sandbox.path('/sessions'))).toEqual(gone)
  expect(await node.client.refusal('PATCH', sandbox.path(), { metadata: {} })).toEqual(gone)
  expect((await node.client.request('DELETE', sandbox.path())).status).toBe(410)
  expect(await node.client.ask('GET', '/v1/sandboxes')).toMatchObject({ items: [] })
  await expect.poll(() => node.residue(), { timeout: 5000 }).toEqual(before)
})

it('use holds the idle time-out off, looking does not', async () => {
  const used = await node.client.create({ idle_timeout_ms: 700 })
  const looked = await node.client.create({ idle_timeout_ms: 700 })
  const begun = performance.now()
  while (performance.now() - begun < 1500) {
    await used.put('file', 'x')
    await node.client.request('GET', looked.path())
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(await isGone(used)).toBe(false)
  expect(await isGone(looked)).toBe(true)
  await used.delete()
})

it('a command that runs is use, in the background too', async () => {
  const sandbox = await node.client.create({ idle_timeout_ms: 400 })
  expect(await sandbox.text('sleep 1; echo on')).toBe('on\n')
  const { id } = await sandbox.run({ command: 'sleep 1; echo on', background: true })
  await new Promise((resolve) => setTimeout(resolve, 800))
  expect((await sandbox.ended(id)).stdout).toBe('on\n')
  await expect.poll(() => isGone(sandbox), { timeout: 3000 }).toBe(true)
})

it('a lifetime ends the sandbox, used or not, and what runs in it', async () => {
  const sandbox = await node.client.create({ lifetime_ms: 800 })
  const [expires, created] = [sandbox.created.expires_at, sandbox.created.created_at].map((time) => Date.parse(time))
  expect((expires ?? 0) - (created ?? 0)).toBe(800)
  const { outcome, stdout } = await sandbox.run('echo begun; sleep 300')
  expect(outcome).toEqual({ type: 'killed', by: 'lifetime' })
  expect(stdout).toBe('begun\n')
  expect(await node.client.refusal('GET', sandbox.path())).toMatchObject({
    status: 410,
    details: { reason: 'lifetime' },
  })
})

it('both can be changed while the sandbox lives', async () => {
  const sandbox = await node.client.create({ idle_timeout_ms: 500 })
  await node.client.ask('PATCH', sandbox.path(), { idle_timeout_ms: 60_000 })
  await new Promise((resolve) => setTimeout(resolve, 900))
  expect(await isGone(sandbox)).toBe(false)
  const patched = await node.client.ask<Sandbox>('PATCH', sandbox.path(), { idle_timeout_ms: 300 })
  expect(patched.idle_timeout_ms).toBe(300)
  await expect.poll(() => isGone(sandbox), { timeout: 3000 }).toBe(true)
})

it('a deleted sandbox is 404, not 410', async () => {
  const sandbox = await node.client.create()
  await sandbox.delete()
  expect(await node.client.refusal('GET', sandbox.path())).toMatchObject({ status: 404, code: 'sandbox.not_found' })
})

it('a next server still knows why a sandbox is gone', async () => {
  const sandbox = await node.client.create({ idle_timeout_ms: 200 })
  await expect.poll(() => isGone(sandbox), { timeout: 3000 }).toBe(true)
  await node.kill('SIGKILL')
  await node.startServer()
  expect(await node.client.refusal('GET', sandbox.path())).toMatchObject({ status: 410, details: { reason: 'idle' } })
})

it('a lifetime that runs out while no server runs ends the sandbox with the next one', async () => {
  const sandbox = await node.client.create({ lifetime_ms: 1500 })
  await node.kill('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await node.startServer()
  await expect.poll(() => isGone(sandbox), { timeout: 3000 }).toBe(true)
  await expect.poll(() => node.sandboxed(), { timeout: 3000 }).toEqual([])
})
