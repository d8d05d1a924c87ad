import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../../drivers/fake/index.ts'
import { MemoryStore } from '../../store/memory/memory-store.ts'
import { createCore } from '../create-core.ts'
import { FakeClock, settled } from '../fake-clock.ts'

async function open() {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const store = new MemoryStore()
  const driver = createFakeDriver(machine)
  let shells = 0
  const openSession = driver.openSession.bind(driver)
  driver.openSession = (...of) => {
    shells++
    return openSession(...of)
  }
  const core = await createCore({ driver, store, clock, node: 'here' })
  const { id } = await core.sandboxes.create({ env: { A: 'sandbox', B: 'sandbox' } })
  const say = async (session: string, command: string) =>
    Buffer.from((await core.commands.run(id, { command, session })).stdout ?? []).toString()
  return { ...core, clock, store, driver, id, say, shells: () => shells }
}

describe('the session main', () => {
  it('always exists, and has its shell with the first command', async () => {
    const { sessions, say, shells, id } = await open()
    expect(await sessions.list(id)).toMatchObject([{ name: 'main', sandboxId: id, busy: false }])
    expect(shells()).toBe(0)
    await say('main', 'true')
    await say('main', 'true')
    expect(shells()).toBe(1)
  })

  it('has one shell, however many commands come first', async () => {
    const { say, shells } = await open()
    await Promise.all(Array.from({ length: 5 }, () => say('main', 'true')))
    expect(shells()).toBe(1)
  })

  it('cannot be opened', async () => {
    const { sessions, id } = await open()
    await expect(sessions.open(id, { name: 'main' })).rejects.toMatchObject({ code: 'session.exists' })
  })

  it('can be closed, and starts afresh with its next command', async () => {
    const { sessions, say, id } = await open()
    await say('main', 'X=1')
    await sessions.close(id, 'main')
    await sessions.close(id, 'main')
    expect(await say('main', 'echo "[$X]"')).toBe('[]\n')
  })

  it('whose shell cannot be started says so, and tries again with the next command', async () => {
    const { say, driver } = await open()
    const openSession = driver.openSession.bind(driver)
    driver.openSession = () => Promise.reject(new Error('no process left'))
    await expect(say('main', 'true')).rejects.toThrow('no process left')
    driver.openSession = openSession
    expect(await say('main', 'echo on')).toBe('on\n')
  })
})

describe('a session', () => {
  it('has its own environment over that of the sandbox, and its own cwd', async () => {
    const { sessions, say, id } = await open()
    await sessions.open(id, { name: 'work', env: { B: 'session', C: 'session' }, cwd: '/tmp' })
    expect(await say('work', 'echo $A $B $C; pwd')).toBe('sandbox session session\n/tmp\n')
  })

  it('runs beside the others', async () => {
    const { sessions, commands, clock, say, id } = await open()
    await sessions.open(id, { name: 'work' })
    const slow = commands.run(id, { command: 'sleep 10' })
    expect(await say('work', 'echo on')).toBe('on\n')
    expect((await sessions.list(id)).map(({ name, busy }) => [name, busy])).toEqual([
      ['main', true],
      ['work', false],
    ])
    await clock.advance(10_000)
    await slow
  })

  it('is stored, so that a restart knows it', async () => {
    const { sessions, sandboxes, store, id } = await open()
    await sessions.open(id, { name: 'work', env: { X: '1' } })
    const stored = await store.get(sandboxes.get(id).id)
    expect(stored?.sessions).toMatchObject([{ name: 'work', env: { X: '1' }, cwd: undefined }])
    await sessions.close(id, 'work')
    expect((await store.get(sandboxes.get(id).id))?.sessions).toEqual([])
  })

  it.each(['', 'A', '-a', 'a b', 'a/b', 'ä', 'x'.repeat(64), '__proto__'])('cannot be named %j', async (name) => {
    const { sessions, id } = await open()
    const opening = sessions.open(id, { name })
    await expect(opening).rejects.toMatchObject({ code: 'request.invalid', details: { field: 'name' } })
  })

  it('of one name is opened once by two who ask for it at once', async () => {
    const { sessions, id } = await open()
    const answers = await Promise.allSettled([sessions.open(id, { name: 'a' }), sessions.open(id, { name: 'a' })])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect((answers[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'session.exists' })
  })

  it('that cannot be opened is not there', async () => {
    const { sessions, driver, id } = await open()
    driver.openSession = () => Promise.reject(new Error('no process left'))
    await expect(sessions.open(id, { name: 'a' })).rejects.toThrow('no process left')
    expect((await sessions.list(id)).map(({ name }) => name)).toEqual(['main'])
  })

  it('that the store cannot keep is not there, nor its shell', async () => {
    const { sessions, store, id } = await open()
    const update = store.update.bind(store)
    store.update = () => Promise.reject(new Error('the disk is full'))
    await expect(sessions.open(id, { name: 'a' })).rejects.toThrow('the disk is full')
    store.update = update
    expect(await sessions.open(id, { name: 'a' })).toMatchObject({ name: 'a' })
  })

  it('that cannot be forgotten by the store is still there', async () => {
    const { sessions, say, store, id } = await open()
    await sessions.open(id, { name: 'a' })
    const update = store.update.bind(store)
    store.update = () => Promise.reject(new Error('the disk is full'))
    await expect(sessions.close(id, 'a')).rejects.toThrow('the disk is full')
    store.update = update
    expect(await say('a', 'echo on')).toBe('on\n')
    await sessions.close(id, 'a')
  })

  it('that is being closed is not found, and its name is free afterwards', async () => {
    const { sessions, sandboxes, commands, id } = await open()
    await sessions.open(id, { name: 'a' })
    const closing = sessions.close(id, 'a')
    expect(sandboxes.get(id).sessions).toEqual(['main'])
    const unknown = { code: 'session.not_found' }
    await expect(commands.run(id, { command: 'true', session: 'a' })).rejects.toMatchObject(unknown)
    await expect(sessions.close(id, 'a')).rejects.toMatchObject(unknown)
    await closing
    await sessions.open(id, { name: 'a' })
  })

  it('that is closed ends what runs and what waits in it, and is no more', async () => {
    const { sessions, commands, id } = await open()
    await sessions.open(id, { name: 'a' })
    const running = commands.run(id, { command: 'sleep 60', session: 'a' })
    const waiting = commands.run(id, { command: 'true', session: 'a' })
    await settled()
    await sessions.close(id, 'a')
    const closed = { type: 'killed', by: 'close' }
    expect([(await running).outcome, (await waiting).outcome]).toEqual([closed, closed])
    await expect(sessions.close(id, 'a')).rejects.toMatchObject({ code: 'session.not_found' })
    await sessions.open(id, { name: 'a' })
  })

  it('that is closed is free for the next command once what ran in it has ended', async () => {
    const { sessions, commands, say, id } = await open()
    const running = commands.run(id, { command: 'sleep 60' })
    await settled()
    const closing = sessions.close(id, 'main')
    const next = say('main', 'echo fresh')
    await closing
    expect((await running).outcome).toEqual({ type: 'killed', by: 'close' })
    expect(await next).toBe('fresh\n')
  })
})
