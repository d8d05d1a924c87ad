import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../../drivers/fake/index.ts'
import { MemoryStore } from '../../store/memory/memory-store.ts'
import { createCore } from '../create-core.ts'
import { FakeClock } from '../fake-clock.ts'

async function open(cwd = '/workspace') {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const core = await createCore({ driver: createFakeDriver(machine), store: new MemoryStore(), clock, node: 'here' })
  const { id } = await core.sandboxes.create({ cwd })
  const put = (path: string) => core.files.write(id, bytes(path), bytes('x'), {})
  return { ...core, machine, id, put }
}

const bytes = (text: string) => Buffer.from(text)
const text = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString()

describe('files', () => {
  it('begin at the cwd of the sandbox when their path is relative', async () => {
    const { files, put, id } = await open('/tmp')
    expect(text((await put('a')).path)).toBe('/tmp/a')
    await files.move(id, bytes('a'), bytes('b'), { overwrite: false })
    await files.mkdir(id, bytes('c'), {})
    const { items } = await files.list(id, bytes('.'), { depth: 1, limit: 9 })
    expect(items.map(({ path }) => text(path))).toEqual(['/tmp/b', '/tmp/c'])
    await files.remove(id, bytes('b'), { recursive: false })
    await expect(files.stat(id, bytes('b'))).rejects.toMatchObject({ code: 'file.not_found' })
  })

  it('come back as they were written', async () => {
    const { files, id } = await open()
    await files.write(id, bytes('a'), bytes('content'), { mode: 0o600 })
    const { entry, content } = await files.read(id, bytes('a'), { offset: 3 })
    expect([entry.mode, text(Buffer.concat(await Array.fromAsync(content)))]).toEqual([0o600, 'tent'])
  })

  it('are listed in pages, each once', async () => {
    const { files, put, id } = await open()
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(name)
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null;) {
      const options = { depth: 1, limit: 2, ...(cursor === undefined ? {} : { cursor }) }
      const page = await files.list(id, bytes('/workspace'), options)
      seen.push(...page.items.map(({ path }) => text(path)))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `/workspace/${name}`))
  })

  it.each([
    ['limit', { depth: 1, limit: 0 }],
    ['limit', { depth: 1, limit: 1001 }],
    ['depth', { depth: 0, limit: 1 }],
    ['depth', { depth: 1e9, limit: 1 }],
    ['cursor', { depth: 1, limit: 1, cursor: 'xx' }],
  ])('are not listed with a wrong %s', async (field, options) => {
    const { files, id } = await open()
    const listing = files.list(id, bytes('/'), options)
    await expect(listing).rejects.toMatchObject({ code: 'request.invalid', details: { field } })
  })

  it('of a sandbox that is lost meanwhile fail as such', async () => {
    const { files, sandboxes, machine, id } = await open()
    await files.write(id, bytes('big'), Buffer.alloc(500_000), {})
    const dying = async function* () {
      yield bytes('half')
      machine.crash(sandboxes.get(id).id, 'init died')
    }
    await expect(files.write(id, bytes('a'), dying(), {})).rejects.toMatchObject({
      code: 'sandbox.gone',
      details: { reason: 'lost: init died' },
    })
  })

  it('whose sender fails say what it said', async () => {
    const { files, id } = await open()
    const failing = async function* () {
      yield bytes('half')
      throw new Error('the sender is gone')
    }
    await expect(files.write(id, bytes('a'), failing(), {})).rejects.toThrow('the sender is gone')
  })
})
