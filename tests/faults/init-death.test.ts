import { expect, it } from 'vitest'
import { nodeForTest, type TestNode } from '../support/node.ts'
import { childrenOf } from '../support/processes.ts'
import type { SandboxClient } from '../support/client.ts'

it('a kill -9 of an init loses its sandbox, and the neighbours notice nothing', async () => {
  const node = await nodeForTest()
  const before = node.residue()
  const [neighbour, inits] = await withInits(node)
  const [victim, init] = await withInits(node, inits)
  await neighbour.run('x=1')
  const slow = neighbour.run('echo on; sleep 1; echo $x')
  const answer = victim.run('echo on; setsid sleep 300 & sleep 300')
  await Promise.all([neighbour.running('on\n'), victim.running('on\n')])

  for (const pid of init) process.kill(pid, 'SIGKILL')

  expect(await answer).toMatchObject({ outcome: { type: 'lost' } })
  const gone = { status: 410, code: 'sandbox.gone', details: { reason: expect.stringMatching(/^lost/) as string } }
  await expect.poll(() => node.client.refusal('GET', victim.path())).toMatchObject(gone)
  expect(await node.client.refusal('POST', victim.path('/commands'), { command: 'true' })).toMatchObject(gone)
  expect((await slow).stdout).toBe('on\n1\n')
  expect(await node.client.ask('GET', '/v1/sandboxes')).toMatchObject({ items: [{ id: neighbour.id }] })
  await neighbour.delete()
  await expect.poll(() => node.residue(), { timeout: 5000 }).toEqual(before)
})

it("an init that stands still is only its own sandbox's affair, and a DELETE still removes it", async () => {
  const node = await nodeForTest()
  const before = node.residue()
  const [neighbour, inits] = await withInits(node)
  const [victim, init] = await withInits(node, inits)
  for (const pid of init) process.kill(pid, 'SIGSTOP')
  expect(await neighbour.text('echo fine')).toBe('fine\n')
  const stuck = victim.run({ command: 'echo never', timeout_ms: 500 })
  const file = node.client.refusal('GET', victim.filePath('/etc/passwd'))
  expect(await neighbour.text('echo fine')).toBe('fine\n')
  await victim.delete()
  expect((await stuck).outcome?.type).toMatch(/killed|timed_out|lost/)
  expect([404, 409, 410, 503]).toContain((await file).status)
  await neighbour.delete()
  expect(node.residue()).toEqual(before)
})

/** A new sandbox and the process ids of all that is new below the supervisor: its init. */
async function withInits(node: TestNode, known: readonly number[] = []): Promise<[SandboxClient, number[]]> {
  const before = new Set([...childrenOf(node.supervisor), ...known])
  const sandbox = await node.client.create()
  return [sandbox, childrenOf(node.supervisor).filter((pid) => !before.has(pid))]
}
