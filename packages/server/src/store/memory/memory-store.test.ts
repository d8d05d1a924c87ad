import { storeContract } from '../../core/ports/store.contract.ts'
import { MemoryStore, MemoryTables } from './memory-store.ts'

storeContract({
  name: 'memory',
  open: async () => {
    const tables = new MemoryTables()
    return { store: new MemoryStore(tables), second: async () => new MemoryStore(tables), close: async () => undefined }
  },
})
