import { createServer } from 'node:http'
import { writeFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
const one = await node.client.create()
const two = await node.client.create()
const CANARY = `canary${crypto.randomUUID().replaceAll('-', '')}`

describe('two sandboxes see nothing of each other', () => {
  it('processes', async () => {
    await one.run(`sh -c 'exec -a ${CANARY} sleep 60' & bash -c 'exec -a ${CANARY} sleep 60' &`)
    expect(await one.text(`cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c ${CANARY}`)).not.toBe('0\n')
    const { stdout } = await two.run(
      "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; ps aux",
    )
    expect(stdout).not.toContain(CANARY)
    expect(await two.text('ls -d /proc/[0-9]* | wc -l')).toMatch(/^[2-4]\n$/)
  })

  it('files in any place that can be written', async () => {
    const places = '/tmp /workspace /home/sandboxuser /var/tmp /dev/shm /run/lock /run/shm'
    await one.run(`for p in ${places}; do echo ${CANARY} >$p/${CANARY}; done`)
    const { stdout } = await two.run(
      `find / -name '*${CANARY}*' -not -path '/proc/*' 2>/dev/null; grep -rs ${CANARY} ${places}`,
    )
    expect(stdout).toBe('')
  })

  it('unix sockets, abstract ones too, and TCP ports', async () => {
    const listen = `python3 -c '
import socket, time
a = socket.socket(socket.AF_UNIX); a.bind("\\0${CANARY}"); a.listen()
t = socket.socket(); t.bind(("127.0.0.1", 7777)); t.listen()
print("up", flush=True); time.sleep(60)' >/tmp/up & until grep -q up /tmp/up; do sleep 0.01; done`
    await one.run(listen)
    expect(
      await one.text('python3 -c \'import socket; socket.create_connection(("127.0.0.1", 7777)); print("open")\''),
    ).toBe('open\n')
    const probe = `python3 -c '
import socket
for f, a in ((socket.AF_UNIX, "\\0${CANARY}"), (socket.AF_INET, ("127.0.0.1", 7777))):
  try: socket.socket(f).connect(a); print("open")
  except OSError as e: print(e.errno)'; cat /proc/net/unix`
    expect(await two.text(probe)).toMatch(/^111\n111\n/)
    expect(await two.text('cat /proc/net/unix')).not.toContain(CANARY)
  })

  it('shared memory, semaphores and queues', async () => {
    const make = `python3 -c '
import ctypes, ctypes.util
c = ctypes.CDLL(None)
print(c.shmget(0x41544f4c, 4096, 0o1666) >= 0, c.msgget(0x41544f4c, 0o1666) >= 0, c.semget(0x41544f4c, 1, 0o1666) >= 0)'`
    expect(await one.text(make)).toBe('True True True\n')
    const look = `python3 -c '
import ctypes
c = ctypes.CDLL(None)
print(c.shmget(0x41544f4c, 0, 0), c.msgget(0x41544f4c, 0), c.semget(0x41544f4c, 0, 0))'`
    expect(await two.text(look)).toBe('-1 -1 -1\n')
  })

  it('user ids: no two are the same on the host', () => {
    const [first, second] = [one.created.isolation, two.created.isolation]
    expect(first.host_uids).toBe(65_536)
    expect(Math.abs(first.host_uid - second.host_uid)).toBeGreaterThanOrEqual(65_536)
  })

  it('namespaces: every one is its own', async () => {
    const look = 'readlink /proc/self/ns/*'
    const [a, b] = [(await one.text(look)).split('\n'), (await two.text(look)).split('\n')]
    expect(a.filter((name) => name !== '' && b.includes(name))).toEqual([])
  })

  it('nor does a third that comes after one of them', async () => {
    const before = await node.client.create()
    await before.run(`for p in /tmp /workspace /home/sandboxuser /dev/shm; do echo ${CANARY} >$p/after; done`)
    await before.delete()
    const after = await node.client.create()
    expect(await after.text('ls -A /tmp /workspace /home/sandboxuser /dev/shm')).not.toContain('after')
    await after.delete()
  })
})

describe('a sandbox sees of the host', () => {
  it('no file, no variable and no process with a secret', async () => {
    const word = `host${CANARY}`
    const secret = join(tmpdir(), word)
    writeFileSync(secret, word)
    const { stdout } = await one.run(
      `cat ${secret} /root/* /proc/1/environ /proc/1/cmdline 2>/dev/null; ls /root /home /var/lib /opt; env; mount; cat /proc/self/mountinfo`,
    )
    rmSync(secret)
    expect(stdout).not.toContain(word)
    expect(stdout).not.toContain(node.dataDir)
    expect(stdout).not.toContain(one.id)
  })

  it('no network: its own server and any listener of the host are out of reach', async () => {
    const server = createServer((_, answer) => answer.end(CANARY)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const own = new URL(node.client.url).port
    const probe = `python3 -c '
import socket
for port in (${port}, ${own}):
  try: socket.create_connection(("127.0.0.1", port), 1); print("open")
  except OSError as e: print("shut")'; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '`
    expect(await one.text(probe)).toBe('shut\nshut\nlo\n')
    server.close()
  })

  it('descriptors 0 to 2 only, no capability and no new privileges', async () => {
    expect(await one.text({ argv: ['ls', '/proc/self/fd'] })).toBe('0\n1\n2\n3\n')
    const status = await one.text(
      'grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):" /proc/self/status | cut -f2',
    )
    expect(status).toBe(
      '0000000000000000\n0000000000000000\n0000000000000000\n0000000000000000\n0000000000000000\n1\n2\n',
    )
  })

  it('system files that belong to root, and cannot change them', async () => {
    expect(await one.text('stat -c %U /usr /etc /etc/passwd /usr/bin/env | sort -u')).toBe('root\n')
    const { stderr } = await one.run(
      'echo x >/usr/bin/env; echo x >>/etc/passwd; mkdir /usr/x; mount -t tmpfs t /mnt; echo 1 >/proc/sys/kernel/sysrq',
    )
    expect(stderr?.split('\n').length).toBeGreaterThanOrEqual(5)
  })
})
