import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
  await sandbox.run('cd /tmp; kept=1; declare -A map=([k]=v); f() { echo f; }')
})

const LIMIT_MS = 400
/** Single tries on a busy machine; 250 ms is the promise for 99 of 100, 500 ms for all. */
const WITHIN_MS = LIMIT_MS + 500

const daemon = (what: string): string => `python3 -c '
import os, signal, time
if os.fork() == 0:
  os.setsid()
  if os.fork() == 0:
    for s in range(1, 65):
      try: signal.signal(s, signal.SIG_IGN)
      except (OSError, ValueError): pass
    ${what}
    time.sleep(300)
  os._exit(0)'`

const hostile: readonly (readonly [name: string, text: string])[] = [
  ['sleeps', 'sleep 300'],
  ['loops in the shell', 'while :; do :; done'],
  ['loops in a child', 'yes >/dev/null'],
  ['ignores every signal', "trap '' TERM INT HUP QUIT; while :; do sleep 1; done"],
  ['has stopped itself', 'kill -STOP $$'],
  ['has stopped its child', 'sh -c "kill -STOP \\$\\$"'],
  ['has forked twice and left the session', `${daemon('pass')}; sleep 300`],
  ['has stopped its double-forked child', `${daemon('os.kill(os.getpid(), signal.SIGSTOP)')}; sleep 300`],
  ['has children under nohup, setsid and disown', 'nohup setsid sleep 300 & disown; sleep 300'],
  ['forks again and again', 'f2() { sleep 0.01; f2 & f2 & }; f2; sleep 300'],
  ['waits for a pipe that never ends', 'cat /dev/zero | sleep 300'],
  ['reads a FIFO that nobody writes', 'mkfifo /tmp/fifo; cat /tmp/fifo'],
  ['floods its output', 'yes'],
  ['waits for its own job', 'sleep 300 & wait'],
]

describe('a command past its limit that', () => {
  it.each(hostile)('%s is answered in time, and nothing of it lives on', async (_name, text) => {
    const begun = performance.now()
    const command = await sandbox.run({ command: `echo partial; echo error >&2; ${text}`, timeout_ms: LIMIT_MS })
    const took = performance.now() - begun
    expect(command.outcome).toEqual({ type: 'timed_out', limit_ms: LIMIT_MS })
    expect(command.stdout?.slice(0, 8)).toBe('partial\n')
    expect(command.stderr?.slice(0, 6)).toBe('error\n')
    expect(command.session_restarted).toBe(true)
    expect(took).toBeGreaterThanOrEqual(LIMIT_MS - 1)
    expect(took).toBeLessThan(WITHIN_MS)
    expect(await sandbox.text('pwd; echo $kept ${map[k]}; f')).toBe('/tmp\n1 v\nf\n')
    // Init, this shell and what it runs.
    expect(await processNames()).toEqual(['bash'])
  })

  it('began a job earlier loses what it began itself, not that job', async () => {
    await sandbox.run('sleep 298 & echo $! >/tmp/old')
    await sandbox.run({ command: 'sleep 299 & sleep 300', timeout_ms: LIMIT_MS })
    const left = await sandbox.text("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -oE 'sleep [0-9]+'")
    expect(left).toBe('sleep 298\n')
    expect(await sandbox.text('kill -0 $(cat /tmp/old) && echo alive')).toBe('alive\n')
  })

  it('changed variables and cwd leaves them as they were at its start', async () => {
    await sandbox.run({ command: 'cd /; kept=2; f() { :; }; sleep 300', timeout_ms: LIMIT_MS })
    expect(await sandbox.text('pwd; echo $kept; f')).toBe('/tmp\n1\nf\n')
  })
})

describe('a time-out', () => {
  it('in an argv command and in a fresh shell ends the whole tree too', async () => {
    const argv = ['sh', '-c', 'setsid sleep 300 & echo partial; sleep 300']
    expect(await sandbox.run({ argv, timeout_ms: LIMIT_MS })).toMatchObject({
      stdout: 'partial\n',
      outcome: { type: 'timed_out' },
    })
    const fresh = { command: 'setsid sleep 300 & echo partial; sleep 300', session: null, timeout_ms: LIMIT_MS }
    expect(await sandbox.run(fresh)).toMatchObject({ stdout: 'partial\n', outcome: { type: 'timed_out' } })
    expect(await processNames()).toEqual(['bash'])
  })

  it('in one session does not touch another', async () => {
    await node.client.ask('POST', sandbox.path('/sessions'), { name: 'two' })
    await sandbox.run({ command: 'x=2; sleep 297 &', session: 'two' })
    const slow = sandbox.run({ command: 'sleep 0.8; echo $x', session: 'two' })
    await sandbox.run({ command: 'sleep 300', timeout_ms: LIMIT_MS })
    expect(await slow).toMatchObject({ stdout: '2\n', session_restarted: false })
    expect(await sandbox.text({ command: 'kill -0 $! && echo alive', session: 'two' })).toBe('alive\n')
  })

  it('comes five times in a row without poisoning the session', async () => {
    for (let turn = 0; turn < 5; turn++) {
      const { outcome } = await sandbox.run({ command: "trap '' TERM; sleep 300", timeout_ms: 50 })
      expect(outcome).toEqual({ type: 'timed_out', limit_ms: 50 })
    }
    expect(await sandbox.text('pwd; echo $kept')).toBe('/tmp\n1\n')
  })

  it('is not told where a command ends by itself in time', async () => {
    expect((await sandbox.run({ command: 'sleep 0.1; exit 124', timeout_ms: 5000 })).outcome).toEqual({
      type: 'exited',
      exit_code: 124,
    })
    expect((await sandbox.run({ argv: ['sh', '-c', 'kill -9 $$'], timeout_ms: 5000 })).outcome).toEqual({
      type: 'signalled',
      signal: 'SIGKILL',
    })
  })

  it('does not count the time in the queue', async () => {
    const first = sandbox.run('sleep 0.6; echo first')
    const second = sandbox.run({ command: 'sleep 0.1; echo second', timeout_ms: LIMIT_MS })
    expect((await first).stdout).toBe('first\n')
    expect(await second).toMatchObject({ stdout: 'second\n', outcome: { type: 'exited', exit_code: 0 } })
  })
})

/** Of all processes inside, but init and the ones that look. */
async function processNames(): Promise<string[]> {
  const { stdout } = await sandbox.run(
    'for p in /proc/[0-9]*; do [ ${p#/proc/} = 1 ] || read -r n <$p/comm && [ ${p#/proc/} = 1 ] || echo $n; done',
  )
  return (stdout ?? '').split('\n').filter(Boolean)
}
