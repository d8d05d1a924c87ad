import type { SandboxId, SessionName } from '../ids.ts'

export type SandboxState = 'creating' | 'running' | 'stopped' | 'failed'

/** The user that commands and file operations run as. `root` is root of the sandbox's own user namespace, without capabilities. */
export type SandboxUser = 'sandboxuser' | 'root'

export interface SandboxLimits {
  readonly memoryBytes: number
  readonly cpus: number
  readonly pids: number
  readonly diskBytes: number
  readonly nofile: number
}

/** What a driver needs to make a sandbox, every default filled in. */
export interface ResolvedSandboxSpec {
  readonly user: SandboxUser
  readonly hostname: string
  readonly limits: SandboxLimits
}

/** What was really applied, read back from the kernel by the driver. */
export interface Isolation {
  readonly driver: string
  readonly hostUid: number
  readonly hostUids: number
  /** Namespaces that differ from the host's. */
  readonly namespaces: readonly string[]
  readonly seccomp: boolean
  readonly noNewPrivs: boolean
  readonly capabilities: number
  readonly cgroupVersion: number
  readonly memoryBytes: number
  readonly pids: number
  readonly cpus: number
  readonly disk: string
  /** Protections that the operator allowed to be missing, by name. */
  readonly missing: readonly string[]
}

/** A sandbox as its users see it. */
export interface Sandbox {
  readonly id: SandboxId
  readonly state: SandboxState
  readonly template: string
  readonly image: string | null
  readonly user: SandboxUser
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly limits: SandboxLimits
  readonly network: { readonly mode: 'none' }
  readonly isolation: Isolation
  readonly metadata: Readonly<Record<string, string>>
  readonly sessions: readonly SessionName[]
  readonly createdAtMs: number
  readonly lastUsedAtMs: number
  readonly expiresAtMs: number
  readonly idleTimeoutMs: number
  readonly node: string
}
