import type { CommandId, SandboxId, SessionName } from '../ids.ts'
import type { CommandOutcome, CommandRecord, CommandRequest, OutputStream } from '../command/command.ts'
import type { FileEntry, FileOpened, FilePath } from '../file/file.ts'
import type { Isolation, ResolvedSandboxSpec } from '../sandbox/sandbox.ts'

/**
 * What makes sandboxes. Core talks to every driver through these verbs only and asks facts, never names.
 * All failures are `CoreError`; how a command ended is never one.
 */
export interface SandboxDriver {
  readonly name: string
  readonly capabilities: DriverCapabilities
  /** Makes the driver usable and tells what already lives (after a restart of the server). Called once. */
  start(listener: DriverListener): Promise<readonly LivingSandbox[]>
  /** Resolves when PID 1 answers. On rejection nothing of the sandbox is left. */
  create(id: SandboxId, spec: ResolvedSandboxSpec): Promise<Isolation>
  /** Resolves when nothing of it is left. An unknown id resolves too: destroy twice is one destroy. */
  destroy(id: SandboxId): Promise<void>

  /** Starts the session's shell. `session.exists` when it lives already. */
  openSession(id: SandboxId, session: SessionName, start: SessionStart): Promise<void>
  /** Kills the shell and its running command. `session.not_found` for an unknown one. */
  closeSession(id: SandboxId, session: SessionName): Promise<void>

  /** Runs to the end. One at a time per session: core queues. */
  run(id: SandboxId, request: CommandRequest): Promise<CommandRecord>
  /** Resolves when the command has started; `onFinished` of the listener tells its end. */
  runInBackground(id: SandboxId, request: CommandRequest): Promise<void>
  /** With the kept output. `command.not_found`. */
  command(id: SandboxId, command: CommandId): Promise<CommandRecord>
  /** All that are remembered, oldest first, without output. */
  commands(id: SandboxId): Promise<readonly CommandRecord[]>
  /** Kills the whole tree; resolves when its end is told. `command.not_found`; `command.finished` when it has ended already. */
  kill(id: SandboxId, command: CommandId, by: string): Promise<void>
  signal(id: SandboxId, command: CommandId, signal: number): Promise<void>
  writeStdin(id: SandboxId, command: CommandId, bytes: Uint8Array, eof: boolean): Promise<void>

  readonly files: DriverFiles

  status(): Promise<DriverStatus>
  /** `leave`: the sandboxes live on for the next server (if the driver can). `end`: everything ends. Safe to call twice. */
  close(how: 'leave' | 'end'): Promise<void>
}

export interface DriverCapabilities {
  /** Default `false`: a restart of the server ends its sandboxes. */
  readonly survivesRestart: boolean
}

/** What a driver tells without being asked. */
export interface DriverListener {
  /** The sandbox ended by itself, or with its driver. */
  onLost(id: SandboxId, reason: string): void
  /** A background command, or one adopted while it ran, ended. */
  onFinished(id: SandboxId, record: CommandRecord): void
}

export interface SessionStart {
  readonly cwd: Uint8Array
  /** Complete: nothing is added but what the shell itself sets. */
  readonly env: Readonly<Record<string, string>>
}

export interface LivingSandbox {
  readonly id: SandboxId
  readonly isolation: Isolation
  readonly sessions: readonly { readonly name: SessionName; readonly cwd: Uint8Array }[]
  readonly running: readonly CommandRecord[]
  readonly createdAtMs: number
  readonly lastUsedAtMs: number
}

/** Done inside the sandbox, as its user. Paths are absolute bytes. Codes: `file.*`. */
export interface DriverFiles {
  stat(id: SandboxId, path: FilePath, options: { readonly follow: boolean }): Promise<FileEntry>
  /** Sorted by path bytes, those behind `after`. */
  list(
    id: SandboxId,
    path: FilePath,
    options: { readonly depth: number; readonly limit: number; readonly after?: FilePath },
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly more: boolean }>
  /** The content comes slice by slice as it is asked for; leaving the iteration early closes the file. */
  open(
    id: SandboxId,
    path: FilePath,
    range?: { readonly offset: number; readonly length?: number },
  ): Promise<FileOpened>
  /** Whole or not at all: a failing or ended `content` leaves the old file. */
  put(
    id: SandboxId,
    path: FilePath,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options: { readonly mode?: number },
  ): Promise<FileEntry>
  remove(id: SandboxId, path: FilePath, options: { readonly recursive: boolean }): Promise<void>
  mkdir(id: SandboxId, path: FilePath, options: { readonly mode?: number }): Promise<void>
  move(id: SandboxId, from: FilePath, to: FilePath, options: { readonly overwrite: boolean }): Promise<void>
}

export interface DriverStatus {
  readonly sandboxes: number
  /** What the driver says of itself for `/v1/node`: version, process id, host facts. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
}

export type { CommandOutcome, OutputStream }
