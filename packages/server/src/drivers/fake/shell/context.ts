import type { Clock } from '../../../core/clock.ts'
import type { FakeTree } from '../files/fake-tree.ts'
import type { Input } from './input.ts'
import type { KillSwitch } from './kill-switch.ts'
import type { ShellState } from './shell-state.ts'

/** What a program has at hand. */
export interface Context {
  readonly state: ShellState
  readonly tree: FakeTree
  readonly clock: Clock
  readonly stdin: Input
  readonly stdout: (bytes: Uint8Array) => void
  readonly stderr: (bytes: Uint8Array) => void
  readonly killSwitch: KillSwitch
  /** A job of the shell begins; it outlives the text. */
  readonly onJob: (job: Job) => void
  /** Runs another text, for `sh -c`. */
  readonly evaluate: (text: string, context: Context) => Promise<number>
}

export interface Job {
  readonly killSwitch: KillSwitch
  readonly done: Promise<void>
}

/** `exit`: the text ends, the state stays. */
export class Exit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}
