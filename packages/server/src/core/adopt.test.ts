import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../drivers/fake/index.ts'
import { MemoryStore } from '../store/memory/memory-store.ts'
import { createCore, type RunningCore } from './create-core.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { newSandboxId } from './ids.ts'

const MINUTE_MS = 60_000

/** A machine and a store that outlive the servers which use them. */
function open() {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const store = new MemoryStore()
  const start = (node = 'here') => createCore({ driver: createFakeDriver(machine), store, clock, node })
  const say = async (core: RunningCore, id: string, command: string) =>
    Buffer.from((await core.commands.run(id, { command })).stdout ?? []).toString()
  return { clock, machine, store, start, say }
}

const goneError = (reason: string) =>
  expect.objectContaining({ code: 'sandbox.gone', details: expect.objectContaining({ reason }) as unknown }) as Error

describe('a server that starts again', () => {
  it('knows its sandboxes, their sessions and their state', async () => {
    const { start, say, clock } = open()
    const first = await start()
    const { id } = await first.sandboxes.create({ metadata: { a: '1' }, env: { E: 'x' } })
    await first.sessions.open(id, { name: 'work' })
    await say(first, id, 'cd /tmp; X=kept')
    const before = first.sandboxes.get(id)
    await first.close('leave')
    await clock.advance(5000)
    const second = await start()
    expect(second.sandboxes.get(id)).toEqual(before)
    expect(await say(second, id, 'pwd; echo $X')).toBe('/tmp\nkept\n')
    expect((await second.commands.run(id, { command: 'echo $E', session: 'work' })).outcome?.type).toBe('exited')
  })

  it('waits for the command that runs in a session before it runs the next', async () => {
    const { start, say, clock } = open()
    const first = await start()
    const { id } = await first.sandboxes.create({})
    const cut = first.commands.run(id, { command: 'sleep 10; X=done' }).catch((error: unknown) => error)
    await settled()
    await first.close('leave')
    await cut
    const second = await start()
    const next = say(second, id, 'echo $X')
    expect(await second.sessions.list(id)).toMatchObject([{ name: 'main', busy: true }])
    await clock.advance(10_000)
    expect(await next).toBe('done\n')
    const { items } = await second.commands.list(id, { limit: 9 })
    expect(items.map(({ outcome }) => outcome?.type)).toEqual(['exited', 'exited'])
  })

  it('keeps a sandbox alive while an adopted command runs', async () => {
    const { start, clock } = open()
    const first = await start()
    const { id } = await first.sandboxes.create({ idleTimeoutMs: MINUTE_MS })
    await first.commands.runInBackground(id, { argv: ['sleep', '600'], timeoutMs: 3_600_000 })
    await first.close('leave')
    const second = await start()
    await clock.advance(600_000)
    expect(second.sandboxes.get(id).state).toBe('running')
    await clock.advance(MINUTE_MS)
    expect(() => second.sandboxes.get(id)).toThrow(goneError('idle'))
  })

  it('counts what is left of lifetime and idle time, not all of it again', async () => {
    const { start, clock } = open()
    const first = await start()
    const short = await first.sandboxes.create({ lifetimeMs: 10 * MINUTE_MS })
    const idle = await first.sandboxes.create({ idleTimeoutMs: 8 * MINUTE_MS })
    await clock.advance(5 * MINUTE_MS)
    await first.close('leave')
    const second = await start()
    await clock.advance(3 * MINUTE_MS)
    expect(() => second.sandboxes.get(idle.id)).toThrow(goneError('idle'))
    await clock.advance(2 * MINUTE_MS)
    expect(() => second.sandboxes.get(short.id)).toThrow(goneError('lifetime'))
  })

  it('ends at once what expired while it was away', async () => {
    const { start, clock, machine } = open()
    const first = await start()
    const { id } = await first.sandboxes.create({ lifetimeMs: MINUTE_MS })
    await first.close('leave')
    await clock.advance(2 * MINUTE_MS)
    const second = await start()
    expect(() => second.sandboxes.get(id)).toThrow(goneError('lifetime'))
    await settled()
    expect(machine.size).toBe(0)
  })

  it('says of what no longer lives that it is lost, or that its lifetime is over', async () => {
    const { start, machine, clock, store } = open()
    const first = await start()
    const lost = await first.sandboxes.create({})
    const over = await first.sandboxes.create({ lifetimeMs: MINUTE_MS })
    await first.close('leave')
    machine.removeAll()
    await clock.advance(MINUTE_MS)
    const second = await start()
    expect(() => second.sandboxes.get(lost.id)).toThrow(goneError('lost: it did not outlive a restart'))
    expect(() => second.sandboxes.get(over.id)).toThrow(goneError('lifetime'))
    expect(await store.records('here')).toEqual([])
  })

  it('removes what lives and is not known', async () => {
    const { start, machine, clock } = open()
    const spec = {
      user: 'root',
      hostname: 'x',
      limits: { memoryBytes: 1, cpus: 1, pids: 1, diskBytes: 1, nofile: 1 },
    } as const
    machine.add(newSandboxId(), spec)
    const core = await start()
    await settled()
    expect([machine.size, core.sandboxes.list({ limit: 9 }).items, clock.pending]).toEqual([0, [], 0])
  })

  it('ends what was being deleted, and forgets it', async () => {
    const { start, store, machine } = open()
    const first = await start()
    const { id } = await first.sandboxes.create({})
    await first.close('leave')
    await store.move(id, { from: 'running', to: 'stopped', incarnation: 1 })
    const second = await start()
    await settled()
    expect([machine.size, await store.records('here')]).toEqual([0, []])
    expect(() => second.sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.not_found' }))
  })

  it('remembers why a sandbox is no more, for the rest of its hour', async () => {
    const { start, clock } = open()
    const first = await start()
    const { id } = await first.sandboxes.create({ lifetimeMs: MINUTE_MS })
    await clock.advance(31 * MINUTE_MS)
    await first.close('leave')
    const second = await start()
    expect(() => second.sandboxes.get(id)).toThrow(goneError('lifetime'))
    await clock.advance(30 * MINUTE_MS)
    expect(() => second.sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.not_found' }))
  })

  it('leaves the records of other machines alone', async () => {
    const { start, store } = open()
    const first = await start('there')
    await first.sandboxes.create({})
    await first.close('leave')
    await start('here')
    expect(await store.records('there')).toHaveLength(1)
  })

  it('hears what is told while it starts', async () => {
    const { clock, machine, store } = open()
    const first = await createCore({ driver: createFakeDriver(machine), store, clock, node: 'here' })
    const { id } = await first.sandboxes.create({})
    await first.close('leave')
    const driver = createFakeDriver(machine)
    const begin = driver.start.bind(driver)
    driver.start = async (listener) => {
      const living = await begin(listener)
      machine.crash(id, 'just now')
      return living
    }
    const second = await createCore({ driver, store, clock, node: 'here' })
    expect(() => second.sandboxes.get(id)).toThrow(goneError('lost: just now'))
  })

  it('does not start, and removes nothing, when the store cannot be read', async () => {
    const { start, store, machine } = open()
    const first = await start()
    await first.sandboxes.create({})
    await first.close('leave')
    store.records = () => Promise.reject(new Error('damaged'))
    await expect(start()).rejects.toThrow('damaged')
    expect(machine.size).toBe(1)
  })
})
