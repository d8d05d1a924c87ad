import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../../drivers/fake/index.ts'
import { MemoryStore } from '../../store/memory/memory-store.ts'
import type { CreateSandbox } from '../core.ts'
import { createCore } from '../create-core.ts'
import { FakeClock } from '../fake-clock.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

async function open(options: CreateSandbox = {}) {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const store = new MemoryStore()
  const core = await createCore({ driver: createFakeDriver(machine), store, clock, node: 'here' })
  const { id } = await core.sandboxes.create(options)
  /** Why it is no more; `undefined` while it is there. */
  const gone = () => {
    try {
      core.sandboxes.get(id)
      return undefined
    } catch (error) {
      const { code, details } = error as { code: string; details: { reason?: string } }
      return details.reason ?? code
    }
  }
  return { ...core, clock, machine, store, id, gone }
}

describe('a sandbox', () => {
  it('ends with its lifetime, used or not, and says so for an hour', async () => {
    const { clock, gone, machine, commands, id } = await open({ lifetimeMs: HOUR_MS })
    for (let minute = 0; minute < 59; minute++) {
      await clock.advance(MINUTE_MS)
      await commands.run(id, { command: 'true' })
    }
    expect(gone()).toBeUndefined()
    await clock.advance(MINUTE_MS)
    expect([gone(), machine.size]).toEqual(['lifetime', 0])
    await clock.advance(HOUR_MS - 1)
    expect(gone()).toBe('lifetime')
    await clock.advance(1)
    expect(gone()).toBe('sandbox.not_found')
  })

  it('answers every operation with its reason when it has expired', async () => {
    const { clock, commands, sandboxes, sessions, files, id } = await open({ lifetimeMs: 1 })
    await clock.advance(1)
    const answers = [
      commands.run(id, { command: 'true' }),
      commands.list(id, { limit: 1 }),
      sessions.list(id),
      files.stat(id, Buffer.from('/')),
      sandboxes.update(id, {}),
      sandboxes.delete(id),
    ]
    for (const answer of answers) {
      await expect(answer).rejects.toMatchObject({ code: 'sandbox.gone', details: { reason: 'lifetime' } })
    }
  })

  it('ends when it was idle for its time-out', async () => {
    const { clock, gone } = await open()
    await clock.advance(15 * MINUTE_MS - 1)
    expect(gone()).toBeUndefined()
    await clock.advance(1)
    expect(gone()).toBe('idle')
  })

  it.each<[string, (core: Awaited<ReturnType<typeof open>>) => Promise<unknown>]>([
    ['a command', ({ commands, id }) => commands.run(id, { command: 'true' })],
    ['a file operation', ({ files, id }) => files.stat(id, Buffer.from('/'))],
    ['a new session', ({ sessions, id }) => sessions.open(id, { name: 'next' })],
  ])('is kept alive by %s', async (_use, use) => {
    const core = await open()
    await core.clock.advance(14 * MINUTE_MS)
    await use(core)
    expect(core.sandboxes.get(core.id).lastUsedAtMs).toBe(core.clock.now())
    await core.clock.advance(15 * MINUTE_MS - 1)
    expect(core.gone()).toBeUndefined()
    await core.clock.advance(1)
    expect(core.gone()).toBe('idle')
  })

  it('is not kept alive by being looked at', async () => {
    const { clock, gone, sandboxes, sessions, commands, id } = await open()
    await clock.advance(14 * MINUTE_MS)
    sandboxes.get(id)
    await sessions.list(id)
    await commands.list(id, { limit: 1 })
    await clock.advance(MINUTE_MS)
    expect(gone()).toBe('idle')
  })

  it('is never idle while a command runs, and expires a full time-out after it', async () => {
    const { clock, gone, commands, id } = await open({ idleTimeoutMs: MINUTE_MS })
    const running = commands.run(id, { command: 'sleep 600', timeoutMs: HOUR_MS })
    await clock.advance(10 * MINUTE_MS)
    expect((await running).outcome).toEqual({ type: 'exited', exitCode: 0 })
    await clock.advance(MINUTE_MS - 1)
    expect(gone()).toBeUndefined()
    await clock.advance(1)
    expect(gone()).toBe('idle')
  })

  it('is never idle while a background command runs', async () => {
    const { clock, gone, commands, id } = await open({ idleTimeoutMs: MINUTE_MS })
    await commands.runInBackground(id, { argv: ['sleep', '600'], timeoutMs: HOUR_MS })
    await clock.advance(10 * MINUTE_MS)
    expect(gone()).toBeUndefined()
    await clock.advance(MINUTE_MS)
    expect(gone()).toBe('idle')
  })

  it('is never idle while somebody reads a file', async () => {
    const { clock, gone, files, id } = await open({ idleTimeoutMs: MINUTE_MS })
    await files.write(id, Buffer.from('big'), Buffer.alloc(200_000), {})
    const { content } = await files.read(id, Buffer.from('big'))
    const slices = content[Symbol.asyncIterator]()
    await slices.next()
    await clock.advance(10 * MINUTE_MS)
    expect(gone()).toBeUndefined()
    await slices.return?.()
    await clock.advance(MINUTE_MS)
    expect(gone()).toBe('idle')
  })

  it('that ends with its lifetime ends its commands with that reason, their output kept', async () => {
    const { clock, commands, id } = await open({ lifetimeMs: MINUTE_MS })
    const running = commands.run(id, { command: 'echo begun; sleep 600', timeoutMs: HOUR_MS })
    const waiting = commands.run(id, { command: 'echo never' })
    await clock.advance(MINUTE_MS)
    expect(await running).toMatchObject({ outcome: { type: 'killed', by: 'lifetime' } })
    expect(Buffer.from((await running).stdout ?? []).toString()).toBe('begun\n')
    expect(await waiting).toMatchObject({ outcome: { type: 'killed', by: 'lifetime' }, durationMs: 0 })
  })

  it('has a new lifetime, counted from then, when it is updated', async () => {
    const { clock, gone, sandboxes, id } = await open({ lifetimeMs: 10 * MINUTE_MS })
    await clock.advance(5 * MINUTE_MS)
    const { expiresAtMs } = await sandboxes.update(id, { lifetimeMs: 7 * MINUTE_MS })
    expect(expiresAtMs).toBe(clock.now() + 7 * MINUTE_MS)
    await clock.advance(7 * MINUTE_MS - 1)
    expect(gone()).toBeUndefined()
    await clock.advance(1)
    expect(gone()).toBe('lifetime')
  })

  it('has a new idle time-out at once when it is updated', async () => {
    const { clock, gone, sandboxes, id } = await open()
    await sandboxes.update(id, { idleTimeoutMs: 1000 })
    await clock.advance(1000)
    expect(gone()).toBe('idle')
  })

  it('does not notice that the wall clock is set anew', async () => {
    const { clock, gone } = await open()
    clock.jump(24 * HOUR_MS)
    await clock.advance(15 * MINUTE_MS - 1)
    expect(gone()).toBeUndefined()
    clock.jump(-48 * HOUR_MS)
    await clock.advance(1)
    expect(gone()).toBe('idle')
  })

  it('leaves a tombstone in the place of its record', async () => {
    const { clock, store, id } = await open({ lifetimeMs: 1 })
    await clock.advance(1)
    expect(await store.records('here')).toEqual([])
    expect(await store.tombstones('here', clock.now())).toEqual([
      { id, node: 'here', reason: 'lifetime', untilMs: clock.now() + HOUR_MS },
    ])
  })

  it('has one timer, however many commands it runs', async () => {
    const { clock, commands, id } = await open()
    for (let times = 0; times < 10; times++) await commands.run(id, { command: 'true' })
    expect(clock.pending).toBe(1)
  })
})
