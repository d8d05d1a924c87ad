import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

/** What the kernel says of a process that does nothing but ask. */
const ASK = 'grep -E "^Sig(Blk|Ign):" /proc/self/status'
const NONE = 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n'

describe('a command begins with no signal blocked and none ignored', () => {
  it('as argv', async () => {
    expect(await sandbox.text({ argv: ['grep', '-E', '^Sig(Blk|Ign):', '/proc/self/status'] })).toBe(NONE)
  })

  it('in a session', async () => {
    expect(await sandbox.text(ASK)).toBe(NONE)
    expect(await sandbox.text(`(${ASK})`)).toBe(NONE)
  })

  it('in a fresh shell', async () => {
    expect(await sandbox.text({ command: ASK, session: null })).toBe(NONE)
  })

  it('in the background of a session', async () => {
    const { id } = await sandbox.run({ command: ASK, background: true })
    expect((await sandbox.ended(id)).stdout).toBe(NONE)
  })

  it('in a session that was restarted', async () => {
    await sandbox.run('kill -9 $$')
    expect(await sandbox.text(ASK)).toBe(NONE)
  })
})

describe('a trap', () => {
  const catches = (signal: string): string =>
    `trap "echo caught; exit 5" ${signal}; echo up; while :; do sleep 0.05; done`

  it.each([
    ['in the background of a session', {}],
    ['in a fresh shell', { session: null }],
  ])('catches what the API sends: %s', async (_name, fields) => {
    for (const signal of ['SIGTERM', 'SIGUSR1', 'SIGHUP']) {
      const { id } = await sandbox.run({ command: catches(signal.slice(3)), background: true, ...fields })
      await sandbox.running('up\n')
      await node.client.ask('POST', sandbox.path(`/commands/${id}/signal`), { signal })
      expect(await sandbox.ended(id)).toMatchObject({
        stdout: 'up\ncaught\n',
        outcome: { type: 'exited', exit_code: 5 },
      })
    }
  })

  it('for CHLD fires in an argv command', async () => {
    const argv = [
      'python3',
      '-c',
      'import os, signal, time\nsignal.signal(signal.SIGCHLD, lambda *a: os.write(1, b"child\\n"))\nif os.fork() == 0: os._exit(0)\ntime.sleep(0.3)',
    ]
    expect(await sandbox.text({ argv })).toBe('child\n')
  })
})
