import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { newSandboxId, type SessionName } from '../ids.ts'
import type { SandboxRecord, Store, Tombstone } from './store.ts'

/** One place where records are kept, and ways to it. */
export interface StoreHarness {
  readonly store: Store
  /** Another writer to the same place, as a second process has it. */
  second(): Promise<Store>
  close(): Promise<void>
}

/** What core relies on; every implementation passes all of it. */
export function storeContract({ name, open }: { name: string; open: () => Promise<StoreHarness> }): void {
  describe(`store ${name}`, () => {
    let harness: StoreHarness
    let store: Store
    beforeEach(async () => {
      harness = await open()
      store = harness.store
    })
    afterEach(() => harness.close())

    it('a record comes back as it was', async () => {
      const record = aRecord({ env: { A: 'ü\n', _X: '' }, metadata: { 'a.b': '1' } })
      expect(await store.insert(record)).toBe(true)
      expect(await store.get(record.id)).toEqual(record)
    })

    it('an unknown id has no record', async () => {
      expect(await store.get(newSandboxId())).toBeUndefined()
    })

    it('insert refuses a second record of an id', async () => {
      const record = aRecord()
      await store.insert(record)
      expect(await store.insert({ ...record, cwd: '/other' })).toBe(false)
      expect(await store.get(record.id)).toEqual(record)
    })

    it('insert refuses the id of a tombstone', async () => {
      const record = aRecord()
      await store.insert(record)
      await store.bury(tombstoneOf(record), 1)
      expect(await store.insert(record)).toBe(false)
    })

    it('update takes the place of the revision before', async () => {
      const record = aRecord()
      await store.insert(record)
      const next = { ...record, revision: 2, cwd: '/tmp', sessions: [aSession('work')] }
      expect(await store.update(next)).toBe(true)
      expect(await store.get(record.id)).toEqual(next)
    })

    it('update refuses a revision that is not the next', async () => {
      const record = aRecord()
      await store.insert(record)
      expect(await store.update({ ...record, revision: 1 })).toBe(false)
      expect(await store.update({ ...record, revision: 3 })).toBe(false)
    })

    it('update refuses another incarnation, another state and an unknown id', async () => {
      const record = aRecord()
      expect(await store.update({ ...record, revision: 2 })).toBe(false)
      await store.insert(record)
      expect(await store.update({ ...record, revision: 2, incarnation: 2 })).toBe(false)
      expect(await store.update({ ...record, revision: 2, state: 'stopped' })).toBe(false)
    })

    it('move goes along the life cycle once', async () => {
      const record = aRecord()
      await store.insert(record)
      const move = { from: 'running', to: 'stopped', incarnation: 1 } as const
      expect(await store.move(record.id, move)).toBe(true)
      expect(await store.move(record.id, move)).toBe(false)
      expect((await store.get(record.id))?.state).toBe('stopped')
    })

    it('move refuses what the life cycle does not know', async () => {
      const record = aRecord()
      await store.insert(record)
      expect(await store.move(record.id, { from: 'running', to: 'creating', incarnation: 1 })).toBe(false)
    })

    it('move, remove and bury refuse another incarnation', async () => {
      const record = aRecord({ incarnation: 2 })
      await store.insert(record)
      expect(await store.move(record.id, { from: 'running', to: 'stopped', incarnation: 1 })).toBe(false)
      expect(await store.remove(record.id, 1)).toBe(false)
      expect(await store.bury(tombstoneOf(record), 1)).toBe(false)
      expect(await store.get(record.id)).toEqual(record)
    })

    it('a removed record is gone, and its id is free', async () => {
      const record = aRecord()
      await store.insert(record)
      expect(await store.remove(record.id, 1)).toBe(true)
      expect(await store.remove(record.id, 1)).toBe(false)
      expect(await store.get(record.id)).toBeUndefined()
      expect(await store.insert(record)).toBe(true)
    })

    it('bury puts a tombstone in the place of a record', async () => {
      const record = aRecord()
      await store.insert(record)
      expect(await store.bury(tombstoneOf(record), 1)).toBe(true)
      expect(await store.get(record.id)).toBeUndefined()
      expect(await store.tombstones('here', 0)).toEqual([tombstoneOf(record)])
    })

    it('a record is buried once', async () => {
      const record = aRecord()
      await store.insert(record)
      await store.bury(tombstoneOf(record), 1)
      expect(await store.bury({ ...tombstoneOf(record), reason: 'idle' }, 1)).toBe(false)
    })

    it('records come by node, oldest first', async () => {
      const [young, old, far] = [aRecord({ createdAtMs: 20 }), aRecord({ createdAtMs: 10 }), aRecord({ node: 'there' })]
      for (const record of [young, old, far]) await store.insert(record)
      expect(await store.records('here')).toEqual([old, young])
      expect(await store.records('there')).toEqual([far])
    })

    it('expired names the running ones of a node whose lifetime is over', async () => {
      const over = aRecord({ expiresAtMs: 100 })
      const others = [
        aRecord({ expiresAtMs: 101 }),
        aRecord({ expiresAtMs: 100, state: 'stopped' }),
        aRecord({ expiresAtMs: 100, node: 'there' }),
      ]
      for (const record of [over, ...others]) await store.insert(record)
      expect(await store.expired('here', 100)).toEqual([over.id])
    })

    it('tombstones hold until their time, and are forgotten after it', async () => {
      const records = [aRecord(), aRecord()] as const
      for (const record of records) await store.insert(record)
      await store.bury({ ...tombstoneOf(records[0]), untilMs: 200 }, 1)
      await store.bury({ ...tombstoneOf(records[1]), untilMs: 100 }, 1)
      expect((await store.tombstones('here', 0)).map(({ untilMs }) => untilMs)).toEqual([100, 200])
      expect((await store.tombstones('here', 100)).map(({ untilMs }) => untilMs)).toEqual([200])
      await store.forget(100)
      expect((await store.tombstones('here', 0)).map(({ untilMs }) => untilMs)).toEqual([200])
      expect(await store.insert(records[1])).toBe(true)
    })

    it('of two writers that insert one id, one succeeds', async () => {
      const other = await harness.second()
      for (let round = 0; round < 20; round++) {
        const record = aRecord()
        const answers = await Promise.all([
          store.insert({ ...record, cwd: '/a' }),
          other.insert({ ...record, cwd: '/b' }),
        ])
        expect(answers.filter(Boolean)).toHaveLength(1)
      }
      await other.close()
    })

    it('of two writers that end one sandbox, one succeeds', async () => {
      const other = await harness.second()
      for (let round = 0; round < 20; round++) {
        const record = aRecord()
        await store.insert(record)
        const moved = store.move(record.id, { from: 'running', to: 'stopped', incarnation: 1 })
        const answers = await Promise.all([
          moved,
          other.move(record.id, { from: 'running', to: 'stopped', incarnation: 1 }),
        ])
        expect(answers.filter(Boolean)).toHaveLength(1)
        const ended = await Promise.all([store.remove(record.id, 1), other.bury(tombstoneOf(record), 1)])
        expect(ended.filter(Boolean)).toHaveLength(1)
      }
      await other.close()
    })

    it('no change is lost between two writers that read, change and retry', async () => {
      const other = await harness.second()
      const record = aRecord()
      await store.insert(record)
      await Promise.all([count(store, record, 'a', 20), count(other, record, 'b', 20)])
      expect((await store.get(record.id))?.metadata).toEqual({ a: '20', b: '20' })
      await other.close()
    })

    it('close twice is one close', async () => {
      await store.close()
      await store.close()
    })
  })
}

async function count(store: Store, { id }: SandboxRecord, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const record = await store.get(id)
    if (record === undefined) throw new Error('the record is gone')
    const metadata = { ...record.metadata, [key]: String(done + 1) }
    if (await store.update({ ...record, metadata, revision: record.revision + 1 })) done++
  }
}

/** A record to try a store with. */
export function aRecord(fields: Partial<SandboxRecord> = {}): SandboxRecord {
  return {
    id: newSandboxId(),
    node: 'here',
    incarnation: 1,
    revision: 1,
    state: 'running',
    spec: {
      user: 'sandboxuser',
      hostname: 'sandbox',
      limits: { memoryBytes: 1, cpus: 0.5, pids: 1, diskBytes: 1, nofile: 1 },
    },
    template: 'default',
    image: null,
    env: {},
    cwd: '/workspace',
    metadata: {},
    sessions: [],
    createdAtMs: 1,
    expiresAtMs: 1000,
    idleTimeoutMs: 1,
    ...fields,
  }
}

const aSession = (name: string) => ({ name: name as SessionName, cwd: undefined, env: { X: '1' }, createdAtMs: 5 })

const tombstoneOf = ({ id, node }: SandboxRecord): Tombstone => ({ id, node, reason: 'lifetime', untilMs: 5000 })
