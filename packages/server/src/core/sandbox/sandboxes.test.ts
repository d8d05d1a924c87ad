import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../../drivers/fake/index.ts'
import { MemoryStore } from '../../store/memory/memory-store.ts'
import type { CreateSandbox } from '../core.ts'
import { createCore, type CoreOptions } from '../create-core.ts'
import { FakeClock } from '../fake-clock.ts'

const DAY_MS = 86_400_000
const MIB = 1024 ** 2

async function open(options: Partial<CoreOptions> = {}) {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const store = new MemoryStore()
  const core = await createCore({ driver: createFakeDriver(machine), store, clock, node: 'here', ...options })
  return { ...core, node: () => core.node(), clock, machine, store }
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

describe('a new sandbox', () => {
  it('has the defaults', async () => {
    const { sandboxes, clock } = await open()
    expect(await sandboxes.create({})).toMatchObject({
      state: 'running',
      template: 'default',
      image: null,
      user: 'sandboxuser',
      cwd: '/workspace',
      env: {},
      limits: { memoryBytes: 512 * MIB, cpus: 1, pids: 256, diskBytes: 1024 * MIB, nofile: 1024 },
      network: { mode: 'none' },
      metadata: {},
      sessions: ['main'],
      createdAtMs: clock.now(),
      expiresAtMs: clock.now() + DAY_MS,
      idleTimeoutMs: 15 * 60_000,
      node: 'here',
    })
  })

  it('has its files, with their parents, before its setup runs', async () => {
    const { sandboxes, commands } = await open()
    const files = new Map([['a/b.txt', Buffer.from('from file')]])
    const { id } = await sandboxes.create({ files, setup: ['cat a/b.txt > copy', 'X=1'] })
    expect(text((await commands.run(id, { command: 'cat copy; echo $X' })).stdout)).toBe('from file1\n')
  })

  it('has its env in every shell and argv', async () => {
    const { sandboxes, commands } = await open()
    const { id } = await sandboxes.create({ env: { A: '1' } })
    expect(text((await commands.run(id, { command: 'echo $A' })).stdout)).toBe('1\n')
    expect(text((await commands.run(id, { argv: ['env'] })).stdout)).toContain('A=1\n')
  })

  it('whose setup fails is not made, tells why, and leaves nothing', async () => {
    const { sandboxes, machine, store } = await open()
    const creating = sandboxes.create({ setup: ['echo fine', 'echo bad >&2; exit 3', 'echo never'] })
    await expect(creating).rejects.toMatchObject({
      code: 'sandbox.setup_failed',
      details: { command: 'echo bad >&2; exit 3', outcome: { type: 'exited', exitCode: 3 }, stderr: 'bad\n' },
    })
    expect([machine.size, sandboxes.list({ limit: 1 }).items, await store.records('here')]).toEqual([0, [], []])
  })

  it('whose file cannot be written is not made and leaves nothing', async () => {
    const { sandboxes, machine } = await open()
    const files = new Map([['/usr/bin/env', Buffer.from('x')]])
    await expect(sandboxes.create({ files })).rejects.toMatchObject({ code: 'file.read_only' })
    expect([machine.size, sandboxes.list({ limit: 1 }).items]).toEqual([0, []])
  })

  it('that the store cannot keep is not made and leaves nothing', async () => {
    const store = new MemoryStore()
    store.insert = () => Promise.reject(new Error('the disk is full'))
    const { sandboxes, machine } = await open({ store })
    await expect(sandboxes.create({})).rejects.toThrow('the disk is full')
    expect([machine.size, sandboxes.list({ limit: 1 }).items]).toEqual([0, []])
  })

  it.each<[string, CreateSandbox]>([
    ['template', { template: 'nope' }],
    ['image', { image: 'debian' }],
    ['env', { env: { 'a=b': '1' } }],
    ['cwd', { cwd: '' }],
    ['cwd', { cwd: 'a\0b' }],
    ['limits.memory_bytes', { limits: { memoryBytes: 1 } }],
    ['limits.cpus', { limits: { cpus: 0 } }],
    ['limits.cpus', { limits: { cpus: Number.NaN } }],
    ['limits.pids', { limits: { pids: 1.5 + 4 } }],
    ['limits.disk_bytes', { limits: { diskBytes: -1 } }],
    ['limits.nofile', { limits: { nofile: 1 } }],
    ['lifetime_ms', { lifetimeMs: DAY_MS + 1 }],
    ['idle_timeout_ms', { idleTimeoutMs: 0 }],
    ['metadata', { metadata: { a: 'x'.repeat(70_000) } }],
  ])('with a wrong %s is refused by that name, before anything is made', async (field, options) => {
    const { sandboxes, machine } = await open()
    await expect(sandboxes.create(options)).rejects.toMatchObject({ code: 'request.invalid', details: { field } })
    expect(machine.size).toBe(0)
  })

  it('beyond the allowed number is refused until one is gone', async () => {
    const { sandboxes } = await open({ limits: { sandboxes: 1 } })
    const { id } = await sandboxes.create({})
    await expect(sandboxes.create({})).rejects.toMatchObject({ code: 'limit.exceeded', details: { max: 1 } })
    await sandboxes.delete(id)
    await sandboxes.create({})
  })
})

describe('a list of sandboxes', () => {
  it('comes in pages, oldest first', async () => {
    const { sandboxes, clock } = await open()
    const ids: string[] = []
    for (let made = 0; made < 5; made++) {
      ids.push((await sandboxes.create({})).id)
      await clock.advance(1)
    }
    const first = sandboxes.list({ limit: 3 })
    const second = sandboxes.list({ limit: 3, cursor: first.nextCursor ?? '' })
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids)
    expect(second.nextCursor).toBeNull()
  })

  it('holds those with all the metadata and the state that is asked for', async () => {
    const { sandboxes } = await open()
    const { id } = await sandboxes.create({ metadata: { team: 'a', job: '1' } })
    await sandboxes.create({ metadata: { team: 'a', job: '2' } })
    const found = (metadata: Record<string, string>) => sandboxes.list({ limit: 9, metadata }).items
    expect(found({ team: 'a', job: '1' }).map((sandbox) => sandbox.id)).toEqual([id])
    expect([found({ team: 'a' }).length, found({ constructor: 'x' }).length]).toEqual([2, 0])
    expect(sandboxes.list({ limit: 9, state: 'stopped' }).items).toEqual([])
  })
})

describe('an update', () => {
  it('merges env and metadata, and null removes', async () => {
    const { sandboxes } = await open()
    const { id } = await sandboxes.create({ env: { A: '1', B: '2' }, metadata: { x: '1' } })
    const patch = { env: { B: null, C: '3' }, metadata: { x: null, y: '2' }, cwd: '/tmp' }
    expect(await sandboxes.update(id, patch)).toMatchObject({
      env: { A: '1', C: '3' },
      metadata: { y: '2' },
      cwd: '/tmp',
    })
  })

  it('holds for new shells and argv commands, not for the living shell', async () => {
    const { sandboxes, sessions, commands } = await open()
    const { id } = await sandboxes.create({ env: { A: 'old' } })
    const say = async (session: string) => text((await commands.run(id, { command: 'echo $A; pwd', session })).stdout)
    await say('main')
    await sandboxes.update(id, { env: { A: 'new' }, cwd: '/tmp' })
    await sessions.open(id, { name: 'next' })
    expect([await say('main'), await say('next')]).toEqual(['old\n/workspace\n', 'new\n/tmp\n'])
    expect(text((await commands.run(id, { argv: ['pwd'] })).stdout)).toBe('/tmp\n')
  })

  it('keeps what another one changes at the same time', async () => {
    const { sandboxes, store } = await open()
    const { id } = await sandboxes.create({})
    const names = Array.from({ length: 10 }, (_, index) => `V${index}`)
    await Promise.all(names.map((name) => sandboxes.update(id, { env: { [name]: '1' } })))
    expect(Object.keys(sandboxes.get(id).env).sort()).toEqual(names)
    expect(Object.keys((await store.get(sandboxes.get(id).id))?.env ?? {})).toHaveLength(10)
  })

  it('that is refused changes nothing', async () => {
    const { sandboxes } = await open()
    const { id } = await sandboxes.create({})
    const updating = sandboxes.update(id, { env: { A: '1' }, lifetimeMs: -1 })
    await expect(updating).rejects.toMatchObject({ details: { field: 'lifetime_ms' } })
    expect(sandboxes.get(id).env).toEqual({})
  })
})

describe('a deleted sandbox', () => {
  it('is not found, a second time too, and nothing of it is left', async () => {
    const { sandboxes, commands, files, machine, store } = await open()
    const { id } = await sandboxes.create({})
    await sandboxes.delete(id)
    const gone = { code: 'sandbox.not_found' }
    await expect(sandboxes.delete(id)).rejects.toMatchObject(gone)
    expect(() => sandboxes.get(id)).toThrow(expect.objectContaining(gone))
    await expect(commands.run(id, { command: 'true' })).rejects.toMatchObject(gone)
    await expect(files.stat(id, Buffer.from('/'))).rejects.toMatchObject(gone)
    expect([machine.size, await store.records('here')]).toEqual([0, []])
  })

  it.each(['', 'x', 'sbx_', '__proto__', 'sbx_\0', 'sbx_000000000000000000000000'])(
    'named %j never was',
    async (id) => {
      const { sandboxes } = await open()
      expect(() => sandboxes.get(id)).toThrow(expect.objectContaining({ code: 'sandbox.not_found' }))
      await expect(sandboxes.delete(id)).rejects.toMatchObject({ code: 'sandbox.not_found' })
    },
  )
})

describe('the node', () => {
  it('tells what runs and waits', async () => {
    const { sandboxes, commands, node, clock } = await open({ limits: { commandsRunning: 1 } })
    const { id } = await sandboxes.create({})
    const running = [commands.run(id, { argv: ['sleep', '1'] }), commands.run(id, { argv: ['true'] })]
    expect(await node()).toMatchObject({ driver: 'fake', sandboxes: 1, commandsRunning: 1, commandsWaiting: 1 })
    await clock.advance(1000)
    await Promise.all(running)
    expect(await node()).toMatchObject({ commandsRunning: 0, commandsWaiting: 0 })
  })
})
