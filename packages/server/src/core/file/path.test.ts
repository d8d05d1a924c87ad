import { describe, expect, it } from 'vitest'

import { absolutePath, absoluteText, folderPath, pathText } from './path.ts'

describe('a path', () => {
  it('begins at the cwd when it is relative', () => {
    expect(pathText(absoluteText('/workspace', 'a/b'))).toBe('/workspace/a/b')
  })

  it('stays when it is absolute', () => {
    expect(pathText(absoluteText('/workspace', '/etc/passwd'))).toBe('/etc/passwd')
  })

  it.each([
    ['/workspace/.', '/workspace'],
    ['/workspace/./a//b/', '/workspace/a/b'],
    ['/a/../b', '/a/../b'],
    ['/', '/'],
  ])('%s of a folder shows as %s', (path, shown) => {
    expect(pathText(folderPath(Buffer.from(path)))).toBe(shown)
  })

  it('of a folder keeps bytes that are not UTF-8', () => {
    expect([...folderPath(Uint8Array.of(0x2f, 0xff, 0x2f))]).toEqual([0x2f, 0xff])
  })

  it('keeps bytes that are not UTF-8', () => {
    expect([...absolutePath('/w', Uint8Array.of(0xff))]).toEqual([...Buffer.from('/w/'), 0xff])
  })

  it.each(['', 'a\0b', '/'.padEnd(4096, 'x'), 'x'.repeat(4090)])('that names no file is refused: %.10j', (path) => {
    expect(() => absoluteText('/workspace', path)).toThrow(expect.objectContaining({ code: 'file.path_invalid' }))
  })
})
