import { describe, expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
const sandbox = await node.client.create()

describe('a file', () => {
  it('that was put is got byte by byte, and belongs to the user', async () => {
    const content = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const entry = await sandbox.put('deep/er/file.bin', content)
    expect(entry).toMatchObject({ path: '/workspace/deep/er/file.bin', type: 'file', size_bytes: 256, mode: '0644' })
    expect(await sandbox.get('deep/er/file.bin')).toEqual(content)
    expect(await sandbox.text('stat -c %U:%a deep deep/er deep/er/file.bin')).toBe(
      'sandboxuser:755\nsandboxuser:755\nsandboxuser:644\n',
    )
  })

  it('may be empty', async () => {
    await sandbox.put('empty', '')
    expect((await sandbox.get('empty')).length).toBe(0)
  })

  it('takes a mode, without the bits that lend rights', async () => {
    await node.client.ask('PUT', `${sandbox.filePath('run.sh')}&mode=0755`, Buffer.from('#!/bin/sh\necho ran\n'))
    expect(await sandbox.text('./run.sh')).toBe('ran\n')
    await node.client.ask('PUT', `${sandbox.filePath('suid')}&mode=6755`, Buffer.from('x'))
    expect(['755', '6755']).toContain((await sandbox.text('stat -c %a suid')).trim())
    expect((await node.client.request('PUT', `${sandbox.filePath('bad')}&mode=999`, Buffer.from('x'))).status).toBe(400)
  })

  it('is replaced whole, and keeps its mode', async () => {
    await node.client.ask('PUT', `${sandbox.filePath('keep')}&mode=0600`, Buffer.from('long old content'))
    await sandbox.put('keep', 'new')
    expect((await sandbox.get('keep')).toString()).toBe('new')
  })

  it('whose upload breaks off stays as it was, and leaves nothing beside it', async () => {
    await sandbox.put('/tmp/whole/file', 'old')
    const broken = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.alloc(100_000, 'x')),
      pull: (controller) => controller.error(new Error('broken off')),
    })
    await expect(node.client.request('PUT', sandbox.filePath('/tmp/whole/file'), broken)).rejects.toThrow()
    await expect.poll(() => sandbox.text('ls -A /tmp/whole')).toBe('file\n')
    expect((await sandbox.get('/tmp/whole/file')).toString()).toBe('old')
  })

  it('that fifty upload at once is the whole of one of them', async () => {
    const contents = Array.from({ length: 50 }, (_, index) =>
      String.fromCharCode(65 + (index % 26)).repeat(20_000 + index),
    )
    await Promise.all(contents.map((content) => sandbox.put('/tmp/race/file', content)))
    expect(contents).toContain((await sandbox.get('/tmp/race/file')).toString())
    expect(await sandbox.text('ls -A /tmp/race')).toBe('file\n')
  })

  it('beyond the disk is 507, and the room comes back', async () => {
    const small = await node.client.create({ limits: { disk_bytes: 8 * 1024 ** 2 } })
    await small.put('/tmp/old', 'old')
    const { status } = await node.client.request('PUT', small.filePath('/tmp/old'), Buffer.alloc(20 * 1024 ** 2))
    expect(status).toBe(507)
    expect((await small.get('/tmp/old')).toString()).toBe('old')
    await small.put('/tmp/next', Buffer.alloc(4 * 1024 ** 2))
    await small.delete()
  })

  it('is told by HEAD and stat without being read', async () => {
    await sandbox.put('told', '12345')
    const head = await node.client.request('HEAD', sandbox.filePath('told'))
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe('5')
    const entry = await node.client.ask('GET', sandbox.filePath('told', '/stat'))
    expect(entry).toMatchObject({
      path: '/workspace/told',
      type: 'file',
      size_bytes: 5,
      mode: '0644',
      link_target: null,
    })
  })

  it.each([
    ['bytes=0-4', 206, '01234'],
    ['bytes=2-2', 206, '2'],
    ['bytes=7-', 206, '789'],
    ['bytes=-3', 206, '789'],
    ['bytes=5-100', 206, '56789'],
    ['bytes=-100', 206, '0123456789'],
  ])('answers the range %s', async (range, status, text) => {
    await sandbox.put('range', '0123456789')
    const response = await fetch(node.client.url + sandbox.filePath('range'), { headers: { range } })
    expect([response.status, await response.text()]).toEqual([status, text])
    expect(response.headers.get('content-range')).toMatch(/^bytes \d+-\d+\/10$/)
  })

  it('answers 416 to a range that holds none of it', async () => {
    await sandbox.put('range', '0123456789')
    const response = await fetch(node.client.url + sandbox.filePath('range'), { headers: { range: 'bytes=10-20' } })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */10'])
  })

  it('that is not there is 404 file.not_found, for every verb', async () => {
    const missing = { status: 404, code: 'file.not_found' }
    expect(await node.client.refusal('GET', sandbox.filePath('no/such'))).toMatchObject(missing)
    expect(await node.client.refusal('DELETE', sandbox.filePath('nosuch'))).toMatchObject(missing)
    expect(await node.client.refusal('GET', sandbox.filePath('nosuch', '/stat'))).toMatchObject(missing)
    expect(await node.client.refusal('GET', sandbox.filePath('nosuch', '/list'))).toMatchObject(missing)
    expect(await node.client.refusal('POST', sandbox.path('/files/move'), { from: 'nosuch', to: 'b' })).toMatchObject(
      missing,
    )
  })
})

describe('a folder', () => {
  it('is made with its parents, and again without complaint', async () => {
    await node.client.ask('POST', sandbox.path('/files/mkdir'), { path: 'm/a/b', mode: '0700' })
    await node.client.ask('POST', sandbox.path('/files/mkdir'), { path: 'm/a/b' })
    expect(await sandbox.text('stat -c %F:%a m/a/b')).toBe('directory:700\n')
    await sandbox.put('m/file', '')
    expect(await node.client.refusal('POST', sandbox.path('/files/mkdir'), { path: 'm/file' })).toMatchObject({
      status: 409,
    })
  })

  it('is listed sorted, to a depth, page by page', async () => {
    await sandbox.run('mkdir -p /tmp/tree/{a,b}/{c,d}; touch /tmp/tree/{a,b}/{c,d}/{1,2}')
    expect((await sandbox.list('/tmp/tree')).items.map(({ path }) => path)).toEqual(['/tmp/tree/a', '/tmp/tree/b'])
    const all = (await sandbox.list('/tmp/tree', '&depth=3')).items.map(({ path }) => path)
    expect(all).toHaveLength(14)
    expect(all).toEqual([...all].sort())
    const paged: string[] = []
    let cursor: string | null = ''
    do {
      const page = await sandbox.list(
        '/tmp/tree',
        `&depth=3&limit=4${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      )
      paged.push(...page.items.map(({ path }) => path))
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(paged).toEqual(all)
  })

  it('with ten thousand entries is listed whole', async () => {
    await sandbox.run('mkdir /tmp/many; cd /tmp/many; seq 10000 | xargs touch; cd')
    let count = 0
    let cursor: string | null = ''
    do {
      const page = await sandbox.list(
        '/tmp/many',
        `&limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      )
      count += page.items.length
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(count).toBe(10_000)
  })

  it('is removed only when told to go all the way', async () => {
    await sandbox.run('mkdir -p /tmp/gone/a/b; touch /tmp/gone/a/b/c; mkdir /tmp/hollow')
    expect(await node.client.refusal('DELETE', sandbox.filePath('/tmp/gone'))).toMatchObject({
      status: 409,
      code: 'file.not_empty',
    })
    await node.client.ask('DELETE', `${sandbox.filePath('/tmp/gone')}&recursive=true`)
    await node.client.ask('DELETE', sandbox.filePath('/tmp/hollow'))
    expect(await sandbox.text('ls -d /tmp/gone /tmp/hollow 2>/dev/null || echo none')).toBe('none\n')
  })

  it('is removed without following a link out of it', async () => {
    await sandbox.run('mkdir -p /tmp/linked /tmp/target; touch /tmp/target/kept; ln -s /tmp/target /tmp/linked/out')
    await node.client.ask('DELETE', `${sandbox.filePath('/tmp/linked')}&recursive=true`)
    expect(await sandbox.text('ls /tmp/target')).toBe('kept\n')
  })
})

describe('move', () => {
  it('renames, and overwrites only when told to', async () => {
    await sandbox.put('from', 'one')
    await sandbox.put('to', 'two')
    const move = sandbox.path('/files/move')
    expect(await node.client.refusal('POST', move, { from: 'from', to: 'to' })).toMatchObject({
      status: 409,
      code: 'file.exists',
    })
    await node.client.ask('POST', move, { from: 'from', to: 'to', overwrite: true })
    expect((await sandbox.get('to')).toString()).toBe('one')
    expect((await node.client.request('GET', sandbox.filePath('from'))).status).toBe(404)
  })
})

describe('files and commands', () => {
  it('see each other at once', async () => {
    await sandbox.put('/tmp/seen', 'from outside')
    expect(await sandbox.text('cat /tmp/seen; echo from inside >/tmp/seen')).toBe('from outside')
    expect((await sandbox.get('/tmp/seen')).toString()).toBe('from inside\n')
  })

  it('work while a command runs and while the disk is full of processes', async () => {
    const slow = sandbox.run('sleep 1; echo slow')
    const begun = performance.now()
    await sandbox.put('/tmp/meanwhile', 'x')
    expect(performance.now() - begun).toBeLessThan(800)
    expect((await slow).stdout).toBe('slow\n')
  })
})
