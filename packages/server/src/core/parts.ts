import type { Clock } from './clock.ts'
import type { FairQueue } from './command/fair-queue.ts'
import type { Runner } from './command/runner.ts'
import type { CoreLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { SandboxDriver } from './ports/sandbox-driver.ts'
import type { Store } from './ports/store.ts'
import type { Endings } from './sandbox/endings.ts'
import type { Expiry } from './sandbox/expiry.ts'
import type { Registry } from './sandbox/registry.ts'
import type { Shells } from './session/shells.ts'

/** What the use cases are made of; each takes what it needs. */
export interface Parts {
  readonly driver: SandboxDriver
  readonly store: Store
  readonly clock: Clock
  readonly limits: CoreLimits
  readonly log: Log
  /** The name of this server's machine. */
  readonly node: string
  readonly registry: Registry
  readonly queue: FairQueue
  readonly shells: Shells
  readonly runner: Runner
  readonly endings: Endings
  readonly expiry: Expiry
}
