import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../../drivers/fake/index.ts'
import { MemoryStore } from '../../store/memory/memory-store.ts'
import type { RunCommand } from '../core.ts'
import { createCore } from '../create-core.ts'
import { FakeClock, settled } from '../fake-clock.ts'
import type { CoreLimits } from '../limits.ts'
import type { CommandRequest } from './command.ts'

async function open(limits: Partial<CoreLimits> = {}) {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const driver = createFakeDriver(machine)
  const asked: CommandRequest[] = []
  const run = driver.run.bind(driver)
  driver.run = (id, request) => {
    asked.push(request)
    return run(id, request)
  }
  const core = await createCore({ driver, store: new MemoryStore(), clock, limits, node: 'here' })
  const { id } = await core.sandboxes.create({ env: { FROM: 'sandbox' } })
  const say = async (command: string, options: RunCommand = {}) => {
    return text((await core.commands.run(id, { command, ...options })).stdout)
  }
  return { ...core, node: () => core.node(), clock, machine, driver, asked, id, say }
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

describe('a command', () => {
  it('runs in main unless told otherwise, and answers whose it is', async () => {
    const { commands, id } = await open()
    const command = await commands.run(id, { command: 'echo hi; exit 3' })
    expect(command).toMatchObject({
      sandboxId: id,
      program: { type: 'session', session: 'main' },
      outcome: { type: 'exited', exitCode: 3 },
      background: false,
    })
    expect(text(command.stdout)).toBe('hi\n')
  })

  it('finds what the one before it left', async () => {
    const { say } = await open()
    await say('cd /tmp; X=1; export Y=2')
    expect(await say('pwd; echo $X $Y')).toBe('/tmp\n1 2\n')
  })

  it('of session null is a fresh shell', async () => {
    const { say } = await open()
    await say('X=1')
    expect(await say('echo "[$X]" $FROM', { session: null })).toBe('[] sandbox\n')
  })

  it('has the defaults: a minute, 1 MiB, stdout and stderr apart, no input', async () => {
    const { say, asked } = await open()
    await say('true')
    expect(asked[0]).toMatchObject({
      timeoutMs: 60_000,
      maxBytes: 1024 ** 2,
      merge: false,
      stdin: undefined,
      stdinOpen: false,
      cwd: undefined,
      env: {},
      uid: undefined,
      limits: {},
    })
  })

  it('in a session is given only what is for it alone', async () => {
    const { say, asked } = await open()
    await say('true', { env: { A: '1' }, cwd: 'sub' })
    expect([asked[0]?.env, text(asked[0]?.cwd)]).toEqual([{ A: '1' }, '/workspace/sub'])
  })

  it('as argv is given a whole environment, its cwd, its user and its limits', async () => {
    const { commands, asked, id } = await open()
    await commands.run(id, { argv: ['true'], env: { A: '1' }, user: 'root', limits: { cpuMs: 5 } })
    expect(asked[0]).toMatchObject({
      env: { FROM: 'sandbox', A: '1', HOME: '/root', USER: 'root', LANG: 'C.UTF-8' },
      uid: 0,
      limits: { cpuMs: 5 },
    })
    expect(text(asked[0]?.cwd)).toBe('/workspace')
  })

  it.each<[string, RunCommand]>([
    ['command', {}],
    ['argv', { command: 'true', argv: ['true'] }],
    ['argv', { argv: [] }],
    ['argv', { argv: [''] }],
    ['argv', { argv: ['echo', 'a\0b'] }],
    ['argv', { argv: ['echo', 'x'.repeat(131_072)] }],
    ['session', { argv: ['true'], session: 'main' }],
    ['command', { command: 'echo \0' }],
    ['user', { command: 'true', user: 'root' }],
    ['limits', { command: 'true', limits: { cpuMs: 1 } }],
    ['limits.cpu_ms', { argv: ['true'], limits: { cpuMs: 0 } }],
    ['limits.memory_bytes', { argv: ['true'], limits: { memoryBytes: 1.5 } }],
    ['timeout_ms', { command: 'true', timeoutMs: 3_600_001 }],
    ['timeout_ms', { command: 'true', timeoutMs: 0 }],
    ['timeout_ms', { command: 'true', timeoutMs: Number.NaN }],
    ['output.max_bytes', { command: 'true', output: { maxBytes: 4 * 1024 ** 2 + 1 } }],
    ['output.max_bytes', { command: 'true', output: { maxBytes: -1 } }],
    ['env', { command: 'true', env: { '': '1' } }],
    ['cwd', { command: 'true', cwd: '' }],
  ])('with a wrong %s is refused by that name: %.60j', async (field, command) => {
    const { commands, id } = await open()
    await expect(commands.run(id, command)).rejects.toMatchObject({ code: 'request.invalid', details: { field } })
    await expect(commands.runInBackground(id, command)).rejects.toMatchObject({ details: { field } })
  })

  it('longer than a message may be is too large', async () => {
    const { commands, id } = await open()
    const command = 'é'.repeat(4 * 1024 ** 2 + 1)
    await expect(commands.run(id, { command })).rejects.toMatchObject({ code: 'request.too_large' })
  })

  it('of 1 MB runs', async () => {
    const { say } = await open()
    expect(await say(`echo ${'x'.repeat(1_000_000)}`)).toHaveLength(1_000_001)
  })

  it('in an unknown session is refused', async () => {
    const { commands, id } = await open()
    const running = commands.run(id, { command: 'true', session: 'nope' })
    await expect(running).rejects.toMatchObject({ code: 'session.not_found', details: { session: 'nope' } })
  })

  it('past its limit is timed_out', async () => {
    const { commands, clock, id } = await open()
    const running = commands.run(id, { command: 'sleep 60', timeoutMs: 1000 })
    await clock.advance(1000)
    expect(await running).toMatchObject({ outcome: { type: 'timed_out', limitMs: 1000 }, sessionRestarted: true })
  })
})

describe('commands of one session', () => {
  it('run one at a time, in order of arrival', async () => {
    const { say, clock } = await open()
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    const running = numbers.map((number) => say(`echo ${number} >> log; sleep 0.01`))
    await clock.advance(1000)
    await Promise.all(running)
    expect(await say('cat log')).toBe(numbers.map((number) => `${number}\n`).join(''))
  })

  it('are not charged for the wait', async () => {
    const { commands, clock, id } = await open()
    const first = commands.run(id, { command: 'sleep 50' })
    const second = commands.run(id, { command: 'sleep 1', timeoutMs: 2000 })
    await clock.advance(50_000)
    await first
    await clock.advance(1000)
    expect(await second).toMatchObject({ outcome: { type: 'exited', exitCode: 0 }, durationMs: 1000 })
  })

  it('go on after one whose driver fails', async () => {
    const { commands, driver, say, id } = await open()
    const run = driver.run.bind(driver)
    driver.run = () => Promise.reject(new Error('once'))
    const failing = commands.run(id, { command: 'true' })
    await expect(failing).rejects.toThrow('once')
    driver.run = run
    expect(await say('echo on')).toBe('on\n')
  })
})

describe('commands of many sandboxes', () => {
  it('run no more at once than allowed, and each sandbox has its turn', async () => {
    const { commands, sandboxes, clock, node, id } = await open({ commandsRunning: 2 })
    const other = (await sandboxes.create({})).id
    const done: string[] = []
    const run = (name: string, sandbox: string) =>
      commands.run(sandbox, { argv: ['sleep', '1'] }).then(() => done.push(name))
    const all = ['a1', 'a2', 'a3', 'a4'].map((name) => run(name, id)).concat(run('b1', other))
    await settled()
    expect(await node()).toMatchObject({ commandsRunning: 2, commandsWaiting: 3 })
    await clock.advance(10_000)
    await Promise.all(all)
    expect(done).toEqual(['a1', 'a2', 'a3', 'b1', 'a4'])
  })

  it('are refused beyond what may wait', async () => {
    const { commands, clock, id } = await open({ commandsRunning: 1, commandsWaiting: 1 })
    const running = [1, 2].map(() => commands.run(id, { argv: ['sleep', '1'] }))
    await expect(commands.run(id, { argv: ['true'] })).rejects.toMatchObject({ code: 'limit.exceeded' })
    await clock.advance(2000)
    await Promise.all(running)
  })
})

describe('a background command', () => {
  it('answers at once, and is found finished later', async () => {
    const { commands, clock, id } = await open()
    const started = await commands.runInBackground(id, { command: 'echo a; sleep 5; echo b' })
    expect(started).toMatchObject({ sandboxId: id, background: true, outcome: undefined })
    await clock.advance(5000)
    const command = await commands.get(id, started.id)
    expect([command.outcome, text(command.stdout)]).toEqual([{ type: 'exited', exitCode: 0 }, 'a\nb\n'])
  })

  it('does not hold its session', async () => {
    const { commands, say, id } = await open()
    await commands.runInBackground(id, { command: 'sleep 5' })
    expect(await say('echo on')).toBe('on\n')
  })

  it('starts after what came before it in its session', async () => {
    const { commands, clock, id } = await open()
    const before = commands.run(id, { command: 'sleep 1; X=set' })
    const starting = commands.runInBackground(id, { command: 'echo $X' })
    await clock.advance(1000)
    await before
    expect(text(await commands.output(id, (await starting).id, 'stdout'))).toBe('set\n')
  })

  it('is fed, signalled and killed', async () => {
    const { commands, id } = await open()
    const cat = await commands.runInBackground(id, { argv: ['cat'], stdin: Buffer.from('a') })
    await commands.writeStdin(id, cat.id, Buffer.from('b'), true)
    await settled()
    expect(text(await commands.output(id, cat.id, 'stdout'))).toBe('ab')
    const [first, second] = [
      await commands.runInBackground(id, { argv: ['sleep', '60'] }),
      await commands.runInBackground(id, { argv: ['sleep', '60'] }),
    ]
    await commands.signal(id, first.id, 'TERM')
    await commands.kill(id, second.id)
    await settled()
    expect((await commands.get(id, first.id)).outcome).toEqual({ type: 'signalled', signal: 'SIGTERM' })
    expect((await commands.get(id, second.id)).outcome).toEqual({ type: 'killed', by: 'request' })
  })

  it('that cannot be started holds nothing', async () => {
    const { commands, driver, clock, sandboxes, id } = await open()
    driver.runInBackground = () => Promise.reject(new Error('no'))
    await expect(commands.runInBackground(id, { command: 'true' })).rejects.toThrow('no')
    await clock.advance(15 * 60_000)
    expect(() => sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.gone' }))
  })
})

describe('the history', () => {
  it('has all commands, oldest first, in pages', async () => {
    const { commands, say, id } = await open()
    for (let number = 0; number < 5; number++) await say(`exit ${number}`)
    const first = await commands.list(id, { limit: 3 })
    const second = await commands.list(id, { limit: 3, cursor: first.nextCursor ?? '' })
    const codes = [...first.items, ...second.items].map(({ outcome }) => (outcome as { exitCode: number }).exitCode)
    expect([codes, second.nextCursor]).toEqual([[0, 1, 2, 3, 4], null])
  })

  it('says when an output had to make room', async () => {
    const { commands, driver, id } = await open()
    const { id: command } = await commands.run(id, { command: 'echo hi' })
    const asking = driver.command.bind(driver)
    driver.command = async (...of) => ({ ...(await asking(...of)), stdout: undefined })
    await expect(commands.output(id, command, 'stdout')).rejects.toMatchObject({ code: 'output.dropped' })
    expect(text(await commands.output(id, command, 'stderr'))).toBe('')
  })

  it.each(['', 'x', 'cmd_', 'cmd_000000000000000000000000', `cmd_${'0'.repeat(10_000)}`, '__proto__'])(
    'has no command %.40j',
    async (command) => {
      const { commands, id } = await open()
      const unknown = { code: 'command.not_found' }
      await expect(commands.get(id, command)).rejects.toMatchObject(unknown)
      await expect(commands.kill(id, command)).rejects.toMatchObject(unknown)
      await expect(commands.signal(id, command, 'KILL')).rejects.toMatchObject(unknown)
    },
  )

  it('refuses a signal that is none', async () => {
    const { commands, id } = await open()
    const { id: command } = await commands.runInBackground(id, { argv: ['sleep', '60'] })
    const signalling = commands.signal(id, command, 'NOPE')
    await expect(signalling).rejects.toMatchObject({ code: 'request.invalid', details: { field: 'signal' } })
  })
})
