import { expect } from 'vitest'

import { type Bench, MIB, ALL_BYTES, bytes, text, out, slices, failing, type Test } from './bench.ts'

/** Files, from outside and from inside. */
export function fileTests(test: Test, bench: Bench): void {
  const read = async (path: string, range?: { offset: number; length?: number }) => {
    const { content } = await bench.files.open(bench.id, bytes(path), range)
    return Buffer.concat(await Array.fromAsync(content))
  }
  const put = (path: string, content: Uint8Array | AsyncIterable<Uint8Array>, mode?: number) =>
    bench.files.put(bench.id, bytes(path), content, mode === undefined ? {} : { mode })
  const stat = (path: string, follow = false) => bench.files.stat(bench.id, bytes(path), { follow })
  const refused = (operation: Promise<unknown>, ...codes: string[]) =>
    expect(operation.catch((error: unknown) => (error as { code: string }).code)).resolves.toBeOneOf(codes)

  test('a file comes back byte by byte', async () => {
    await put('/workspace/a', ALL_BYTES)
    expect(await read('/workspace/a')).toEqual(ALL_BYTES)
  })

  test('a file of many slices comes back as it was', async () => {
    const large = Buffer.alloc(3 * MIB + 7, 'abcdefg')
    await put('/workspace/large', slices(large, 100_000))
    expect((await read('/workspace/large')).equals(large)).toBe(true)
  })

  test('an empty file is a file', async () => {
    expect((await put('/workspace/empty', new Uint8Array())).sizeBytes).toBe(0)
    expect(await read('/workspace/empty')).toHaveLength(0)
  })

  test('put makes parents, sets the mode and tells what is there', async () => {
    const entry = await put('/workspace/x/y/z.sh', bytes('#!'), 0o750)
    expect(entry).toMatchObject({ type: 'file', sizeBytes: 2, mode: 0o750 })
    expect(text(entry.path)).toBe('/workspace/x/y/z.sh')
    expect(await stat('/workspace/x/y')).toMatchObject({ type: 'directory' })
  })

  test('put takes the place of what was there', async () => {
    await put('/workspace/a', bytes('long before'))
    await put('/workspace/a', bytes('new'))
    expect(text(await read('/workspace/a'))).toBe('new')
  })

  test('a put whose content fails leaves the old file', async () => {
    await put('/workspace/a', bytes('old'))
    await expect(put('/workspace/a', failing(bytes('half')))).rejects.toThrow('the sender is gone')
    expect(text(await read('/workspace/a'))).toBe('old')
    expect((await list('/workspace')).names).toEqual(['/workspace/a'])
  })

  test('a shell sees what was put, and what it writes can be read', async () => {
    await put('/workspace/in', bytes('hello'))
    expect(out(await bench.run('cat in; echo back > out'))).toBe('hello')
    expect(text(await read('/workspace/out'))).toBe('back\n')
  })

  test('a range is that part of the file', async () => {
    await put('/workspace/a', bytes('0123456789'))
    expect(text(await read('/workspace/a', { offset: 3, length: 4 }))).toBe('3456')
    expect(text(await read('/workspace/a', { offset: 8 }))).toBe('89')
    expect(text(await read('/workspace/a', { offset: 20, length: 1 }))).toBe('')
  })

  test('leaving a file early closes it', async () => {
    await put('/workspace/large', Buffer.alloc(MIB))
    for (let times = 0; times < 100; times++) {
      const { content } = await bench.files.open(bench.id, bytes('/workspace/large'))
      for await (const slice of content) if (slice.length > 0) break
    }
  })

  test('what is not there is not found', async () => {
    await refused(stat('/workspace/none'), 'file.not_found')
    await refused(read('/workspace/none'), 'file.not_found')
    await refused(bench.files.remove(bench.id, bytes('/workspace/none'), { recursive: true }), 'file.not_found')
    await refused(list('/workspace/none'), 'file.not_found')
  })

  test('only regular files are read and written', async () => {
    await bench.run('mkfifo /workspace/pipe')
    await refused(read('/workspace/pipe'), 'file.not_regular')
    await refused(put('/workspace/pipe', bytes('x')), 'file.not_regular')
    await refused(read('/dev/zero'), 'file.not_regular')
    await refused(put('/dev/null', bytes('x')), 'file.not_regular')
    await refused(read('/workspace'), 'file.is_directory')
    await refused(put('/workspace', bytes('x')), 'file.not_regular', 'file.is_directory')
  })

  test('a file is no folder', async () => {
    await put('/workspace/a', bytes('x'))
    await refused(stat('/workspace/a/b'), 'file.not_directory')
    await refused(list('/workspace/a'), 'file.not_directory')
    await refused(put('/workspace/a/b', bytes('x')), 'file.not_directory')
  })

  test('what belongs to the system cannot be written', async () => {
    await refused(put('/usr/planted', bytes('x')), 'file.read_only', 'file.permission_denied')
    await refused(put('/etc/planted', bytes('x')), 'file.read_only', 'file.permission_denied')
  })

  test('a full disk is told, and what was there stays', async () => {
    await put('/workspace/a', bytes('old'))
    await refused(put('/workspace/a', Buffer.alloc(20 * MIB)), 'file.no_space')
    expect(text(await read('/workspace/a'))).toBe('old')
  })

  test('stat tells of a link or of its target', async () => {
    await put('/workspace/a', bytes('abc'))
    await bench.run('ln -s a /workspace/link')
    const link = await stat('/workspace/link')
    expect([link.type, text(link.linkTarget)]).toEqual(['symlink', 'a'])
    expect(await stat('/workspace/link', true)).toMatchObject({ type: 'file', sizeBytes: 3 })
  })

  test('a link and .. can only name something inside', async () => {
    await bench.run('ln -s /../../../../etc /workspace/up')
    expect(await stat('/workspace/up', true)).toMatchObject({ type: 'directory' })
    expect(await stat('/../../workspace')).toMatchObject({ type: 'directory' })
  })

  const list = async (path: string, options: { depth?: number; limit?: number; after?: string } = {}) => {
    const { depth = 1, limit = 100, after } = options
    const behind = after === undefined ? {} : { after: bytes(after) }
    const { entries, more } = await bench.files.list(bench.id, bytes(path), { depth, limit, ...behind })
    return { names: entries.map((entry) => text(entry.path)), more }
  }

  test('list tells the children, sorted by bytes', async () => {
    for (const name of ['b', 'a', 'B', 'sub/deep']) await put(`/workspace/${name}`, bytes(''))
    expect((await list('/workspace')).names).toEqual(['/workspace/B', '/workspace/a', '/workspace/b', '/workspace/sub'])
  })

  test('list goes as deep as it is asked to', async () => {
    await put('/workspace/one/two/three', bytes(''))
    expect((await list('/workspace', { depth: 2 })).names).toEqual(['/workspace/one', '/workspace/one/two'])
  })

  test('list comes in pages', async () => {
    for (const name of ['a', 'b', 'c']) await put(`/workspace/${name}`, bytes(''))
    const first = await list('/workspace', { limit: 2 })
    expect(first).toEqual({ names: ['/workspace/a', '/workspace/b'], more: true })
    expect(await list('/workspace', { limit: 2, after: '/workspace/b' })).toEqual({
      names: ['/workspace/c'],
      more: false,
    })
  })

  test('names that are not UTF-8 come as they are', async () => {
    const path = Buffer.from([...bytes('/workspace/'), 0xff, 0xfe])
    await bench.files.put(bench.id, path, bytes('odd'), {})
    const { entries } = await bench.files.list(bench.id, bytes('/workspace'), { depth: 1, limit: 10 })
    expect(entries.map((entry) => Buffer.from(entry.path))).toEqual([path])
  })

  test('remove takes a file, an empty folder, and a tree only when asked to', async () => {
    await put('/workspace/tree/file', bytes('x'))
    const tree = bytes('/workspace/tree')
    await refused(bench.files.remove(bench.id, tree, { recursive: false }), 'file.not_empty')
    await bench.files.remove(bench.id, tree, { recursive: true })
    await bench.files.mkdir(bench.id, tree, {})
    await bench.files.remove(bench.id, tree, { recursive: false })
    expect((await list('/workspace')).names).toEqual([])
  })

  test('remove takes a link, not its target', async () => {
    await put('/workspace/a', bytes('x'))
    await bench.run('ln -s a /workspace/link')
    await bench.files.remove(bench.id, bytes('/workspace/link'), { recursive: true })
    expect((await list('/workspace')).names).toEqual(['/workspace/a'])
  })

  test('mkdir makes parents, and twice is once', async () => {
    await bench.files.mkdir(bench.id, bytes('/workspace/p/q'), { mode: 0o700 })
    await bench.files.mkdir(bench.id, bytes('/workspace/p/q'), {})
    expect(await stat('/workspace/p/q')).toMatchObject({ type: 'directory', mode: 0o700 })
  })

  test('mkdir onto a file is refused', async () => {
    await put('/workspace/a', bytes('x'))
    await refused(bench.files.mkdir(bench.id, bytes('/workspace/a'), {}), 'file.exists', 'file.not_directory')
  })

  test('move overwrites only when asked to', async () => {
    await put('/workspace/a', bytes('a'))
    await put('/workspace/b', bytes('b'))
    const move = (overwrite: boolean) =>
      bench.files.move(bench.id, bytes('/workspace/a'), bytes('/workspace/b'), { overwrite })
    await refused(move(false), 'file.exists')
    await move(true)
    expect(text(await read('/workspace/b'))).toBe('a')
    await refused(move(true), 'file.not_found')
  })

  test('a path with a NUL is refused', async () => {
    await refused(stat('/workspace/a\0b'), 'file.path_invalid')
  })
}
