import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rawQueryParameter } from './raw-query.ts'

const latin1 = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')

describe('a query parameter as bytes', () => {
  it('keeps any bytes that are percent-encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const encoded = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
        expect(Buffer.from(rawQueryParameter(`/x?a=1&path=${encoded}&b`, 'path') ?? [])).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it.each([
    ['/files?path=/a+b%2Bc', '/a b+c'],
    ['/files?xpath=1&path=/a&path=/b', '/a'],
    ['/files?path=a=b', 'a=b'],
    ['/files?path=', ''],
    ['/files?path=?', '?'],
    ['/files?path=\u00e4', '\u00e4'],
    ['/files?path', undefined],
    ['/files', undefined],
  ])('of %s', (url, expected) => {
    expect(latin1(rawQueryParameter(url, 'path'))).toBe(expected)
  })

  it.each(['%', '%4', '%zz', '%+1', 'a%'])('refuses the broken encoding %s', (text) => {
    expect(() => rawQueryParameter(`/?path=${text}`, 'path')).toThrow('path: is not percent-encoded')
  })
})
