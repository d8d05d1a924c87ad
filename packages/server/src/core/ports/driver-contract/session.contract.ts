import { expect } from 'vitest'

import { MAIN_SESSION } from '../../ids.ts'
import { type Bench, FOREVER, START, ENV, OTHER, bytes, text, out, err, type Test } from './bench.ts'

/** What a session keeps, and what it keeps apart. */
export function sessionTests(test: Test, bench: Bench): void {
  test('cwd, exported and plain variables stay between commands', async () => {
    await bench.run('cd /tmp; export A=1; B=2')
    expect(out(await bench.run('pwd; echo $A $B'))).toBe('/tmp\n1 2\n')
  })

  test('a session starts with its cwd and its environment', async () => {
    await bench.driver.openSession(bench.id, OTHER, { cwd: bytes('/tmp'), env: { ...ENV, GREETING: 'hi' } })
    const program = { type: 'session', session: OTHER, text: 'pwd; echo $GREETING $HOME' } as const
    expect(out(await bench.run('', { program }))).toBe('/tmp\nhi /home/sandboxuser\n')
  })

  test('two sessions of a sandbox have a state each', async () => {
    await bench.driver.openSession(bench.id, OTHER, START)
    await bench.run('X=main')
    expect(out(await bench.run('', { program: { type: 'session', session: OTHER, text: 'echo "[$X]"' } }))).toBe('[]\n')
  })

  test('two sessions of a sandbox run side by side', async () => {
    await bench.driver.openSession(bench.id, OTHER, START)
    const slow = bench.request(FOREVER)
    const stuck = bench.driver.run(bench.id, slow)
    expect(out(await bench.run('', { program: { type: 'session', session: OTHER, text: 'echo on' } }))).toBe('on\n')
    await bench.driver.kill(bench.id, slow.id, 'test')
    await stuck
  })

  test('$? is that of the command before', async () => {
    await bench.run('false')
    expect(out(await bench.run('echo $?'))).toBe('1\n')
  })

  test('exit answers its code, and the session goes on with its state', async () => {
    expect((await bench.run('cd /tmp; X=1; exit 7')).outcome).toEqual({ type: 'exited', exitCode: 7 })
    expect(out(await bench.run('pwd; echo $X'))).toBe('/tmp\n1\n')
  })

  test('env and cwd of one command are put back after it', async () => {
    const record = await bench.run('echo $ONCE; pwd', { env: { ONCE: 'now' }, cwd: bytes('/tmp') })
    expect(out(record)).toBe('now\n/tmp\n')
    expect(out(await bench.run('echo "[$ONCE]"; pwd'))).toBe('[]\n/workspace\n')
  })

  test('a command tells the cwd that it leaves', async () => {
    expect(text((await bench.run('cd /tmp')).cwd)).toBe('/tmp')
  })

  test('a text with an open quote fails, and the session goes on', async () => {
    expect((await bench.run("echo 'open")).outcome).not.toEqual({ type: 'exited', exitCode: 0 })
    expect(out(await bench.run('echo on'))).toBe('on\n')
  })

  test('a session that is open cannot be opened', async () => {
    const opening = bench.driver.openSession(bench.id, MAIN_SESSION, START)
    await expect(opening).rejects.toMatchObject({ code: 'session.exists' })
  })

  test('a session that is not open cannot run or be closed', async () => {
    const program = { type: 'session', session: OTHER, text: 'true' } as const
    await expect(bench.run('', { program })).rejects.toMatchObject({ code: 'session.not_found' })
    const closing = bench.driver.closeSession(bench.id, OTHER)
    await expect(closing).rejects.toMatchObject({ code: 'session.not_found' })
  })

  test('a closed session opens afresh', async () => {
    await bench.run('X=1')
    await bench.driver.closeSession(bench.id, MAIN_SESSION)
    await bench.driver.openSession(bench.id, MAIN_SESSION, START)
    expect(out(await bench.run('echo "[$X]"'))).toBe('[]\n')
  })

  test('closing a session ends its command', async () => {
    const running = bench.run(FOREVER)
    await bench.driver.closeSession(bench.id, MAIN_SESSION)
    expect((await running).outcome?.type).not.toBe('exited')
  })

  test('a background job neither delays the answer nor speaks in it', async () => {
    const record = await bench.run(`${FOREVER} & echo hi`)
    expect(record).toMatchObject({ outcome: { type: 'exited', exitCode: 0 }, backgroundLeft: true })
    expect([out(record), err(record)]).toEqual(['hi\n', ''])
  })
}
