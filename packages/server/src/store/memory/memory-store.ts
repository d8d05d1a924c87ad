import type { SandboxId } from '../../core/ids.ts'
import type { Move, SandboxRecord, Store, Tombstone } from '../../core/ports/store.ts'
import { mayMove } from '../../core/sandbox/life.ts'

/** What several memory stores can share, as several servers share a database. */
export class MemoryTables {
  readonly records = new Map<SandboxId, SandboxRecord>()
  readonly tombstones = new Map<SandboxId, Tombstone>()
}

/** Remembers as long as its process lives. */
export class MemoryStore implements Store {
  readonly #tables: MemoryTables

  constructor(tables = new MemoryTables()) {
    this.#tables = tables
  }

  async insert(record: SandboxRecord): Promise<boolean> {
    const { records, tombstones } = this.#tables
    if (records.has(record.id) || tombstones.has(record.id)) return false
    records.set(record.id, structuredClone(record))
    return true
  }

  async get(id: SandboxId): Promise<SandboxRecord | undefined> {
    return structuredClone(this.#tables.records.get(id))
  }

  async update(record: SandboxRecord): Promise<boolean> {
    const { records } = this.#tables
    const stored = this.#same(record.id, record.incarnation)
    if (stored?.revision !== record.revision - 1 || stored.state !== record.state) return false
    records.set(record.id, structuredClone(record))
    return true
  }

  async move(id: SandboxId, { from, to, incarnation }: Move): Promise<boolean> {
    const stored = this.#same(id, incarnation)
    if (stored?.state !== from || !mayMove(from, to)) return false
    this.#tables.records.set(id, { ...stored, state: to })
    return true
  }

  async remove(id: SandboxId, incarnation: number): Promise<boolean> {
    return this.#same(id, incarnation) !== undefined && this.#tables.records.delete(id)
  }

  async bury(tombstone: Tombstone, incarnation: number): Promise<boolean> {
    if (!(await this.remove(tombstone.id, incarnation))) return false
    this.#tables.tombstones.set(tombstone.id, structuredClone(tombstone))
    return true
  }

  async records(node: string): Promise<readonly SandboxRecord[]> {
    const own = [...this.#tables.records.values()].filter((record) => record.node === node)
    return structuredClone(own.sort((a, b) => a.createdAtMs - b.createdAtMs || compare(a.id, b.id)))
  }

  async expired(node: string, nowMs: number): Promise<readonly SandboxId[]> {
    const running = (await this.records(node)).filter((record) => record.state === 'running')
    return running.filter((record) => record.expiresAtMs <= nowMs).map((record) => record.id)
  }

  async tombstones(node: string, nowMs: number): Promise<readonly Tombstone[]> {
    const own = [...this.#tables.tombstones.values()].filter((grave) => grave.node === node && grave.untilMs > nowMs)
    return structuredClone(own.sort((a, b) => a.untilMs - b.untilMs || compare(a.id, b.id)))
  }

  async forget(nowMs: number): Promise<void> {
    const { tombstones } = this.#tables
    for (const { id, untilMs } of tombstones.values()) if (untilMs <= nowMs) tombstones.delete(id)
  }

  async close(): Promise<void> {
    // Others may share the tables.
  }

  #same(id: SandboxId, incarnation: number): SandboxRecord | undefined {
    const stored = this.#tables.records.get(id)
    return stored?.incarnation === incarnation ? stored : undefined
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))
