import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import type { SandboxId } from '../../core/ids.ts'
import type { Move, SandboxRecord, Store, Tombstone } from '../../core/ports/store.ts'
import { mayMove } from '../../core/sandbox/life.ts'
import { GroupCommit } from './group-commit.ts'
import { prepare } from './schema.ts'
import { statements, type Statements } from './statements.ts'
import { storeError } from './store-error.ts'

export interface EmbeddedStoreOptions {
  readonly path: string
  /** The file grows no larger: `store.disk_full` beyond. Default: as the disk allows. */
  readonly maxBytes?: number
}

/** SQLite's page size where nothing else was asked for. */
const PAGE_BYTES = 4096

/** Records in one SQLite file, which nobody but its owner can read: environments of sandboxes stand in it. */
export class EmbeddedStore implements Store {
  readonly #database: DatabaseSync
  readonly #sql: Statements
  readonly #commit: GroupCommit

  /** Opens the file or makes it. `runtime.unavailable` where it is damaged, foreign, or cannot be written. */
  static open(options: EmbeddedStoreOptions): EmbeddedStore {
    try {
      mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 })
      closeSync(openSync(options.path, 'a', 0o600))
      return new EmbeddedStore(options)
    } catch (error) {
      throw storeError(error)
    }
  }

  private constructor({ path, maxBytes }: EmbeddedStoreOptions) {
    this.#database = new DatabaseSync(path)
    try {
      prepare(this.#database)
      if (maxBytes !== undefined) this.#database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`)
      this.#sql = statements(this.#database)
    } catch (error) {
      this.#database.close()
      throw error
    }
    this.#commit = new GroupCommit(this.#database)
  }

  insert(record: SandboxRecord): Promise<boolean> {
    const { id, node, incarnation, revision, state, createdAtMs, expiresAtMs } = record
    const body = JSON.stringify(record)
    return this.#changes(() => {
      return this.#sql.insert.run(id, node, incarnation, revision, state, createdAtMs, expiresAtMs, body, id)
    })
  }

  async get(id: SandboxId): Promise<SandboxRecord | undefined> {
    const row = this.#read(() => this.#sql.get.get(id))
    return row === undefined ? undefined : toRecord(row)
  }

  update(record: SandboxRecord): Promise<boolean> {
    const { id, incarnation, revision, state, expiresAtMs } = record
    const body = JSON.stringify(record)
    return this.#changes(() => this.#sql.update.run(revision, expiresAtMs, body, id, incarnation, revision - 1, state))
  }

  async move(id: SandboxId, { from, to, incarnation }: Move): Promise<boolean> {
    return mayMove(from, to) && this.#changes(() => this.#sql.move.run(to, id, incarnation, from))
  }

  remove(id: SandboxId, incarnation: number): Promise<boolean> {
    return this.#changes(() => this.#sql.remove.run(id, incarnation))
  }

  bury({ id, node, reason, untilMs }: Tombstone, incarnation: number): Promise<boolean> {
    return this.#changes(() => {
      const removed = this.#sql.remove.run(id, incarnation)
      if (removed.changes !== 0) this.#sql.bury.run(id, node, reason, untilMs)
      return removed
    })
  }

  async records(node: string): Promise<readonly SandboxRecord[]> {
    return this.#read(() => this.#sql.records.all(node)).map(toRecord)
  }

  async expired(node: string, nowMs: number): Promise<readonly SandboxId[]> {
    return this.#read(() => this.#sql.expired.all(node, nowMs)).map((row) => row.id as SandboxId)
  }

  async tombstones(node: string, nowMs: number): Promise<readonly Tombstone[]> {
    return this.#read(() => this.#sql.tombstones.all(node, nowMs)) as unknown as Tombstone[]
  }

  async forget(nowMs: number): Promise<void> {
    await this.#changes(() => this.#sql.forget.run(nowMs))
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return
    this.#commit.flush()
    this.#database.close()
  }

  async #changes(change: () => { readonly changes: number | bigint }): Promise<boolean> {
    return (await this.#commit.write(change)).changes !== 0
  }

  #read<T>(query: () => T): T {
    try {
      return query()
    } catch (error) {
      throw storeError(error)
    }
  }
}

interface Row {
  readonly state?: unknown
  readonly body?: unknown
}

/** The state has a column of its own, which `move` changes without touching the rest. */
function toRecord({ state, body }: Row): SandboxRecord {
  const record = JSON.parse(body as string) as SandboxRecord
  return { ...record, state: state as SandboxRecord['state'], sessions: record.sessions.map(withCwd) }
}

/** JSON has no `undefined`. */
const withCwd = (session: SandboxRecord['sessions'][number]) => ({ ...session, cwd: session.cwd })
