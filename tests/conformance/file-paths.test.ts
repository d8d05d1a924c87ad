import { describe, expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'
import type { FileEntry } from '../support/wire.ts'

const node = await nodeForFile()
const sandbox = await node.client.create()
const root = await node.client.create({ user: 'root' })

/** The address of a file route whose path is any bytes. */
const raw = (bytes: Uint8Array, below = ''): string =>
  sandbox.path(`/files${below}?path=${[...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`)

const status = async (method: string, path: string, body?: unknown) =>
  (await node.client.request(method, path, body)).status

describe('a path', () => {
  it.each([
    ['relative', 'a/b.txt', '/workspace/a/b.txt'],
    ['absolute', '/tmp/abs.txt', '/tmp/abs.txt'],
    ['with .. inside', '/tmp/x/../dots.txt', '/tmp/dots.txt'],
    ['with .. beyond the root', '/../../../../tmp/beyond.txt', '/tmp/beyond.txt'],
    ['relative with .. beyond the root', '../../../tmp/rel.txt', '/tmp/rel.txt'],
    ['with doubled slashes and dots', '//tmp/.//./slashes.txt', '/tmp/slashes.txt'],
    ['with spaces, quotes and shell text', '/tmp/$(id) ; "q" \'s\' -rf *.txt', '/tmp/$(id) ; "q" \'s\' -rf *.txt'],
    ['with a newline, a tab and an escape', '/tmp/a\nb\tc\u001b[0m', '/tmp/a\nb\tc\u001b[0m'],
    ['in another script', '/tmp/données ☃ 🐚', '/tmp/données ☃ 🐚'],
    ['with a percent sign that looks encoded', '/tmp/%2e%2e%2fx', '/tmp/%2e%2e%2fx'],
    ['with backslashes', '/tmp/..\\..\\x', '/tmp/..\\..\\x'],
    ['that begins with a dash', '-rf', '/workspace/-rf'],
  ])('%s means a file inside', async (_name, path, place) => {
    if (path.includes('/x/..')) await sandbox.run('mkdir -p /tmp/x')
    await sandbox.put(path, place)
    expect((await sandbox.get(path)).toString()).toBe(place)
    expect((await sandbox.get(place)).toString()).toBe(place)
    expect(await sandbox.text({ argv: ['cat', place] })).toBe(place)
  })

  it('through symlinks made inside ends inside, whatever they name', async () => {
    await sandbox.run(`cd /workspace; ln -s / root; ln -s /etc/passwd passwd; ln -s ../../../../etc/hostname up
      ln -s /proc/self/root proc; ln -s /proc/1/root one; ln -s loop loop; ln -s /tmp tmp; echo inside >/tmp/inside`)
    const passwd = await sandbox.text('cat /etc/passwd')
    for (const path of ['passwd', 'root/etc/passwd', 'root/tmp/../etc/passwd', 'tmp/../etc/passwd']) {
      expect((await sandbox.get(path)).toString()).toBe(passwd)
    }
    expect(await sandbox.text('cat tmp/inside')).toBe('inside\n')
    for (const path of [
      'proc/etc/passwd',
      '/proc/self/root/etc/passwd',
      '/proc/1/root/etc/passwd',
      'one/etc/passwd',
      '/proc/self/cwd/x',
    ]) {
      const answer = await node.client.request<Uint8Array>('GET', sandbox.filePath(path))
      if (answer.status === 200) expect(Buffer.from(answer.body).toString()).toBe(passwd)
      else expect([400, 403, 404, 409]).toContain(answer.status)
    }
    expect([400, 404, 409]).toContain(await status('GET', sandbox.filePath('loop')))
  })

  it('to what only the host has is not found', async () => {
    for (const path of [
      node.dataDir,
      `${node.dataDir}/atoll.db`,
      '/root/.bashrc',
      `/proc/${process.pid}/environ`,
      '/var/lib/atoll',
    ]) {
      expect([403, 404]).toContain(await status('GET', sandbox.filePath(path)))
      expect([403, 404]).toContain(await status('GET', root.filePath(path)))
    }
  })

  it('that is not UTF-8 is taken byte by byte and comes back in a reversible form', async () => {
    const name = Buffer.from([0x2f, 0x74, 0x6d, 0x70, 0x2f, 0xff, 0xfe, 0x61])
    const entry = await node.client.ask<FileEntry>('PUT', raw(name), Buffer.from('odd'))
    expect(Buffer.from(entry.path_base64 ?? '', 'base64')).toEqual(name)
    expect(await sandbox.text("cat $'/tmp/\\xff\\xfea'")).toBe('odd')
    await sandbox.run("mkdir /tmp/odd; touch $'/tmp/odd/\\x80'")
    const [listed] = (await sandbox.list('/tmp/odd')).items
    expect(Buffer.from(listed?.path_base64 ?? '', 'base64')).toEqual(Buffer.from('/tmp/odd/\x80', 'latin1'))
    const again = sandbox.path(`/files/stat?path_base64=${encodeURIComponent(listed?.path_base64 ?? '')}`)
    expect(await node.client.ask('GET', again)).toMatchObject({ type: 'file', path_base64: listed?.path_base64 })
  })

  it('with a NUL, an empty one, none, and a too long one are 400', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? Buffer.from('x') : undefined
      expect(await status(method, sandbox.path('/files?path=a%00b'), body)).toBe(400)
      expect(await status(method, sandbox.path('/files?path='), body)).toBe(400)
      expect(await status(method, sandbox.path('/files'), body)).toBe(400)
      expect(await status(method, sandbox.filePath(`/${'x/'.repeat(2500)}`), body)).toBe(400)
    }
    expect(await status('POST', sandbox.path('/files/mkdir'), { path: 'a\0b' })).toBe(400)
    expect(await status('POST', sandbox.path('/files/move'), { from: 'a', to: 'b\0' })).toBe(400)
  })

  it('with a name that is too long for the kernel is 4xx', async () => {
    expect([400, 404, 409]).toContain(await status('PUT', sandbox.filePath(`/tmp/${'n'.repeat(256)}`), Buffer.from('')))
    expect(await status('PUT', sandbox.filePath(`/tmp/${'n'.repeat(255)}`), Buffer.from(''))).toBe(201)
  })
})

describe('what is no regular file', () => {
  it('a FIFO, a device, a socket and a folder are 409 at once, for reading and writing', async () => {
    await sandbox.run(
      'mkfifo /tmp/fifo; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'/tmp/socket\')"; mkdir -p /tmp/folder',
    )
    for (const path of ['/tmp/fifo', '/tmp/socket', '/dev/zero', '/dev/null', '/dev/urandom', '/tmp/folder', '/']) {
      const begun = performance.now()
      expect([path, await status('GET', sandbox.filePath(path))]).toEqual([path, 409])
      expect([path, await status('HEAD', sandbox.filePath(path))]).toEqual([path, 409])
      const put = await status('PUT', sandbox.filePath(path), Buffer.from('x'))
      expect([path, [403, 409].includes(put)]).toEqual([path, true])
      expect(performance.now() - begun).toBeLessThan(1500)
    }
    const types = Object.fromEntries((await sandbox.list('/tmp')).items.map(({ path, type }) => [path, type]))
    expect(types).toMatchObject({ '/tmp/fifo': 'fifo', '/tmp/socket': 'socket', '/tmp/folder': 'directory' })
  })

  it('files of /proc are read without hanging, or refused', async () => {
    for (const path of [
      '/proc/self/status',
      '/proc/1/environ',
      '/proc/1/mem',
      '/proc/kmsg',
      '/proc/self/pagemap',
      '/proc/kcore',
    ]) {
      const begun = performance.now()
      expect([200, 403, 404, 409]).toContain(await status('GET', sandbox.filePath(path)))
      expect(performance.now() - begun).toBeLessThan(2000)
    }
  })

  it('a symlink is followed for reading, shown as a link in a list, replaced or followed inside by a write', async () => {
    await sandbox.run('mkdir /tmp/links; cd /tmp/links; echo target >target; ln -s target link; ln -s nowhere dangling')
    expect((await sandbox.get('/tmp/links/link')).toString()).toBe('target\n')
    const { items } = await sandbox.list('/tmp/links')
    expect(items.map(({ path, type, link_target }) => [path, type, link_target])).toEqual([
      ['/tmp/links/dangling', 'symlink', 'nowhere'],
      ['/tmp/links/link', 'symlink', 'target'],
      ['/tmp/links/target', 'file', null],
    ])
    expect(await status('GET', sandbox.filePath('/tmp/links/dangling'))).toBe(404)
    await node.client.ask('DELETE', sandbox.filePath('/tmp/links/link'))
    expect(await sandbox.text('cat /tmp/links/target')).toBe('target\n')
  })
})

describe('what the user may not', () => {
  it('is 403: reading, writing and removing what belongs to root', async () => {
    await root.run('echo secret >/tmp/secret; chmod 600 /tmp/secret')
    expect(await status('PUT', sandbox.filePath('/etc/passwd'), Buffer.from('x'))).toBe(403)
    expect(await status('PUT', sandbox.filePath('/usr/bin/env'), Buffer.from('x'))).toBe(403)
    expect(await status('GET', sandbox.filePath('/root/x'))).toBe(403)
    expect(await status('DELETE', sandbox.filePath('/usr/bin/env'))).toBe(403)
    expect(await sandbox.text('head -c 4 /usr/bin/env | tail -c 3')).toBe('ELF')
  })

  it('the root of everything, a mount point and /proc cannot be removed', async () => {
    for (const each of [sandbox, root]) {
      for (const path of ['/', '.', '/proc', '/dev', '/usr', '/..']) {
        const answer = await node.client.request('DELETE', `${each.filePath(path)}&recursive=true`)
        if (path === '.') continue
        expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true])
      }
      expect(await each.text({ command: 'cd /; echo alive', cwd: '/' })).toBe('alive\n')
    }
  })
})
