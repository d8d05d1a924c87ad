/** What the tests read of the native API's answers: written from its description, not taken from the server. */

export interface Outcome {
  readonly type: 'exited' | 'signalled' | 'timed_out' | 'out_of_memory' | 'killed' | 'lost'
  readonly exit_code?: number
  readonly signal?: string
  readonly limit_ms?: number
  readonly limit_bytes?: number
  readonly by?: string
  readonly reason?: string
}

export interface Command {
  readonly id: string
  readonly sandbox_id: string
  readonly session: string | null
  readonly command?: string
  readonly argv?: readonly string[]
  readonly background: boolean
  readonly state: 'running' | 'finished'
  readonly outcome: Outcome | null
  readonly oom: boolean
  readonly stdout: string | null
  readonly stderr: string | null
  readonly truncated: { readonly stdout_bytes: number; readonly stderr_bytes: number }
  readonly encoding: 'utf8' | 'base64'
  readonly started_at: string
  readonly duration_ms: number
  readonly usage: { readonly cpu_user_ms: number; readonly cpu_system_ms: number; readonly max_rss_bytes: number }
  readonly cwd: string | null
  readonly cwd_base64?: string
  readonly background_left: boolean
  readonly session_restarted: boolean
}

export interface Sandbox {
  readonly id: string
  readonly state: 'creating' | 'running' | 'stopped' | 'failed'
  readonly template: string
  readonly image: string | null
  readonly user: string
  readonly cwd: string
  readonly env_names: readonly string[]
  readonly limits: {
    readonly memory_bytes: number
    readonly cpus: number
    readonly pids: number
    readonly disk_bytes: number
    readonly nofile: number
  }
  readonly network: { readonly mode: string }
  readonly isolation: {
    readonly driver: string
    readonly host_uid: number
    readonly host_uids: number
    readonly namespaces: readonly string[]
    readonly seccomp: boolean
    readonly no_new_privs: boolean
    readonly capabilities: number
    readonly missing: readonly string[]
  }
  readonly metadata: Readonly<Record<string, string>>
  readonly sessions: readonly string[]
  readonly created_at: string
  readonly last_used_at: string
  readonly expires_at: string
  readonly idle_timeout_ms: number
  readonly node: string
}

export interface FileEntry {
  readonly path: string
  readonly path_base64?: string
  readonly type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device'
  readonly size_bytes: number
  readonly mode: string
  readonly modified_at: string
  readonly link_target: string | null
}

export interface Failure {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details: Readonly<Record<string, unknown>>
    readonly request_id: string
  }
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next_cursor: string | null
}

export type Content = { readonly text: string } | { readonly base64: string }

export interface RanOnce extends Command {
  readonly files: Readonly<Record<string, Content | null>>
}
