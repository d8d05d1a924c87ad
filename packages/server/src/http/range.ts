/** What a `Range` header asks of a file, before its size is known. */
export type RangeRequest =
  | { readonly type: 'from'; readonly offset: number; readonly length: number | undefined }
  | { readonly type: 'last'; readonly length: number }

/** One range of bytes. Several at once, other units and malformed ones are `undefined`: the whole file, as RFC 9110 allows. */
export function parseRange(header: string | undefined): RangeRequest | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? undefined : { type: 'last', length: Number(last) }
  if (last === '') return { type: 'from', offset: Number(first), length: undefined }
  if (Number(last) < Number(first)) return undefined
  return { type: 'from', offset: Number(first), length: Number(last) - Number(first) + 1 }
}

/** The range within a file of that size; `undefined` where it holds no byte of it (416). */
export function withinSize(
  range: RangeRequest,
  size: number,
): { readonly offset: number; readonly length: number } | undefined {
  const offset = range.type === 'from' ? range.offset : Math.max(0, size - range.length)
  const length = Math.min(range.length ?? size, size - offset)
  return length > 0 ? { offset, length } : undefined
}
