import type { CommandId, SessionName } from '../ids.ts'

export type OutputStream = 'stdout' | 'stderr'

/** How a command ended. Every variant is a normal answer (HTTP 200), never a thrown error. */
export type CommandOutcome =
  | { readonly type: 'exited'; readonly exitCode: number }
  | { readonly type: 'signalled'; readonly signal: string }
  | { readonly type: 'timed_out'; readonly limitMs: number }
  | { readonly type: 'out_of_memory'; readonly limitBytes: number }
  | { readonly type: 'killed'; readonly by: string }
  | { readonly type: 'lost'; readonly reason: string }

/** What is executed. */
export type Program =
  | { readonly type: 'session'; readonly session: SessionName; readonly text: string }
  | { readonly type: 'shell'; readonly text: string }
  | { readonly type: 'argv'; readonly argv: readonly string[] }

/** A command with every default filled in, as a driver takes it. */
export interface CommandRequest {
  readonly id: CommandId
  readonly program: Program
  /** In a session: for this command only, put back afterwards; `undefined` stays. Else: where it runs. */
  readonly cwd: Uint8Array | undefined
  /** In a session: added for this command only. Else: the complete environment. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: Uint8Array | undefined
  /** Background only: standard input stays open for `writeStdin`. */
  readonly stdinOpen: boolean
  readonly timeoutMs: number
  /** Kept of each stream: half as head, half as tail. */
  readonly maxBytes: number
  readonly merge: boolean
  readonly background: boolean
  /** Never in a session. */
  readonly uid: number | undefined
  readonly limits: CommandLimits
}

export interface CommandLimits {
  readonly cpuMs?: number
  readonly memoryBytes?: number
  readonly fileBytes?: number
  readonly nofile?: number
}

/** A command as it is remembered. `outcome` is `undefined` while it runs. */
export interface CommandRecord {
  readonly id: CommandId
  readonly program: Program
  readonly background: boolean
  readonly outcome: CommandOutcome | undefined
  readonly oom: boolean
  /** Head and tail, joined; `undefined` where the kept output was dropped for want of room. */
  readonly stdout: Uint8Array | undefined
  readonly stderr: Uint8Array | undefined
  /** Bytes dropped between head and tail. */
  readonly stdoutDropped: number
  readonly stderrDropped: number
  readonly startedAtMs: number
  readonly durationMs: number
  readonly usage: CommandUsage
  /** After the command; `undefined` for `argv`. */
  readonly cwd: Uint8Array | undefined
  readonly backgroundLeft: boolean
  readonly sessionRestarted: boolean
}

/** The receipt: what a command cost. */
export interface CommandUsage {
  readonly cpuUserMs: number
  readonly cpuSystemMs: number
  readonly maxRssBytes: number
}
