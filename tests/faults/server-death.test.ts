import { expect, it } from 'vitest'
import { SandboxClient } from '../support/client.ts'
import { nodeForTest } from '../support/node.ts'
import { isAlive } from '../support/processes.ts'

it('a kill -9 of the server loses no sandbox, session, running command or result', async () => {
  const node = await nodeForTest()
  const before = await node.client.create({ metadata: { kept: 'yes' }, env: { FROM: 'create' } })
  await node.client.ask('POST', before.path('/sessions'), { name: 'two' })
  await before.run('cd /tmp; x=1; f() { echo "f $x"; }; sleep 300 &')
  await before.run({ command: 'y=2', session: 'two' })
  const done = await before.run('echo finished before; exit 3')
  const background = await before.run({ command: 'echo bg; sleep 1.5; echo bg end; exit 4', background: true })
  // The answers to these two are lost with the server, the commands are not.
  const first = before.run('echo started; sleep 1.5; z=3; echo ended; exit 5').catch(() => undefined)
  const argv = before.run({ argv: ['sh', '-c', 'echo argv; sleep 1.5; exit 6'] }).catch(() => undefined)
  const [foreground, direct] = [await before.running('started\n'), await before.running('argv\n')]
  const supervisor = node.supervisor

  await node.kill('SIGKILL')
  await Promise.all([first, argv])
  await node.startServer()

  expect(node.supervisor).toBe(supervisor)
  const after = new SandboxClient(node.client, await node.client.ask('GET', before.path()))
  expect(after.created).toMatchObject({
    id: before.id,
    state: 'running',
    metadata: { kept: 'yes' },
    env_names: ['FROM'],
    sessions: ['main', 'two'],
    created_at: before.created.created_at,
    expires_at: before.created.expires_at,
    isolation: before.created.isolation,
  })
  expect(await after.command(done.id)).toMatchObject({
    stdout: 'finished before\n',
    outcome: { type: 'exited', exit_code: 3 },
  })
  expect(await after.command(foreground)).toMatchObject({ state: 'running', session: 'main' })
  // It waits for the one that the earlier server began.
  expect(await after.text('pwd; f; echo $z; jobs -p | wc -l')).toBe('/tmp\nf 1\n3\n1\n')
  expect(await after.ended(foreground)).toMatchObject({
    stdout: 'started\nended\n',
    outcome: { type: 'exited', exit_code: 5 },
  })
  expect(await after.ended(direct)).toMatchObject({ stdout: 'argv\n', outcome: { type: 'exited', exit_code: 6 } })
  expect(await after.ended(background.id)).toMatchObject({
    stdout: 'bg\nbg end\n',
    outcome: { type: 'exited', exit_code: 4 },
  })
  expect(await after.text({ command: 'echo $y', session: 'two' })).toBe('2\n')
})

it('commands that end while no server runs are known to the next one', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  const lost = sandbox.run('echo out; echo err >&2; sleep 0.4; exit 9').catch(() => undefined)
  const id = await sandbox.running('out\n')
  await node.kill('SIGKILL')
  await lost
  await new Promise((resolve) => setTimeout(resolve, 600))
  await node.startServer()
  const after = new SandboxClient(node.client, sandbox.created)
  expect(await after.command(id)).toMatchObject({
    stdout: 'out\n',
    stderr: 'err\n',
    outcome: { type: 'exited', exit_code: 9 },
  })
})

it('a limit that runs out while no server runs is kept by the supervisor', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  const lost = sandbox.run({ command: 'echo out; sleep 300', timeout_ms: 700 }).catch(() => undefined)
  const id = await sandbox.running('out\n')
  await node.kill('SIGKILL')
  await lost
  await expect.poll(() => node.sandboxed().length, { timeout: 5000 }).toBeLessThan(3)
  await node.startServer()
  const after = new SandboxClient(node.client, sandbox.created)
  expect(await after.command(id)).toMatchObject({ stdout: 'out\n', outcome: { type: 'timed_out', limit_ms: 700 } })
  expect(await after.text('echo usable')).toBe('usable\n')
})

it('a server killed five times in a row, with creates and commands under way, leaves a node that serves and no stray', async () => {
  const node = await nodeForTest()
  const known = await node.client.create()
  await known.run('x=kept')
  for (let round = 0; round < 5; round++) {
    const storm = Array.from({ length: 10 }, () => node.client.create().catch(() => undefined))
    const work = Array.from({ length: 5 }, () => known.run('sleep 0.01').catch(() => undefined))
    await new Promise((resolve) => setTimeout(resolve, round * 8))
    await node.kill('SIGKILL')
    await Promise.all([...storm, ...work])
    await node.startServer()
  }
  const again = new SandboxClient(node.client, known.created)
  expect(await again.text('echo $x')).toBe('kept\n')
  const { items } = await node.client.ask<{ items: { id: string }[] }>('GET', '/v1/sandboxes?limit=1000')
  // All that a server knows it can remove; then nothing is left of those whose create was never answered either.
  for (const { id } of items) await node.client.ask('DELETE', `/v1/sandboxes/${id}`)
  await expect.poll(() => node.sandboxed(), { timeout: 5000 }).toEqual([])
  await expect.poll(() => node.residue().cgroups, { timeout: 5000 }).toEqual([])
})

it('SIGTERM leaves the sandboxes to the next server', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  await sandbox.run('x=kept; sleep 300 &')
  const supervisor = node.supervisor
  expect(await node.kill('SIGTERM')).toBe(0)
  expect(isAlive(supervisor)).toBe(true)
  await node.startServer()
  expect(await new SandboxClient(node.client, sandbox.created).text('echo $x; jobs -p | wc -l')).toBe('kept\n1\n')
})

it('SIGTERM lets a request under way end first', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  const answer = sandbox.run('echo on; sleep 0.5; echo end')
  await sandbox.running('on\n')
  expect(await node.kill('SIGTERM')).toBe(0)
  expect((await answer).stdout).toBe('on\nend\n')
})

it('SIGINT ends the supervisor and every sandbox, and answers the commands under way', async () => {
  const node = await nodeForTest()
  const sandbox = await node.client.create()
  const answer = sandbox.run('echo on; setsid sleep 300 & sleep 300')
  await sandbox.running('on\n')
  const begun = performance.now()
  expect(await node.kill('SIGINT')).toBe(0)
  expect((await answer).outcome).toEqual({ type: 'killed', by: 'shutdown' })
  await node.untilNobodyIsLeft()
  expect(performance.now() - begun).toBeLessThan(5000)
  expect(node.residue()).toMatchObject({ processes: [], cgroups: [], mounts: [], namespaces: [] })
  await node.startServer()
  const gone = await node.client.refusal('GET', sandbox.path())
  expect(gone).toMatchObject({ status: 410, code: 'sandbox.gone' })
})
