/**
 * Messages between the server and the supervisor. The other half is `native/src/wire/server.rs`, with
 * `files.rs` beside it; the frames in `spec/box-protocol/` are decoded by the tests of both. Names and the
 * order of fields are those of the other side, `snake_case` written as `camelCase`.
 */

/** Raised with every change of a message; a server and a supervisor that differ refuse each other. */
export const VERSION = 1
/** Most bytes of content in one message of a file operation. */
export const SLICE_BYTES = 64 * 1024

/** Server to supervisor: each is answered by exactly one `Reply` on its channel. */
export type Request =
  | { readonly type: 'Hello'; readonly version: number }
  | { readonly type: 'Create'; readonly sandbox: string; readonly spec: SandboxSpec }
  | { readonly type: 'Destroy'; readonly sandbox: string }
  | { readonly type: 'OpenSession'; readonly sandbox: string; readonly session: string; readonly start: SessionStart }
  | { readonly type: 'CloseSession'; readonly sandbox: string; readonly session: string }
  | { readonly type: 'Run'; readonly sandbox: string; readonly command: CommandSpec }
  | { readonly type: 'Kill'; readonly sandbox: string; readonly command: string; readonly by: string }
  | { readonly type: 'Signal'; readonly sandbox: string; readonly command: string; readonly signal: number }
  | {
      readonly type: 'Stdin'
      readonly sandbox: string
      readonly command: string
      readonly bytes: Uint8Array
      readonly eof: boolean
    }
  | { readonly type: 'Command'; readonly sandbox: string; readonly command: string }
  | { readonly type: 'Commands'; readonly sandbox: string }
  | { readonly type: 'File'; readonly sandbox: string; readonly op: FileOp }
  | { readonly type: 'List' }
  | { readonly type: 'Status' }
  | { readonly type: 'Shutdown' }

/** Supervisor to server. On channel 0: events that nobody asked for. */
export type Reply =
  | { readonly type: 'Hello'; readonly version: number; readonly pid: number; readonly boot: string }
  | { readonly type: 'Created'; readonly isolation: Isolation }
  | { readonly type: 'Done' }
  | { readonly type: 'Started' }
  | { readonly type: 'Finished'; readonly sandbox: string; readonly command: CommandRecord }
  | { readonly type: 'Command'; readonly command: CommandRecord }
  | { readonly type: 'Commands'; readonly commands: readonly CommandRecord[] }
  | { readonly type: 'File'; readonly reply: FileReply }
  | { readonly type: 'Listing'; readonly sandboxes: readonly LivingSandbox[] }
  | { readonly type: 'Status'; readonly status: NodeStatus }
  | { readonly type: 'Lost'; readonly sandbox: string; readonly reason: string }
  | ({ readonly type: 'Error' } & Failure)

export interface Failure {
  readonly code: string
  readonly message: string
  readonly step: string | undefined
  readonly errno: string | undefined
}

export interface SandboxSpec {
  readonly uid: number
  readonly hostname: string
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly inodes: number
  readonly pids: number
  readonly cpuMillis: number
  readonly nofile: number
}

export interface SessionStart {
  readonly cwd: Uint8Array
  /** Each `NAME=value`. */
  readonly env: readonly Uint8Array[]
}

export type Program =
  | { readonly type: 'Session'; readonly session: string; readonly text: Uint8Array }
  | { readonly type: 'Shell'; readonly text: Uint8Array }
  | { readonly type: 'Argv'; readonly argv: readonly Uint8Array[] }

export interface CommandSpec {
  readonly id: string
  readonly program: Program
  readonly cwd: Uint8Array | undefined
  /** Each `NAME=value`. */
  readonly env: readonly Uint8Array[]
  readonly stdin: Uint8Array | undefined
  readonly stdinOpen: boolean
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly merge: boolean
  readonly background: boolean
  readonly uid: number | undefined
  readonly cpuMs: number | undefined
  readonly memoryBytes: number | undefined
  readonly fileBytes: number | undefined
  readonly nofile: number | undefined
}

export type Outcome =
  | { readonly type: 'Exited'; readonly exitCode: number }
  | { readonly type: 'Signalled'; readonly signal: number }
  | { readonly type: 'TimedOut'; readonly limitMs: number }
  | { readonly type: 'OutOfMemory'; readonly limitBytes: number }
  | { readonly type: 'Killed'; readonly by: string }
  | { readonly type: 'Lost'; readonly reason: string }

export interface CommandRecord {
  readonly id: string
  readonly program: Program
  readonly background: boolean
  readonly outcome: Outcome | undefined
  readonly oom: boolean
  readonly stdout: Uint8Array | undefined
  readonly stderr: Uint8Array | undefined
  readonly stdoutDropped: number
  readonly stderrDropped: number
  readonly startedAtMs: number
  readonly durationUs: number
  readonly cpuUserUs: number
  readonly cpuSystemUs: number
  readonly maxRssBytes: number
  readonly cwd: Uint8Array
  readonly backgroundLeft: boolean
  readonly sessionRestarted: boolean
}

export interface Isolation {
  readonly hostUid: number
  readonly hostUids: number
  readonly namespaces: readonly string[]
  readonly seccomp: boolean
  readonly noNewPrivs: boolean
  readonly capabilities: number
  readonly cgroupVersion: number
  readonly memoryBytes: number
  readonly pids: number
  readonly cpuMillis: number
  readonly disk: string
}

export interface LivingSandbox {
  readonly id: string
  readonly spec: SandboxSpec
  readonly isolation: Isolation
  readonly sessions: readonly { readonly name: string; readonly cwd: Uint8Array }[]
  readonly running: readonly CommandRecord[]
  readonly createdAtMs: number
  readonly lastUsedAtMs: number
}

export interface NodeStatus {
  readonly sandboxes: number
  readonly memoryTotalBytes: number
  readonly memoryAvailableBytes: number
  readonly pidMax: number
  readonly nofile: number
  readonly uidSlots: number
  readonly spoolBytes: number
  readonly supervisorRssBytes: number
}

/** Paths are absolute bytes without NUL. */
export type FileOp =
  | { readonly type: 'Stat'; readonly path: Uint8Array; readonly follow: boolean }
  | {
      readonly type: 'List'
      readonly path: Uint8Array
      readonly depth: number
      readonly after: Uint8Array | undefined
      readonly limit: number
    }
  | { readonly type: 'Open'; readonly path: Uint8Array; readonly offset: number; readonly length: number | undefined }
  | { readonly type: 'Next'; readonly handle: number }
  | {
      readonly type: 'Put'
      readonly path: Uint8Array
      readonly mode: number | undefined
      readonly bytes: Uint8Array
      readonly last: boolean
    }
  | { readonly type: 'Append'; readonly handle: number; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly type: 'Close'; readonly handle: number }
  | { readonly type: 'CloseAll' }
  | { readonly type: 'Remove'; readonly path: Uint8Array; readonly recursive: boolean }
  | { readonly type: 'Mkdir'; readonly path: Uint8Array; readonly mode: number | undefined }
  | { readonly type: 'Move'; readonly from: Uint8Array; readonly to: Uint8Array; readonly overwrite: boolean }

export type FileReply =
  | { readonly type: 'Done' }
  | { readonly type: 'Entry'; readonly entry: FileEntry }
  | { readonly type: 'Entries'; readonly entries: readonly FileEntry[]; readonly more: boolean }
  | {
      readonly type: 'Opened'
      readonly entry: FileEntry
      readonly bytes: Uint8Array
      readonly handle: number | undefined
    }
  | { readonly type: 'Data'; readonly bytes: Uint8Array; readonly eof: boolean }
  | { readonly type: 'Put'; readonly handle: number | undefined; readonly entry: FileEntry | undefined }
  | { readonly type: 'Error'; readonly code: string; readonly message: string; readonly errno: string | undefined }

export type FileKind = 'File' | 'Directory' | 'Symlink' | 'Fifo' | 'Socket' | 'Device'

export interface FileEntry {
  readonly path: Uint8Array
  readonly kind: FileKind
  readonly sizeBytes: number
  readonly mode: number
  readonly modifiedAtMs: number
  readonly linkTarget: Uint8Array | undefined
}
