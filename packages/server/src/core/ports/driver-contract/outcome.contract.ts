import { expect } from 'vitest'

import { newCommandId } from '../../ids.ts'
import { type Bench, FOREVER, START, ENV, ALL_BYTES, bytes, out, err, type Test } from './bench.ts'

/** How commands end, and what they leave to read. */
export function outcomeTests(test: Test, bench: Bench): void {
  test('a command that exits 1 resolves, it does not reject', async () => {
    expect((await bench.run('false')).outcome).toEqual({ type: 'exited', exitCode: 1 })
  })

  test('stdout and stderr come apart', async () => {
    const record = await bench.run('echo out; echo err >&2')
    expect([out(record), err(record)]).toEqual(['out\n', 'err\n'])
  })

  test('merged, stderr goes where stdout goes', async () => {
    const record = await bench.run('echo one; echo two >&2; echo three', { merge: true })
    expect([out(record), err(record)]).toEqual(['one\ntwo\nthree\n', ''])
  })

  test('output beyond the maximum keeps head and tail and counts the rest', async () => {
    const record = await bench.run('printf begin; head -c 5000 /dev/zero; printf end', { maxBytes: 1000 })
    const [kept, zeros] = [out(record), 1000 - 'begin'.length - 'end'.length]
    expect(kept).toBe(`begin${'\0'.repeat(zeros)}end`)
    expect(record).toMatchObject({ stdoutDropped: 5000 - zeros, stderrDropped: 0 })
  })

  test('a maximum of nothing keeps nothing and counts all', async () => {
    const record = await bench.run('printf hello', { maxBytes: 0 })
    expect([out(record), record.stdoutDropped]).toEqual(['', 5])
  })

  test('output is kept byte by byte', async () => {
    await bench.files.put(bench.id, bytes('/tmp/all'), ALL_BYTES, {})
    expect(Buffer.from((await bench.run('cat /tmp/all')).stdout ?? [])).toEqual(ALL_BYTES)
  })

  test('standard input is what was given', async () => {
    expect(out(await bench.run('cat', { stdin: bytes('given') }))).toBe('given')
  })

  test('standard input is empty when nothing was given', async () => {
    expect(out(await bench.run('cat; echo end'))).toBe('end\n')
  })

  test('a command past its limit is timed_out, with its output, and the session goes on', async () => {
    await bench.run('cd /tmp; X=kept')
    const record = await bench.run(`echo before; X=changed; ${FOREVER}`, { timeoutMs: 300 })
    expect(record.outcome).toEqual({ type: 'timed_out', limitMs: 300 })
    expect([out(record), record.sessionRestarted]).toEqual(['before\n', true])
    expect(record.durationMs).toBeGreaterThanOrEqual(299)
    expect(out(await bench.run('pwd; echo $X'))).toBe('/tmp\nkept\n')
  })

  test('a killed command says by whom, and the session goes on', async () => {
    const request = bench.request(FOREVER)
    const running = bench.driver.run(bench.id, request)
    await bench.driver.kill(bench.id, request.id, 'somebody')
    expect((await running).outcome).toEqual({ type: 'killed', by: 'somebody' })
    expect(out(await bench.run('echo on'))).toBe('on\n')
  })

  test('a shell that kills itself is signalled, and the session goes on', async () => {
    const record = await bench.run('kill -9 $$')
    expect(record).toMatchObject({ outcome: { type: 'signalled', signal: 'SIGKILL' }, sessionRestarted: true })
    expect(out(await bench.run('echo on'))).toBe('on\n')
  })

  test('a finished command cannot be killed, signalled or fed', async () => {
    const request = bench.request('true')
    await bench.driver.run(bench.id, request)
    const gone = { code: 'command.finished' }
    await expect(bench.driver.kill(bench.id, request.id, 'test')).rejects.toMatchObject(gone)
    await expect(bench.driver.signal(bench.id, request.id, 15)).rejects.toMatchObject(gone)
    await expect(bench.driver.writeStdin(bench.id, request.id, bytes('x'), true)).rejects.toMatchObject(gone)
  })

  test('an unknown command is not found', async () => {
    const id = newCommandId()
    const unknown = { code: 'command.not_found' }
    await expect(bench.driver.command(bench.id, id)).rejects.toMatchObject(unknown)
    await expect(bench.driver.kill(bench.id, id, 'test')).rejects.toMatchObject(unknown)
    await expect(bench.driver.signal(bench.id, id, 15)).rejects.toMatchObject(unknown)
  })

  test('an argv runs without a shell', async () => {
    const record = await bench.run('', bench.argv('echo', '$HOME', '; exit 3'))
    expect(out(record)).toBe('$HOME ; exit 3\n')
    expect(record).toMatchObject({ outcome: { type: 'exited', exitCode: 0 }, cwd: undefined })
  })

  test('an argv has the environment that was given and no other', async () => {
    const record = await bench.run('', { ...bench.argv('env'), env: { PATH: ENV.PATH, ONLY: 'this' } })
    expect(out(record).trim().split('\n').sort()).toEqual(['ONLY=this', `PATH=${ENV.PATH}`])
  })

  test('a shell text of its own changes no session', async () => {
    const program = { type: 'shell', text: 'cd /tmp; X=1; pwd' } as const
    expect(out(await bench.run('', { program, cwd: START.cwd, env: ENV }))).toBe('/tmp\n')
    expect(out(await bench.run('pwd; echo "[$X]"'))).toBe('/workspace\n[]\n')
  })

  test('what is killed for memory is out_of_memory', async () => {
    const record = await bench.run('', { ...bench.argv('tail', '/dev/zero') })
    expect(record).toMatchObject({ outcome: { type: 'out_of_memory' }, oom: true })
  })

  test('finished commands are remembered, oldest first', async () => {
    const [first, second] = [bench.request('echo 1'), bench.request('echo 2')]
    await bench.driver.run(bench.id, first)
    await bench.driver.run(bench.id, second)
    expect((await bench.driver.commands(bench.id)).map(({ id }) => id)).toEqual([first.id, second.id])
    expect(out(await bench.driver.command(bench.id, first.id))).toBe('1\n')
  })
}
