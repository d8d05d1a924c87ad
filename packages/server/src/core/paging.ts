import { invalid } from './check.ts'

/** Which part of a list is wanted. `cursor` comes from the page before. */
export interface PageRequest {
  readonly limit: number
  readonly cursor?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/** Where an item stands in a list that is sorted by time. */
export interface Place {
  readonly id: string
  readonly atMs: number
}

/** No page is longer. */
export const LONGEST_PAGE = 1000

/** Refuses what `page` cannot answer. */
export function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LONGEST_PAGE) return limit
  throw invalid('limit', `must be from 1 to ${LONGEST_PAGE}`)
}

/**
 * One page of a list that is sorted by time.
 * Where the item that the cursor names is gone, the page begins with the first that is not older: an item may come
 * twice, none is skipped.
 */
export function page<T>(all: readonly T[], request: PageRequest, placeOf: (item: T) => Place): Page<T> {
  const limit = checkLimit(request.limit)
  const start = request.cursor === undefined ? 0 : behind(all, readCursor(request.cursor), placeOf)
  const items = all.slice(start, start + limit)
  const last = items.at(-1)
  const more = start + limit < all.length && last !== undefined
  return { items, nextCursor: more ? writeCursor(placeOf(last)) : null }
}

function behind<T>(all: readonly T[], cursor: Place, placeOf: (item: T) => Place): number {
  const same = all.findIndex((item) => placeOf(item).id === cursor.id)
  if (same !== -1) return same + 1
  const next = all.findIndex((item) => placeOf(item).atMs >= cursor.atMs)
  return next === -1 ? all.length : next
}

const writeCursor = ({ id, atMs }: Place): string => Buffer.from(`${atMs}:${id}`).toString('base64url')

function readCursor(text: string): Place {
  const match = /^(\d{1,16}):([a-z]{3}_[0-9a-z]{20,64})$/.exec(Buffer.from(text, 'base64url').toString())
  const [, atMs, id] = match ?? []
  if (atMs === undefined || id === undefined) throw invalid('cursor', 'is not one that a page has told')
  return { id, atMs: Number(atMs) }
}
