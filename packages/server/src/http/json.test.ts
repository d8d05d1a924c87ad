import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from './json.ts'

const parse = (text: string): unknown => parseJson(Buffer.from(text))

/** As `JSON.parse` would give it, with the same prototypes. */
const isRefusedTop = (value: unknown): boolean => value === null
const holdsProto = (value: unknown): boolean => JSON.stringify(value).includes('"__proto__":')

describe('JSON of a request', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat({ max: 2 }), (value, indent) => {
        fc.pre(!isRefusedTop(value) && !holdsProto(value))
        const text = JSON.stringify(value, undefined, indent)
        expect(parse(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('may hold what looks like structure inside strings', () => {
    const value = { 'a:"\\': '{"a":[1,{"b":"\\\\"}]}:::[[[[', b: '\\' }
    expect(parse(JSON.stringify(value))).toEqual(value)
  })

  it('may be missing', () => {
    expect(parse('')).toBeUndefined()
  })

  it.each([
    ['a field twice', '{"a":1,"a":2}'],
    ['a field twice, deep inside', '[{"x":{"a":1,"b":2,"a":1}}]'],
    ['a field twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['a byte-order mark', '\ufeff{}'],
    ['no JSON', '{a:1}'],
    ['NaN', '{"a":NaN}'],
    ['an open string', '{"a":"b'],
    ['an open string that ends in a backslash', '"\\'],
    ['null', 'null'],
  ])('is refused with %s', (_what, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })

  it.each(['{"__proto__":{"a":1}}', '{"env":{"__proto__":"x"}}', '[{"\\u005f_proto__":1}]'])(
    'never reaches a prototype: %s',
    (text) => {
      expect(() => parse(text)).toThrow(
        expect.objectContaining({ details: { field: '__proto__', reason: 'is refused' } }),
      )
    },
  )

  it('that is not UTF-8 is refused', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('body: is not UTF-8')
  })

  it('nested a million deep is refused before it is parsed', () => {
    const started = performance.now()
    expect(() => parse('['.repeat(1_000_000))).toThrow('deeper')
    expect(performance.now() - started).toBeLessThan(50)
  })

  it('nested 64 deep is fine, 65 is not', () => {
    const nest = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(() => parse(nest(64))).not.toThrow()
    expect(() => parse(nest(65))).toThrow('deeper')
  })
})
