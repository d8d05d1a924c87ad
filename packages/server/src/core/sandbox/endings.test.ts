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
  const errors: object[] = []
  const log = { info: () => undefined, warn: () => undefined, error: (fields: object) => void errors.push(fields) }
  const core = await createCore({ driver, store, clock, log, node: 'here' })
  const { id } = await core.sandboxes.create({})
  const close = (how: 'leave' | 'end') => core.close(how)
  return { ...core, close, clock, machine, store, driver, errors, id }
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

describe('a sandbox that is deleted', () => {
  it('ends the command that runs, its output kept, and those that wait', async () => {
    const { sandboxes, commands, id } = await open()
    const running = commands.run(id, { command: 'echo begun; sleep 60' })
    const waiting = [1, 2].map(() => commands.run(id, { command: 'echo never' }))
    await settled()
    await sandboxes.delete(id)
    const killed = { type: 'killed', by: 'delete' }
    expect([(await running).outcome, text((await running).stdout)]).toEqual([killed, 'begun\n'])
    for (const command of waiting) expect(await command).toMatchObject({ outcome: killed, sandboxId: id })
  })

  it('ends a command that its driver never answers for', async () => {
    const { sandboxes, commands, driver, id } = await open()
    driver.run = () => new Promise(() => undefined)
    const running = commands.run(id, { command: 'true' })
    await settled()
    await sandboxes.delete(id)
    expect((await running).outcome).toEqual({ type: 'killed', by: 'delete' })
  })

  it('ends a command whose shell is being started', async () => {
    const { sandboxes, commands, driver, id } = await open()
    const opening = Promise.withResolvers<undefined>()
    driver.openSession = () => opening.promise
    const running = commands.run(id, { command: 'true' })
    const deleted = sandboxes.delete(id)
    opening.reject(new Error('the sandbox is gone'))
    await deleted
    expect((await running).outcome).toEqual({ type: 'killed', by: 'delete' })
  })

  it('is deleted once by two who ask for it at once', async () => {
    const { sandboxes, driver, id } = await open()
    const destroy = driver.destroy.bind(driver)
    let destroyed = 0
    driver.destroy = (sandbox) => {
      destroyed++
      return destroy(sandbox)
    }
    await Promise.all([sandboxes.delete(id), sandboxes.delete(id)])
    expect(destroyed).toBe(1)
  })

  it('is seen as stopped until it is gone, and takes no command', async () => {
    const { sandboxes, commands, driver, id } = await open()
    const destroying = Promise.withResolvers<undefined>()
    driver.destroy = () => destroying.promise
    const deleted = sandboxes.delete(id)
    expect(sandboxes.get(id).state).toBe('stopped')
    await expect(commands.run(id, { command: 'true' })).rejects.toMatchObject({ code: 'sandbox.wrong_state' })
    destroying.resolve(undefined)
    await deleted
    expect(() => sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.not_found' }))
  })

  it('and cannot be destroyed says so, can be deleted again, and is tried again by itself', async () => {
    const { sandboxes, driver, clock, errors, id } = await open()
    const destroy = driver.destroy.bind(driver)
    driver.destroy = () => Promise.reject(new Error('busy'))
    await expect(sandboxes.delete(id)).rejects.toThrow('busy')
    await expect(sandboxes.delete(id)).rejects.toThrow('busy')
    expect([sandboxes.get(id).state, errors.length]).toEqual(['stopped', 2])
    driver.destroy = destroy
    await clock.advance(60_000)
    expect(() => sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.not_found' }))
    expect(clock.pending).toBe(0)
  })

  it('tries a removal that fails ever more rarely', async () => {
    const { sandboxes, driver, clock, id } = await open()
    let tries = 0
    driver.destroy = () => Promise.reject(new Error(`busy ${tries++}`))
    await expect(sandboxes.delete(id)).rejects.toThrow('busy')
    await clock.advance(10 * 60_000)
    expect(tries).toBeGreaterThan(15)
    expect(tries).toBeLessThan(30)
  })
})

describe('a sandbox that is lost', () => {
  it('says so, with its reason, and its commands end as lost', async () => {
    const { commands, sandboxes, machine, id } = await open()
    const running = commands.run(id, { command: 'sleep 60' })
    const waiting = commands.run(id, { command: 'true' })
    await settled()
    machine.crash(sandboxes.get(id).id, 'init died')
    const lost = { type: 'lost', reason: 'init died' }
    expect([(await running).outcome, (await waiting).outcome]).toEqual([lost, lost])
    const details = { sandboxId: id, reason: 'lost: init died' }
    expect(() => sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.gone', details }))
  })

  it('leaves its neighbours alone', async () => {
    const { commands, sandboxes, machine, id } = await open()
    const neighbour = await sandboxes.create({})
    machine.crash(sandboxes.get(id).id, 'init died')
    expect((await commands.run(neighbour.id, { command: 'true' })).outcome).toEqual({ type: 'exited', exitCode: 0 })
  })

  it('while it is made is an error of the create, and leaves nothing', async () => {
    const { sandboxes, machine, driver, store } = await open()
    const create = driver.create.bind(driver)
    driver.create = async (id, spec) => {
      const isolation = await create(id, spec)
      setImmediate(() => machine.crash(id, 'init died'))
      return isolation
    }
    const creating = sandboxes.create({ setup: ['sleep 60'] })
    await expect(creating).rejects.toMatchObject({ code: 'runtime.unavailable' })
    expect([sandboxes.list({ limit: 9 }).items.length, (await store.records('here')).length]).toEqual([1, 1])
  })
})

describe('an expired sandbox', () => {
  it('is destroyed even if the store cannot write, which is made good later', async () => {
    const { store, machine, clock, sandboxes, errors, id } = await open()
    const bury = store.bury.bind(store)
    store.bury = () => Promise.reject(new Error('the disk is full'))
    await clock.advance(15 * 60_000)
    expect([machine.size, errors.length]).toEqual([0, 1])
    expect(() => sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.gone' }))
    store.bury = bury
    await clock.advance(60_000)
    expect((await store.tombstones('here', clock.now())).map(({ reason }) => reason)).toEqual(['idle'])
  })
})

describe('closing core', () => {
  it('leaves the sandboxes when it is told to, and refuses what is new', async () => {
    const { close, sandboxes, commands, machine, store, clock, id } = await open()
    await close('leave')
    expect([machine.size, (await store.records('here')).length, clock.pending]).toEqual([1, 1, 0])
    await expect(sandboxes.create({})).rejects.toMatchObject({ code: 'runtime.unavailable' })
    await expect(commands.run(id, { command: 'true' })).rejects.toMatchObject({ code: 'runtime.unavailable' })
  })

  it('ends everything when it is told to, and every id says so', async () => {
    const { close, commands, machine, store, clock, id } = await open()
    const running = commands.run(id, { command: 'sleep 60' })
    await settled()
    await close('end')
    expect((await running).outcome).toEqual({ type: 'killed', by: 'shutdown' })
    expect([machine.size, await store.records('here')]).toEqual([0, []])
    expect((await store.tombstones('here', clock.now())).map((grave) => grave.id)).toEqual([id])
  })

  it('waits for removals under way', async () => {
    const { close, sandboxes, driver, id } = await open()
    const destroying = Promise.withResolvers<undefined>()
    driver.destroy = () => destroying.promise
    const deleted = sandboxes.delete(id)
    let closed = false
    const closing = close('leave').then(() => (closed = true))
    await settled()
    expect(closed).toBe(false)
    destroying.resolve(undefined)
    await Promise.all([deleted, closing])
  })

  it('twice is once', async () => {
    const { close } = await open()
    await Promise.all([close('end'), close('end')])
  })
})
