import { CoreError, isCoreError } from '../../core/errors.ts'

/** SQLite's result code for a full disk, and the mask that takes the primary code out of an extended one. */
const SQLITE_FULL = 13
const PRIMARY = 0xff

/** What SQLite says, in core's words. Its own text names no path. */
export function storeError(error: unknown): CoreError {
  if (isCoreError(error)) return error
  const { errcode, errstr } = error as { readonly errcode?: unknown; readonly errstr?: unknown }
  if (typeof errcode === 'number' && (errcode & PRIMARY) === SQLITE_FULL) {
    return new CoreError('store.disk_full', 'the disk of the store is full', {}, { cause: error })
  }
  const reason = typeof errstr === 'string' ? `the store: ${errstr}` : 'the store failed'
  return new CoreError('runtime.unavailable', reason, { reason }, { cause: error })
}
