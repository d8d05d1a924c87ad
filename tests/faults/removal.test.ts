import { expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()

it('a living sandbox shows in each kind of residue that is looked for', async () => {
  const before = node.residue()
  const sandbox = await node.client.create()
  await sandbox.text('echo hi')
  const during = node.residue()
  expect(during.processes.length).toBeGreaterThanOrEqual(2)
  expect(during.cgroups.length).toBeGreaterThan(before.cgroups.length)
  expect(during.namespaces.length).toBeGreaterThan(before.namespaces.length)
  expect(during.mounts.length).toBeGreaterThan(before.mounts.length)
  expect(during.descriptors.length).toBe(before.descriptors.length + 1)
  await sandbox.delete()
})

it.each([
  ['nothing was done in', 'true'],
  [
    'has jobs, daemons and stopped processes',
    'sleep 300 & setsid sleep 300 & sh -c "kill -STOP \\$\\$" & (setsid sh -c "trap : TERM; sleep 300" &)',
  ],
  ['has many leaves', 'for i in 1 2 3; do sleep 300 & done'],
  [
    'has a full disk and open files',
    'head -c 30000000 /dev/zero >/tmp/big; exec 7</tmp/big; sleep 300 <&7 & rm /tmp/big',
  ],
  ['has deep folders', 'cd /tmp; for i in {1..300}; do mkdir d; cd d; done'],
  ['has made namespaces and mounts, or tried', 'unshare -Urm sleep 300 & unshare -Ur true; true'],
  [
    'has shared memory and sockets',
    'python3 -c "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind(\'/tmp/s\'); s.listen(); time.sleep(300)" &',
  ],
])(
  'a DELETE of a sandbox that %s leaves no process, mount, cgroup, namespace, descriptor or file',
  async (_name, text) => {
    const before = node.residue()
    const sandbox = await node.client.create()
    await node.client.ask('POST', sandbox.path('/sessions'), { name: 'two' })
    await sandbox.run({ command: text, timeout_ms: 5000 })
    await sandbox.run({ command: text, session: 'two', timeout_ms: 5000 })
    await sandbox.run({ argv: ['sleep', '300'], background: true })
    await sandbox.run({ command: 'sleep 0.1', timeout_ms: 20 })
    await sandbox.put('file', 'content')
    await sandbox.delete()
    expect(node.residue()).toEqual(before)
    expect(await node.client.refusal('DELETE', sandbox.path())).toMatchObject({ status: 404 })
  },
)

it('a DELETE in the middle of everything is one end: every answer is told, nothing is left', async () => {
  const before = node.residue()
  for (let round = 0; round < 10; round++) {
    const sandbox = await node.client.create()
    const busy = [
      node.client.request('POST', sandbox.path('/commands'), { command: 'sleep 300' }),
      node.client.request('POST', sandbox.path('/commands'), { argv: ['sleep', '300'] }),
      node.client.request('POST', sandbox.path('/commands'), { command: 'echo queued' }),
      node.client.request('POST', sandbox.path('/sessions'), { name: 'late' }),
      node.client.request('PUT', sandbox.filePath('f'), Buffer.alloc(300_000)),
      node.client.request('GET', sandbox.filePath('/etc/passwd')),
    ]
    await new Promise((resolve) => setTimeout(resolve, round * 3))
    const removals = [1, 2, 3].map(() => node.client.request('DELETE', sandbox.path()))
    for (const { status } of await Promise.all(removals)) expect([204, 404]).toContain(status)
    for (const { status } of await Promise.all(busy)) expect([200, 201, 404, 409]).toContain(status)
  }
  expect(node.residue()).toEqual(before)
})

it('a hundred sandboxes that come and go, ten at once, leave nothing', async () => {
  const before = node.residue()
  await Promise.all(
    Array.from({ length: 10 }, async (_, lane) => {
      for (let turn = 0; turn < 10; turn++) {
        const sandbox = await node.client.create()
        expect(await sandbox.text(`echo ${lane} ${turn}`)).toBe(`${lane} ${turn}\n`)
        await sandbox.delete()
      }
    }),
  )
  expect(node.residue()).toEqual(before)
})

it('a create that fails leaves nothing', async () => {
  const before = node.residue()
  const setup = { setup: ['sleep 300 & echo out; echo err >&2; exit 3'] }
  expect(await node.client.refusal('POST', '/v1/sandboxes', setup)).toMatchObject({
    status: 400,
    code: 'sandbox.setup_failed',
    details: { outcome: { type: 'exited', exit_code: 3 }, stdout: 'out\n', stderr: 'err\n' },
  })
  expect(
    (await node.client.refusal('POST', '/v1/sandboxes', { files: { '/proc/x': { text: '' } } })).status,
  ).toBeGreaterThanOrEqual(400)
  expect(node.residue()).toEqual(before)
})
