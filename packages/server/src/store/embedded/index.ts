import { join } from 'node:path'

import type { Store } from '../../core/ports/store.ts'
import { EmbeddedStore } from './embedded-store.ts'

/** The store of one server, a file in its data folder. Rejects with `runtime.unavailable` where it cannot be used. */
export async function openEmbeddedStore(dataDir: string): Promise<Store> {
  return EmbeddedStore.open({ path: join(dataDir, 'store.sqlite') })
}
