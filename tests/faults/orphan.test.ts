import { expect, it } from 'vitest'
import { SandboxClient } from '../support/client.ts'
import { nodeForTest } from '../support/node.ts'

it('a supervisor without a server ends everything when its time is over', async () => {
  const node = await nodeForTest('--orphan-ttl-ms', '1500')
  const sandbox = await node.client.create()
  await sandbox.run('setsid sleep 300 & sleep 300 &')
  await node.kill('SIGKILL')
  const begun = performance.now()
  expect(node.sandboxed().length).toBeGreaterThan(1)
  await node.untilNobodyIsLeft()
  expect(performance.now() - begun).toBeGreaterThan(1000)
  expect(node.residue()).toMatchObject({ processes: [], cgroups: [], mounts: [], namespaces: [] })
  await node.startServer()
  expect(await node.client.refusal('GET', sandbox.path())).toMatchObject({ status: 410, code: 'sandbox.gone' })
})

it('a supervisor without a server and without a sandbox ends at once', async () => {
  const node = await nodeForTest()
  await node.kill('SIGKILL')
  const begun = performance.now()
  await node.untilNobodyIsLeft()
  expect(performance.now() - begun).toBeLessThan(2000)
})

it('a server that comes back in time keeps the sandboxes for good', async () => {
  const node = await nodeForTest('--orphan-ttl-ms', '1500')
  const sandbox = await node.client.create()
  await sandbox.run('x=1')
  await node.kill('SIGKILL')
  await node.startServer()
  await new Promise((resolve) => setTimeout(resolve, 2000))
  expect(await new SandboxClient(node.client, sandbox.created).text('echo $x')).toBe('1\n')
})
