import type { CommandLimits, CommandRecord, OutputStream } from './command/command.ts'
import type { FileEntry, FileOpened, FilePath } from './file/file.ts'
import type { SandboxId, SessionName } from './ids.ts'
import type { Sandbox, SandboxLimits, SandboxState, SandboxUser } from './sandbox/sandbox.ts'

/**
 * The product, as every dialect sees it. Built by `createCore` from a driver, a store, a clock and limits.
 * All ids come in as plain text: one that names nothing is `*.not_found`, malformed or not.
 * A sandbox that expired or was lost is `sandbox.gone` with its reason for an hour.
 */
export interface Core {
  readonly sandboxes: Sandboxes
  readonly sessions: Sessions
  readonly commands: Commands
  readonly files: Files
  /** A fresh sandbox for one command, gone afterwards. */
  runOnce(options: RunOnce): Promise<RunOnceResult>
  node(): Promise<NodeReport>
}

export interface Sandboxes {
  create(options: CreateSandbox): Promise<Sandbox>
  get(id: string): Sandbox
  list(options: {
    readonly state?: SandboxState
    readonly metadata?: Readonly<Record<string, string>>
    readonly limit: number
    readonly cursor?: string
  }): { readonly items: readonly Sandbox[]; readonly nextCursor: string | null }
  update(id: string, patch: UpdateSandbox): Promise<Sandbox>
  /** Resolves when nothing of it is left on the machine. */
  delete(id: string): Promise<void>
}

export interface CreateSandbox {
  readonly template?: string
  readonly image?: string
  readonly env?: Readonly<Record<string, string>>
  readonly files?: ReadonlyMap<string, Uint8Array>
  /** Shell texts, run in `main` one after another; the first that does not exit with 0 fails the create. */
  readonly setup?: readonly string[]
  readonly cwd?: string
  readonly user?: SandboxUser
  readonly limits?: Partial<SandboxLimits>
  readonly network?: { readonly mode: 'none' }
  readonly lifetimeMs?: number
  readonly idleTimeoutMs?: number
  readonly metadata?: Readonly<Record<string, string>>
}

export interface UpdateSandbox {
  /** `null` removes. Holds for new shells and argv commands. */
  readonly env?: Readonly<Record<string, string | null>>
  readonly cwd?: string
  /** `null` removes a key. */
  readonly metadata?: Readonly<Record<string, string | null>>
  /** Counted from now. */
  readonly lifetimeMs?: number
  readonly idleTimeoutMs?: number
}

export interface Sessions {
  open(
    sandboxId: string,
    options: { readonly name: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<SessionInfo>
  list(sandboxId: string): Promise<readonly SessionInfo[]>
  /** `main` can be closed too: its next command starts it afresh. */
  close(sandboxId: string, name: string): Promise<void>
}

export interface SessionInfo {
  readonly name: SessionName
  readonly sandboxId: SandboxId
  /** A command runs in it or waits for it. */
  readonly busy: boolean
  readonly createdAtMs: number
}

export interface RunCommand {
  /** Exactly one of `command` (shell text) and `argv`. */
  readonly command?: string
  readonly argv?: readonly string[]
  /** Of `command`: the session's name, default `main`; `null` is a fresh shell. */
  readonly session?: string | null
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: Uint8Array
  readonly timeoutMs?: number
  readonly output?: { readonly maxBytes?: number; readonly merge?: boolean }
  readonly limits?: CommandLimits
  readonly user?: SandboxUser
}

/** A record together with the sandbox that it belongs to. */
export interface Command extends CommandRecord {
  readonly sandboxId: SandboxId
}

export interface Commands {
  run(sandboxId: string, command: RunCommand): Promise<Command>
  runInBackground(sandboxId: string, command: RunCommand): Promise<Command>
  get(sandboxId: string, commandId: string): Promise<Command>
  list(
    sandboxId: string,
    options: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly Command[]; readonly nextCursor: string | null }>
  /** The kept bytes. `output.dropped` where they had to make room. */
  output(sandboxId: string, commandId: string, stream: OutputStream): Promise<Uint8Array>
  writeStdin(sandboxId: string, commandId: string, bytes: Uint8Array, eof: boolean): Promise<void>
  /** By long name (`SIGTERM`) or short (`TERM`). */
  signal(sandboxId: string, commandId: string, signal: string): Promise<void>
  kill(sandboxId: string, commandId: string): Promise<void>
}

/** Relative paths start from the sandbox's `cwd`. */
export interface Files {
  stat(sandboxId: string, path: FilePath): Promise<FileEntry>
  list(
    sandboxId: string,
    path: FilePath,
    options: { readonly depth: number; readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly FileEntry[]; readonly nextCursor: string | null }>
  read(
    sandboxId: string,
    path: FilePath,
    range?: { readonly offset: number; readonly length?: number },
  ): Promise<FileOpened>
  write(
    sandboxId: string,
    path: FilePath,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options: { readonly mode?: number },
  ): Promise<FileEntry>
  remove(sandboxId: string, path: FilePath, options: { readonly recursive: boolean }): Promise<void>
  mkdir(sandboxId: string, path: FilePath, options: { readonly mode?: number }): Promise<void>
  move(sandboxId: string, from: FilePath, to: FilePath, options: { readonly overwrite: boolean }): Promise<void>
}

export interface RunOnce
  extends
    Omit<RunCommand, 'session' | 'user'>,
    Pick<CreateSandbox, 'template' | 'image' | 'files' | 'user' | 'network'> {
  readonly sandboxLimits?: Partial<SandboxLimits>
  /** Paths whose content comes back, after the command. */
  readonly fetch?: readonly string[]
}

export interface RunOnceResult {
  readonly command: Command
  /** By the path that was asked for; `undefined` where there is no such regular file. */
  readonly files: ReadonlyMap<string, Uint8Array | undefined>
}

export interface NodeReport {
  readonly driver: string
  readonly sandboxes: number
  readonly commandsRunning: number
  readonly commandsWaiting: number
  readonly pool: { readonly ready: number }
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
}
