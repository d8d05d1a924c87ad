import type { SandboxId, SessionName } from '../ids.ts'
import type { ResolvedSandboxSpec, SandboxState } from '../sandbox/sandbox.ts'

/**
 * What must be known again after a restart: which sandboxes should live, and which have ended.
 * A promise that resolves is durable. Every change is one step that compares and sets; `false` says that the record is
 * no longer the one that was meant. Failures are `CoreError`: `store.disk_full`, else `runtime.unavailable`.
 */
export interface Store {
  /** `false` when the id is taken, by a record or by a tombstone. */
  insert(record: SandboxRecord): Promise<boolean>
  get(id: SandboxId): Promise<SandboxRecord | undefined>
  /** Takes the place of revision `record.revision - 1` of the same incarnation in the same state. */
  update(record: SandboxRecord): Promise<boolean>
  /** Changes the state, only along `NEXT_STATES`, of this incarnation in the state `from`. */
  move(id: SandboxId, move: Move): Promise<boolean>
  /** Forgets a record in any state. */
  remove(id: SandboxId, incarnation: number): Promise<boolean>
  /** Puts a tombstone in the place of a record in any state. */
  bury(tombstone: Tombstone, incarnation: number): Promise<boolean>
  /** All records of a node, oldest first. */
  records(node: string): Promise<readonly SandboxRecord[]>
  /** Running sandboxes of a node whose lifetime is over at `nowMs`. */
  expired(node: string, nowMs: number): Promise<readonly SandboxId[]>
  /** All of a node that hold beyond `nowMs`, the first to end first. */
  tombstones(node: string, nowMs: number): Promise<readonly Tombstone[]>
  /** Drops the tombstones of all nodes that no longer hold at `nowMs`. */
  forget(nowMs: number): Promise<void>
  /** Safe to call twice. */
  close(): Promise<void>
}

export interface Move {
  readonly from: SandboxState
  readonly to: SandboxState
  readonly incarnation: number
}

/** A sandbox as it is remembered. */
export interface SandboxRecord {
  readonly id: SandboxId
  /** Which machine's server owns it. */
  readonly node: string
  /** Which life of this id: an operation that means another one is refused. */
  readonly incarnation: number
  /** Raised by one with every `update`. */
  readonly revision: number
  readonly state: SandboxState
  readonly spec: ResolvedSandboxSpec
  readonly template: string
  readonly image: string | null
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly metadata: Readonly<Record<string, string>>
  /** Those opened by name; every sandbox has `main` besides. */
  readonly sessions: readonly SessionRecord[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly idleTimeoutMs: number
}

export interface SessionRecord {
  readonly name: SessionName
  /** `undefined`: the sandbox's. */
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly createdAtMs: number
}

/** Why a sandbox is no more. */
export interface Tombstone {
  readonly id: SandboxId
  readonly node: string
  readonly reason: string
  readonly untilMs: number
}
