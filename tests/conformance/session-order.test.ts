import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile, nodeForTest } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

/** Sends them one after another without waiting for the answers: each is on its way before the next begins. */
async function inOrder<T>(count: number, send: (index: number) => Promise<T>): Promise<T[]> {
  const answers: Promise<T>[] = []
  for (let index = 0; index < count; index++) {
    answers.push(send(index))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return Promise.all(answers)
}

describe('commands of one session', () => {
  it('run one at a time in order of arrival, twenty at once', async () => {
    await sandbox.run('log=')
    const answers = await inOrder(20, (index) =>
      sandbox.run(`log="$log ${index}"; sleep 0.0$((RANDOM % 3)); echo ${index}`),
    )
    expect(answers.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`))
    expect(await sandbox.text('echo $log')).toBe(`${Array.from({ length: 20 }, (_, index) => index).join(' ')}\n`)
  })

  it('each get their own output', async () => {
    const nonces = Array.from({ length: 50 }, () => Math.random().toString(36))
    const answers = await Promise.all(nonces.map((nonce) => sandbox.run(`echo ${nonce}; echo ${nonce} >&2`)))
    expect(answers.map(({ stdout, stderr }) => `${stdout ?? ''}${stderr ?? ''}`)).toEqual(
      nonces.map((nonce) => `${nonce}\n${nonce}\n`),
    )
  })

  it('wait for a slow one, and a failing one stops none', async () => {
    const answers = await inOrder(3, (index) => sandbox.run(['sleep 0.4; false', 'exit 3', 'echo last'][index] ?? ''))
    expect(answers.map(({ outcome }) => outcome?.exit_code)).toEqual([1, 3, 0])
  })

  it('may be given up by their clients: the next one runs all the same', async () => {
    const gone = new AbortController()
    const first = fetch(`${node.client.url}${sandbox.path('/commands')}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: 'sleep 0.3; x=done' }),
      signal: gone.signal,
    })
    setTimeout(() => gone.abort(), 100)
    await expect(first).rejects.toThrow()
    expect(await sandbox.text('echo $x')).toBe('done\n')
  })
})

describe('side by side', () => {
  it('two sessions of a sandbox run', async () => {
    await node.client.ask('POST', sandbox.path('/sessions'), { name: 'two' })
    const begun = performance.now()
    // Each waits for what the other does.
    const [one, two] = await Promise.all([
      sandbox.run({ command: 'mkfifo /tmp/a; cat </tmp/a; echo one', timeout_ms: 5000 }),
      sandbox.run({
        command: 'until [ -p /tmp/a ]; do :; done; echo hello >/tmp/a; echo two',
        session: 'two',
        timeout_ms: 5000,
      }),
    ])
    expect([one.stdout, two.stdout]).toEqual(['hello\none\n', 'two\n'])
    expect(performance.now() - begun).toBeLessThan(4000)
  })

  it('argv commands and fresh shells run while a session is busy', async () => {
    const slow = sandbox.run('sleep 1; echo slow')
    const begun = performance.now()
    expect(await sandbox.text({ argv: ['echo', 'a b'] })).toBe('a b\n')
    expect(await sandbox.text({ command: 'echo fresh', session: null })).toBe('fresh\n')
    expect(performance.now() - begun).toBeLessThan(900)
    expect((await slow).stdout).toBe('slow\n')
  })

  it('twenty sandboxes run', async () => {
    const sandboxes = await Promise.all(Array.from({ length: 20 }, () => node.client.create()))
    const begun = performance.now()
    const answers = await Promise.all(sandboxes.map((each, index) => each.run(`sleep 0.5; echo ${index}`)))
    expect(performance.now() - begun).toBeLessThan(3000)
    expect(answers.map(({ stdout }) => stdout)).toEqual(sandboxes.map((_, index) => `${index}\n`))
    await Promise.all(sandboxes.map((each) => each.delete()))
  })
})

describe('more commands at once than may run', () => {
  it('wait in a queue that is not charged to them', async () => {
    const busy = await nodeForTest('--max-concurrent-commands', '2')
    const each = await busy.client.create()
    const sessions = Array.from({ length: 6 }, (_, index) => `s${index}`)
    for (const name of sessions) await busy.client.ask('POST', each.path('/sessions'), { name })
    const answers = await Promise.all(
      sessions.map((session) => each.run({ command: 'sleep 0.3; echo ok', session, timeout_ms: 600 })),
    )
    expect(answers.map(({ stdout }) => stdout)).toEqual(sessions.map(() => 'ok\n'))
    await each.delete()
  })
})
