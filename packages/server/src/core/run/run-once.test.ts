import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../../drivers/fake/index.ts'
import { MemoryStore } from '../../store/memory/memory-store.ts'
import { createCore } from '../create-core.ts'
import { FakeClock, settled } from '../fake-clock.ts'
import type { CoreLimits } from '../limits.ts'

async function open(limits: Partial<CoreLimits> = {}) {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const store = new MemoryStore()
  const driver = createFakeDriver(machine)
  const made: string[] = []
  const create = driver.create.bind(driver)
  driver.create = (...of) => {
    made.push(of[0])
    return create(...of)
  }
  const core = await createCore({ driver, store, clock, limits, node: 'here' })
  return { core, clock, machine, store, driver, made }
}

const text = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString()

describe('a one-shot run', () => {
  it('answers with the command and the files that were asked for', async () => {
    const { core } = await open()
    const { command, files } = await core.runOnce({
      command: 'cat in; echo made > sub; cd nowhere; echo bad >&2',
      files: new Map([['in', Buffer.from('given')]]),
      fetch: ['sub', '/workspace/in', 'missing', '/tmp'],
    })
    expect([text(command.stdout), command.outcome]).toEqual(['given', { type: 'exited', exitCode: 0 }])
    expect([...files].map(([path, content]) => [path, content && text(content)])).toEqual([
      ['sub', 'made\n'],
      ['/workspace/in', 'given'],
      ['missing', undefined],
      ['/tmp', undefined],
    ])
  })

  it('takes an argv, an environment and input', async () => {
    const { core } = await open()
    const { command } = await core.runOnce({ argv: ['cat'], stdin: Buffer.from('given') })
    expect(text(command.stdout)).toBe('given')
    const { command: env } = await core.runOnce({ argv: ['env'], env: { X: '1' } })
    expect(text(env.stdout)).toContain('X=1\n')
  })

  it('leaves nothing, is not listed, and is never stored', async () => {
    const { core, machine, store, driver } = await open()
    const insert = store.insert.bind(store)
    store.insert = () => Promise.reject(new Error('stored'))
    const run = driver.run.bind(driver)
    let listed: unknown
    driver.run = (...of) => {
      listed = core.sandboxes.list({ limit: 9 }).items
      return run(...of)
    }
    const { command } = await core.runOnce({ command: 'true' })
    await settled()
    expect([listed, machine.size, (await core.node()).sandboxes]).toEqual([[], 0, 0])
    expect(() => core.sandboxes.get(command.sandboxId)).toThrow(expect.objectContaining({ code: 'sandbox.not_found' }))
    store.insert = insert
  })

  it('answers before its sandbox is removed, and core waits for that when it closes', async () => {
    const { core, driver } = await open()
    const destroying = Promise.withResolvers<undefined>()
    driver.destroy = () => destroying.promise
    await core.runOnce({ command: 'true' })
    let closed = false
    const closing = core.close('leave').then(() => (closed = true))
    await settled()
    expect(closed).toBe(false)
    destroying.resolve(undefined)
    await closing
  })

  it('tries again when its sandbox cannot be removed', async () => {
    const { core, driver, machine, clock } = await open()
    const destroy = driver.destroy.bind(driver)
    driver.destroy = () => Promise.reject(new Error('busy'))
    await core.runOnce({ command: 'true' })
    expect(machine.size).toBe(1)
    driver.destroy = destroy
    await clock.advance(10_000)
    expect(machine.size).toBe(0)
  })

  it('whose time is over is timed_out, its files still there', async () => {
    const { core, clock } = await open()
    const running = core.runOnce({ command: 'echo part > out; sleep 60', timeoutMs: 1000, fetch: ['out'] })
    await clock.advance(1000)
    const { command, files } = await running
    expect([command.outcome, text(files.get('out'))]).toEqual([{ type: 'timed_out', limitMs: 1000 }, 'part\n'])
  })

  it('whose sandbox dies is lost, without files', async () => {
    const { core, machine, made } = await open()
    const running = core.runOnce({ command: 'sleep 60', fetch: ['out'] })
    await settled()
    machine.crash(made[0] as Parameters<typeof machine.crash>[0], 'init died')
    const { command, files } = await running
    expect(command.outcome).toEqual({ type: 'lost', reason: 'init died' })
    expect([...files]).toEqual([['out', undefined]])
  })

  it.each([
    ['timeout_ms', { command: 'true', timeoutMs: 0 }],
    ['template', { command: 'true', template: 'nope' }],
    ['limits.pids', { command: 'true', sandboxLimits: { pids: 0 } }],
    ['command', {}],
  ])('with a wrong %s is refused before anything is made', async (field, options) => {
    const { core, made } = await open()
    await expect(core.runOnce(options)).rejects.toMatchObject({ code: 'request.invalid', details: { field } })
    await expect(core.runOnce({ command: 'true', fetch: [''] })).rejects.toMatchObject({ code: 'file.path_invalid' })
    expect(made).toEqual([])
  })

  it('whose file cannot be written fails and leaves nothing', async () => {
    const { core, machine } = await open()
    const files = new Map([['/usr/x', Buffer.from('x')]])
    await expect(core.runOnce({ command: 'true', files })).rejects.toMatchObject({ code: 'file.read_only' })
    await settled()
    expect([machine.size, (await core.node()).commandsRunning]).toEqual([0, 0])
  })

  it('that cannot be made gives its slot back', async () => {
    const { core, driver } = await open({ commandsRunning: 1 })
    const create = driver.create.bind(driver)
    driver.create = () => Promise.reject(new Error('no'))
    await expect(core.runOnce({ command: 'true' })).rejects.toThrow('no')
    driver.create = create
    expect((await core.runOnce({ command: 'true' })).command.outcome).toEqual({ type: 'exited', exitCode: 0 })
  })

  it('waits for a slot before its sandbox is made, and holds it until that is removed', async () => {
    const { core, driver, clock, made } = await open({ commandsRunning: 1 })
    const destroying = Promise.withResolvers<undefined>()
    const destroy = driver.destroy.bind(driver)
    driver.destroy = (id) => destroying.promise.then(() => destroy(id))
    const first = core.runOnce({ command: 'sleep 1' })
    const second = core.runOnce({ command: 'true' })
    await clock.advance(1000)
    await first
    await settled()
    expect(made).toHaveLength(1)
    destroying.resolve(undefined)
    await second
    expect(made).toHaveLength(2)
  })

  it('does not delay the commands of a sandbox behind all others of its kind', async () => {
    const { core, clock } = await open({ commandsRunning: 1 })
    const { id } = await core.sandboxes.create({})
    const done: string[] = []
    const many = Array.from({ length: 10 }, () => core.runOnce({ argv: ['sleep', '1'] }).then(() => done.push('once')))
    const one = core.commands.run(id, { argv: ['true'] }).then(() => done.push('command'))
    await clock.advance(20_000)
    await Promise.all([...many, one])
    expect(done.indexOf('command')).toBeLessThan(3)
  })
})
