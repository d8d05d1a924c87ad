import { describe, expect, it } from 'vitest'
import { parseRange, withinSize } from './range.ts'

const within = (header: string, size: number) => {
  const range = parseRange(header)
  return range && withinSize(range, size)
}

describe('a range of a file of 10 bytes', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=2-4', 2, 3],
    ['bytes=7-', 7, 3],
    ['bytes=-3', 7, 3],
    ['bytes=-99', 0, 10],
    ['bytes=5-99', 5, 5],
  ])('%s', (header, offset, length) => {
    expect(within(header, 10)).toEqual({ offset, length })
  })

  it.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('%s holds none of it', (header) => {
    expect(parseRange(header)).toBeDefined()
    expect(within(header, 10)).toBeUndefined()
  })

  it.each([
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=4-2',
    'bytes=0-1,3-4',
    'lines=1-2',
    'bytes=a-b',
    `bytes=0-${'9'.repeat(30)}`,
  ])('%s asks for the whole', (header) => {
    expect(parseRange(header)).toBeUndefined()
  })

  it('of an empty file holds nothing', () => {
    expect(within('bytes=0-', 0)).toBeUndefined()
  })
})
