import { describe, expect, it } from 'vitest'

import { newSandboxId } from './ids.ts'
import { page } from './paging.ts'

const placeOf = (item: { id: string; atMs: number }) => item
const items = Array.from({ length: 5 }, (_, index) => ({ id: newSandboxId(), atMs: Math.floor(index / 2) }))

describe('a page', () => {
  it('and those behind it make the whole list, each item once', () => {
    const seen: unknown[] = []
    for (let cursor: string | null | undefined; cursor !== null;) {
      const part = page(items, { limit: 2, ...(cursor === undefined ? {} : { cursor }) }, placeOf)
      seen.push(...part.items)
      cursor = part.nextCursor
    }
    expect(seen).toEqual(items)
  })

  it('that holds all has no next one', () => {
    expect(page(items, { limit: 5 }, placeOf).nextCursor).toBeNull()
  })

  it('skips nothing when the item of its cursor is gone', () => {
    const { nextCursor } = page(items, { limit: 2 }, placeOf)
    const left = items.filter((_, index) => index !== 1)
    expect(page(left, { limit: 9, cursor: nextCursor ?? '' }, placeOf).items).toEqual(
      expect.arrayContaining(items.slice(2)),
    )
  })

  it.each([0, -1, 1.5, 1001, Number.NaN])('of %d items is refused', (limit) => {
    expect(() => page(items, { limit }, placeOf)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })

  it.each(['', 'x', '!!', Buffer.from('1:nonsense').toString('base64url')])(
    'behind the cursor %j is refused',
    (cursor) => {
      const details = { field: 'cursor' }
      expect(() => page(items, { limit: 1, cursor }, placeOf)).toThrow(
        expect.objectContaining({ code: 'request.invalid', details: expect.objectContaining(details) as unknown }),
      )
    },
  )
})
