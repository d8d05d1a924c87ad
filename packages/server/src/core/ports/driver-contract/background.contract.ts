import { expect } from 'vitest'

import { type Bench, FOREVER, bytes, out, type Test } from './bench.ts'

/** Commands that nobody waits for. */
export function backgroundTests(test: Test, bench: Bench): void {
  test('the end of a background command is told', async () => {
    const record = await bench.ended(await bench.start('echo done; exit 3'))
    expect(record).toMatchObject({ background: true, outcome: { type: 'exited', exitCode: 3 } })
    const kept = await bench.driver.command(bench.id, record.id)
    expect([out(kept), kept.outcome]).toEqual(['done\n', { type: 'exited', exitCode: 3 }])
  })

  test('a background command is known while it runs', async () => {
    const request = await bench.start(FOREVER)
    expect((await bench.driver.command(bench.id, request.id)).outcome).toBeUndefined()
    await bench.driver.kill(bench.id, request.id, 'test')
    expect((await bench.ended(request)).outcome).toEqual({ type: 'killed', by: 'test' })
  })

  test('a background command starts from the state of its session, holds it not and changes none of it', async () => {
    await bench.run('X=shared')
    const request = await bench.start('echo $X; X=changed; cat')
    expect(out(await bench.run('echo $X'))).toBe('shared\n')
    await bench.driver.writeStdin(bench.id, request.id, bytes(''), true)
    expect(out(await bench.driver.command(bench.id, (await bench.ended(request)).id))).toBe('shared\n')
  })

  test('a background command is fed until the end of its input', async () => {
    const request = await bench.start('', bench.argv('cat'))
    await bench.driver.writeStdin(bench.id, request.id, bytes('one '), false)
    await bench.driver.writeStdin(bench.id, request.id, bytes('two'), true)
    const { id, outcome } = await bench.ended(request)
    expect([out(await bench.driver.command(bench.id, id)), outcome]).toEqual([
      'one two',
      { type: 'exited', exitCode: 0 },
    ])
  })

  test('input behind its end is refused', async () => {
    const request = await bench.start(`cat; ${FOREVER}`)
    await bench.driver.writeStdin(bench.id, request.id, bytes(''), true)
    const late = bench.driver.writeStdin(bench.id, request.id, bytes('x'), false)
    await expect(late).rejects.toMatchObject({ code: 'command.stdin_closed' })
  })

  test('a signalled command says by which signal it ended', async () => {
    const request = await bench.start('', bench.argv('sleep', '600'))
    await bench.driver.signal(bench.id, request.id, 15)
    expect((await bench.ended(request)).outcome).toEqual({ type: 'signalled', signal: 'SIGTERM' })
  })

  test('a background command has a time limit too', async () => {
    const request = await bench.start(FOREVER, { timeoutMs: 200 })
    expect((await bench.ended(request)).outcome).toEqual({ type: 'timed_out', limitMs: 200 })
  })
}
