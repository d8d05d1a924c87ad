import type { Store } from '../../core/ports/store.ts'
import { MemoryStore } from './memory-store.ts'

/** A store that forgets with its process. */
export const openMemoryStore = async (): Promise<Store> => new MemoryStore()
