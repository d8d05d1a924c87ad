import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
const sandbox = await node.client.create()
const MIB = 1024 ** 2

describe('an exit code', () => {
  it('of 0 to 255 is told exactly', async () => {
    const codes = [0, 1, 2, 3, 7, 42, 124, 125, 126, 127, 128, 129, 130, 137, 143, 254, 255]
    for (const code of codes) {
      const outcome = { type: 'exited', exit_code: code }
      expect((await sandbox.run(`(exit ${code})`)).outcome).toEqual(outcome)
      expect((await sandbox.run({ argv: ['sh', '-c', `exit ${code}`] })).outcome).toEqual(outcome)
    }
  })

  it('is 127 for a program that is not there, 126 for one that cannot run, as text and as argv', async () => {
    expect((await sandbox.run('nosuchprogram')).outcome).toEqual({ type: 'exited', exit_code: 127 })
    expect((await sandbox.run('/etc/passwd')).outcome).toEqual({ type: 'exited', exit_code: 126 })
    expect(await sandbox.run({ argv: ['nosuchprogram'] })).toMatchObject({
      outcome: { type: 'exited', exit_code: 127 },
    })
    expect(await sandbox.run({ argv: ['/etc/passwd'] })).toMatchObject({ outcome: { type: 'exited', exit_code: 126 } })
    expect(await sandbox.run({ argv: ['/'] })).toMatchObject({ outcome: { type: 'exited', exit_code: 126 } })
  })
})

describe('a signal', () => {
  const deadly = Object.entries(constants.signals).filter(
    ([name]) => !/CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|WINCH|IOT|POLL|UNUSED|CLD/.test(name),
  )

  // Python itself ignores some of them.
  const dieOf = (number: number): string =>
    `import os, resource, signal\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if ${number} not in (9, 19): signal.signal(${number}, signal.SIG_DFL)\nos.kill(os.getpid(), ${number})`

  it('that ends an argv command is told by its long name', async () => {
    for (const [signal, number] of deadly) {
      const { outcome } = await sandbox.run({ argv: ['python3', '-c', dieOf(number)] })
      expect(outcome?.type).toBe('signalled')
      // Two names for one number.
      expect(signal === 'SIGIO' ? ['SIGIO', 'SIGPOLL'] : [signal]).toContain(outcome?.signal)
    }
  })

  it('that ends the shell of a fresh session is told too, one that ends a child is 128 and its number', async () => {
    const fresh = { command: 'kill -TERM $$', session: null }
    expect((await sandbox.run(fresh)).outcome).toEqual({ type: 'signalled', signal: 'SIGTERM' })
    expect((await sandbox.run('sh -c "kill -TERM \\$\\$"')).outcome).toEqual({ type: 'exited', exit_code: 143 })
  })

  it('sent over the API reaches the command, with and without SIG', async () => {
    for (const signal of ['SIGTERM', 'USR1']) {
      const { id } = await sandbox.run({ argv: ['sh', '-c', 'echo ready; exec sleep 60'], background: true })
      await sandbox.running('ready\n')
      await node.client.ask('POST', sandbox.path(`/commands/${id}/signal`), { signal })
      const told = signal.startsWith('SIG') ? signal : `SIG${signal}`
      expect((await sandbox.ended(id)).outcome).toEqual({ type: 'signalled', signal: told })
    }
  })
})

describe('memory', () => {
  const hog = 'python3 -c "x = bytearray(600 * 1024 * 1024); print(len(x))"'

  it('beyond the limit ends an argv command as out_of_memory', async () => {
    const small = await node.client.create({ limits: { memory_bytes: 64 * MIB, disk_bytes: 16 * MIB } })
    const { outcome, oom } = await small.run({ argv: ['python3', '-c', 'x = bytearray(600 * 1024 * 1024)'] })
    expect(outcome).toEqual({ type: 'out_of_memory', limit_bytes: 64 * MIB })
    expect(oom).toBe(true)
    expect(await small.text('echo alive')).toBe('alive\n')
    await small.delete()
  })

  it('beyond the limit in a child leaves the shell alive: exited, and oom', async () => {
    const small = await node.client.create({ limits: { memory_bytes: 64 * MIB, disk_bytes: 16 * MIB } })
    await small.run('x=kept')
    const { outcome, oom } = await small.run(`${hog}; echo shell lives; exit 5`)
    expect(oom).toBe(true)
    expect(outcome).toEqual({ type: 'exited', exit_code: 5 })
    expect(await small.run('echo $x')).toMatchObject({ stdout: 'kept\n', oom: false })
    await small.delete()
  })

  it('within the limit is no matter, whatever else fails', async () => {
    expect(await sandbox.run({ argv: ['sh', '-c', 'kill -9 $$'] })).toMatchObject({
      oom: false,
      outcome: { type: 'signalled', signal: 'SIGKILL' },
    })
  })

  it('of a full disk is no memory: the writer is told that there is no space', async () => {
    const small = await node.client.create({ limits: { memory_bytes: 64 * MIB, disk_bytes: 16 * MIB } })
    const { outcome, stderr, oom } = await small.run('head -c 100000000 /dev/zero >/tmp/full')
    expect(stderr).toContain('No space left on device')
    expect(outcome?.exit_code).not.toBe(0)
    expect(oom).toBe(false)
    expect(await small.text('rm /tmp/full; echo alive')).toBe('alive\n')
    await small.delete()
  })
})

describe('limits', () => {
  it('of processes refuse the fork, not the session', async () => {
    const few = await node.client.create({ limits: { pids: 16 } })
    await few.run({ command: 'for i in {1..40}; do sleep 5 & done; true', timeout_ms: 5000 })
    await few.client.ask('DELETE', few.path('/sessions/main'))
    expect(await few.text('echo alive')).toBe('alive\n')
    await few.delete()
  })

  it('of a fork bomb end with its time, and a neighbour answers meanwhile', async () => {
    const bomb = await node.client.create({ limits: { pids: 64 } })
    const answer = bomb.run({ command: 'b() { b | b & }; b; sleep 60', timeout_ms: 800 })
    const neighbour = Array.from({ length: 5 }, () => sandbox.text('echo fine'))
    expect(await Promise.all(neighbour)).toEqual(Array.from({ length: 5 }, () => 'fine\n'))
    expect((await answer).outcome?.type).toMatch(/timed_out|exited/)
    await bomb.delete()
  })

  it('of one argv command hold: processor time, file size, open files, memory', async () => {
    const argv = (text: string): { argv: string[] } => ({ argv: ['sh', '-c', text] })
    const cpu = await sandbox.run({ ...argv('while :; do :; done'), limits: { cpu_ms: 1000 }, timeout_ms: 10_000 })
    expect(cpu.outcome?.type).toBe('signalled')
    expect(['SIGXCPU', 'SIGKILL']).toContain(cpu.outcome?.signal)
    const file = await sandbox.run({
      ...argv('head -c 10000 /dev/zero >/tmp/f; wc -c </tmp/f'),
      limits: { file_bytes: 1000 },
    })
    expect(file.stdout).toBe('1000\n')
    expect((await sandbox.run({ ...argv('ulimit -n'), limits: { nofile: 33 } })).stdout).toBe('33\n')
    const memory = { argv: ['python3', '-c', 'x = bytearray(500 * 1024 * 1024)'], limits: { memory_bytes: 200 * MIB } }
    expect((await sandbox.run(memory)).outcome).not.toEqual({ type: 'exited', exit_code: 0 })
  })

  it('in a session are refused', async () => {
    const refused = { status: 400, code: 'request.invalid' }
    const path = sandbox.path('/commands')
    expect(await node.client.refusal('POST', path, { command: 'true', limits: { nofile: 33 } })).toMatchObject(refused)
    expect(await node.client.refusal('POST', path, { command: 'true', user: 'root' })).toMatchObject(refused)
  })

  it('of the sandbox are those that were asked for, and told', async () => {
    const limits = { memory_bytes: 128 * MIB, cpus: 0.5, pids: 32, disk_bytes: 32 * MIB, nofile: 128 }
    const one = await node.client.create({ limits })
    expect(one.created.limits).toEqual(limits)
    expect(await one.text('ulimit -n; ulimit -Hn; df --output=size -B1 /tmp | tail -1 | tr -d " "')).toBe(
      `128\n128\n${32 * MIB}\n`,
    )
    await one.delete()
  })
})

describe('a receipt', () => {
  it('tells wall time, processor time, peak memory', async () => {
    const busy = await sandbox.run({
      argv: ['python3', '-c', 'x = bytearray(100 * 1024 * 1024)\nfor i in range(3000000): pass'],
    })
    expect(busy.usage.cpu_user_ms).toBeGreaterThan(30)
    expect(busy.usage.max_rss_bytes).toBeGreaterThan(100 * MIB)
    expect(busy.usage.max_rss_bytes).toBeLessThan(200 * MIB)
    expect(busy.duration_ms).toBeGreaterThan(30)
    const idle = await sandbox.run('sleep 0.3')
    expect(idle.duration_ms).toBeGreaterThanOrEqual(299)
    expect(idle.duration_ms).toBeLessThan(1300)
    expect(idle.usage.cpu_user_ms + idle.usage.cpu_system_ms).toBeLessThan(150)
  })

  it('of a command in a session counts its children and not those before', async () => {
    await sandbox.run('python3 -c "for i in range(5000000): pass"')
    const { usage } = await sandbox.run('true')
    expect(usage.cpu_user_ms).toBeLessThan(50)
    const child = await sandbox.run('python3 -c "for i in range(5000000): pass"')
    expect(child.usage.cpu_user_ms).toBeGreaterThan(50)
  })
})

describe('killing', () => {
  it('a running command answers killed to whoever waits, and the session goes on', async () => {
    await sandbox.run('kept=1')
    const waiting = sandbox.run('echo partial; setsid sleep 300 & sleep 300')
    const id = await sandbox.running('partial\n')
    await node.client.ask('DELETE', sandbox.path(`/commands/${id}`))
    expect(await waiting).toMatchObject({
      outcome: { type: 'killed', by: expect.any(String) as string },
      stdout: 'partial\n',
    })
    expect(await sandbox.text('echo $kept')).toBe('1\n')
    expect(await node.client.refusal('DELETE', sandbox.path(`/commands/${id}`))).toMatchObject({
      status: 409,
      code: 'command.finished',
    })
  })

  it('a sandbox answers killed to whoever waits for a command in it', async () => {
    const one = await node.client.create()
    const waiting = one.run('echo partial; sleep 300')
    await one.running('partial\n')
    await one.delete()
    expect(await waiting).toMatchObject({ outcome: { type: 'killed' }, stdout: 'partial\n' })
  })
})
