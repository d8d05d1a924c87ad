import { expect } from 'vitest'

import { MAIN_SESSION } from '../../ids.ts'
import type { LivingSandbox } from '../sandbox-driver.ts'
import { type Bench, FOREVER, bytes, out, type Test } from './bench.ts'

/** What a restarted server finds. */
export function restartTests(test: Test, bench: Bench): void {
  const mine = (living: readonly LivingSandbox[]) => living.find(({ id }) => id === bench.id)

  test('a sandbox survives a restart of the server, with its sessions and their state', async () => {
    await bench.run('cd /tmp; X=kept')
    const living = mine(await bench.restart())
    expect(living?.sessions.map((session) => session.name)).toEqual([MAIN_SESSION])
    expect(out(await bench.run('pwd; echo $X'))).toBe('/tmp\nkept\n')
  })

  test('a command that runs survives a restart of the server, and its end is told to the next one', async () => {
    const background = await bench.start('echo begun; cat')
    const living = mine(await bench.restart())
    expect(living?.running.map(({ id, outcome }) => [id, outcome])).toEqual([[background.id, undefined]])
    await bench.driver.writeStdin(bench.id, background.id, bytes('and ended'), true)
    const { id } = await bench.ended(background)
    expect(out(await bench.driver.command(bench.id, id))).toBe('begun\nand ended')
  })

  test('a foreground command that runs is adopted, and its end is told', async () => {
    const request = bench.request(FOREVER)
    const cut = bench.driver.run(bench.id, request).catch((error: unknown) => error)
    await bench.driver.command(bench.id, request.id)
    const living = mine(await bench.restart())
    await cut
    expect(living?.running.map(({ id }) => id)).toEqual([request.id])
    await bench.driver.kill(bench.id, request.id, 'next')
    expect((await bench.ended(request)).outcome).toEqual({ type: 'killed', by: 'next' })
  })

  test('finished commands are known after a restart of the server', async () => {
    const request = bench.request('echo kept')
    await bench.driver.run(bench.id, request)
    await bench.restart()
    expect(out(await bench.driver.command(bench.id, request.id))).toBe('kept\n')
  })

  test('a destroyed sandbox is not among those that live', async () => {
    await bench.driver.destroy(bench.id)
    expect(mine(await bench.restart())).toBeUndefined()
  })
}
