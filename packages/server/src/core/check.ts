import { CoreError } from './errors.ts'
import type { Range } from './limits.ts'

/** Why a request is refused; `field` names the culprit. */
export const invalid = (field: string, reason: string): CoreError<'request.invalid'> =>
  new CoreError('request.invalid', `${field}: ${reason}`, { field, reason })

/** The value, its default where there is none; refused out of range. */
export function within(field: string, value: number | undefined, range: Range): number {
  if (value === undefined) return range.default
  if (value >= range.min && value <= range.max) return value
  throw invalid(field, `must be from ${range.min} to ${range.max}`)
}

/** As `within`, whole numbers only. */
export function wholeWithin(field: string, value: number | undefined, range: Range): number {
  const number = within(field, value, range)
  if (Number.isSafeInteger(number)) return number
  throw invalid(field, 'must be a whole number')
}

/** The kernel ends every text at its first NUL: what stands behind it would be lost silently. */
export function withoutNul(field: string, text: string): string {
  if (text.includes('\0')) throw invalid(field, 'must not contain NUL')
  return text
}
