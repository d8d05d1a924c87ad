import { expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()

it('a DELETE leaves no process, mount, cgroup, namespace, descriptor or file of the sandbox', async () => {
  const before = node.residue()
  const sandbox = await node.client.create()
  await sandbox.text('echo hi')
  expect(node.residue()).not.toEqual(before)
  await sandbox.delete()
  expect(node.residue()).toEqual(before)
})
