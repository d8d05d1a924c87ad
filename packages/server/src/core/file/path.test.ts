import { describe, expect, it } from 'vitest'

import { absolutePath, absoluteText, pathText } from './path.ts'

describe('a path', () => {
  it('begins at the cwd when it is relative', () => {
    expect(pathText(absoluteText('/workspace', 'a/b'))).toBe('/workspace/a/b')
  })

  it('stays when it is absolute', () => {
    expect(pathText(absoluteText('/workspace', '/etc/passwd'))).toBe('/etc/passwd')
  })

  it('keeps bytes that are not UTF-8', () => {
    expect([...absolutePath('/w', Uint8Array.of(0xff))]).toEqual([...Buffer.from('/w/'), 0xff])
  })

  it.each(['', 'a\0b', '/'.padEnd(4096, 'x'), 'x'.repeat(4090)])('that names no file is refused: %.10j', (path) => {
    expect(() => absoluteText('/workspace', path)).toThrow(expect.objectContaining({ code: 'file.path_invalid' }))
  })
})
