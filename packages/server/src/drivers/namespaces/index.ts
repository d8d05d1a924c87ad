import type { SandboxDriver } from '../../core/ports/sandbox-driver.ts'
import { NamespacesDriver } from './namespaces-driver.ts'
import type { LinkOptions } from './supervisor-link.ts'

export type NamespacesOptions = LinkOptions

/** Sandboxes made of Linux namespaces. They outlive the server: `start` tells which ones live already. */
export function createNamespacesDriver(options: NamespacesOptions): SandboxDriver {
  return new NamespacesDriver(options)
}
