import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { FileEntry, FilePath } from '../../../core/file/file.ts'
import { invalidRequest } from '../../../http/errors.ts'
import { rawQueryParameter } from '../../../http/raw-query.ts'
import * as wire from './primitives.ts'

/** Linux takes no longer path. */
const MAX_PATH_BYTES = 4096

/** How a request names a file in its query: `path`, whose bytes need not be UTF-8, or `path_base64`. */
export const pathQuery = {
  path: z.string().describe('Percent-encoded bytes; they need not be UTF-8.').exactOptional(),
  path_base64: wire.base64.describe('The same in base64.').exactOptional(),
}

/** The path of a query, from the address as it came: its text alone would have lost bytes that are not UTF-8. */
export function queryPath(url: string, query: { readonly path_base64?: Uint8Array }): FilePath {
  return onePath('path', rawQueryParameter(url, 'path'), query.path_base64)
}

/** The one of two forms that was given, as it may name a file. */
export function onePath(field: string, plain: Uint8Array | undefined, base64: Uint8Array | undefined): FilePath {
  const path = plain ?? base64
  if (path === undefined || path.length === 0) throw invalidRequest(field, 'is missing')
  if (plain !== undefined && base64 !== undefined)
    throw invalidRequest(`${field}_base64`, `give ${field} or ${field}_base64`)
  if (path.includes(0)) throw invalidRequest(field, 'holds a NUL')
  if (path.length > MAX_PATH_BYTES) throw invalidRequest(field, `is longer than ${MAX_PATH_BYTES} bytes`)
  return path
}

/** The path of a JSON body, in either form. */
export const bodyPath = (field: string, plain: string | undefined, base64: Uint8Array | undefined): FilePath =>
  onePath(field, plain === undefined ? undefined : Buffer.from(plain), base64)

export const mkdirBody = z
  .strictObject({
    path: wire.pathText.exactOptional(),
    path_base64: wire.base64.exactOptional(),
    mode: wire.mode.exactOptional(),
  })
  .meta({ id: 'MakeFolder' })

export const moveBody = z
  .strictObject({
    from: wire.pathText.exactOptional(),
    from_base64: wire.base64.exactOptional(),
    to: wire.pathText.exactOptional(),
    to_base64: wire.base64.exactOptional(),
    overwrite: z.boolean().default(false),
  })
  .meta({ id: 'Move' })

export const fileEntry = z
  .strictObject({
    path: z.string(),
    path_base64: z.string().exactOptional(),
    type: z.enum(['file', 'directory', 'symlink', 'fifo', 'socket', 'device']),
    size_bytes: z.int(),
    mode: z.string(),
    modified_at: wire.time,
    link_target: z.string().nullable(),
    link_target_base64: z.string().exactOptional(),
  })
  .meta({ id: 'FileEntry' })

export function encodeEntry(entry: FileEntry): z.output<typeof fileEntry> {
  return {
    ...encodedPath('path', entry.path),
    type: entry.type,
    size_bytes: entry.sizeBytes,
    mode: wire.encodeMode(entry.mode),
    modified_at: wire.encodeTime(entry.modifiedAtMs),
    ...(entry.linkTarget === undefined ? { link_target: null } : encodedPath('link_target', entry.linkTarget)),
  }
}

/** A path as text, and where that loses bytes, beside it in base64. */
export function encodedPath<F extends string>(
  field: F,
  path: Uint8Array,
): Record<F, string> & Partial<Record<`${F}_base64`, string>> {
  const text = { [field]: wire.decodeUtf8(path) }
  const both = isUtf8(path) ? text : { ...text, [`${field}_base64`]: path.toBase64() }
  return both as Record<F, string> & Partial<Record<`${F}_base64`, string>>
}
