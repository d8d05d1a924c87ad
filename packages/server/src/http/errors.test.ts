import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CoreError, ERROR_KINDS } from '../core/errors.ts'
import { STATUS_BY_KIND, toCoreError } from './errors.ts'

const manual = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
const rows = Array.from(manual.matchAll(/^\| `([a-z_.]+)` \| `?([a-z_0-9]+)`? \|/gm), ([, name = '', value = '']) => [
  name,
  value,
])
const isCode = ([name = '']: readonly string[]): boolean => name.includes('.')

describe('docs/errors.md', () => {
  it('lists every code with its kind, and no other', () => {
    expect(Object.fromEntries(rows.filter(isCode))).toEqual(ERROR_KINDS)
  })

  it('lists every kind with its status, and no other', () => {
    const kinds = rows.filter((row) => !isCode(row)).map(([kind, status]) => [kind, Number(status)])
    expect(Object.fromEntries(kinds)).toEqual(STATUS_BY_KIND)
  })

  it('names each code once', () => {
    expect(rows).toHaveLength(Object.keys(ERROR_KINDS).length + Object.keys(STATUS_BY_KIND).length)
  })
})

describe('a failure', () => {
  it('of core stays what it is', () => {
    const error = new CoreError('sandbox.not_found', 'none', { sandboxId: 'x' })
    expect(toCoreError(error)).toBe(error)
  })

  it('of the framework that blames the request becomes request.invalid', () => {
    const error = toCoreError(Object.assign(new Error('bad'), { statusCode: 400 }))
    expect(error).toMatchObject({ code: 'request.invalid', details: { field: 'request', reason: 'bad' } })
  })

  it('of a client that went away in the middle is no defect', () => {
    expect(toCoreError(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })).kind).toBe('invalid')
  })

  it.each([new TypeError('inner text'), 'inner text', undefined])(
    'that nobody knows (%s) is a defect that hides its text',
    (thrown) => {
      const error = toCoreError(thrown)
      expect(error).toMatchObject({ code: 'internal.defect', details: {}, cause: thrown })
      expect(error.message).not.toContain('inner text')
    },
  )
})
