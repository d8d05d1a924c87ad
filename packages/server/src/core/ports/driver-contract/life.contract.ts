import { expect } from 'vitest'

import { newSandboxId } from '../../ids.ts'
import { type Bench, FOREVER, SPEC, MIB, bytes, out, type Test } from './bench.ts'

/** Making and ending sandboxes. */
export function lifeTests(test: Test, bench: Bench): void {
  test('create tells the limits that were applied', async () => {
    const id = newSandboxId()
    const isolation = await bench.driver.create(id, SPEC)
    expect(isolation).toMatchObject({ driver: bench.driver.name, pids: 64, cpus: 1 })
    expect(isolation.memoryBytes).toBeGreaterThanOrEqual(128 * MIB)
    await bench.driver.destroy(id)
  })

  test('destroy twice is one destroy', async () => {
    await bench.driver.destroy(bench.id)
    await bench.driver.destroy(bench.id)
  })

  test('a sandbox that was never made can be destroyed', () => bench.driver.destroy(newSandboxId()))

  test('a destroyed sandbox is not found', async () => {
    await bench.driver.destroy(bench.id)
    await expect(bench.run('true')).rejects.toMatchObject({ code: 'sandbox.not_found' })
    await expect(bench.files.stat(bench.id, bytes('/workspace'), { follow: true })).rejects.toMatchObject({
      code: 'sandbox.not_found',
    })
  })

  test('a command that runs when its sandbox is destroyed does not hang', async () => {
    const [ran] = await Promise.allSettled([bench.run(FOREVER), bench.driver.destroy(bench.id)])
    if (ran.status === 'fulfilled') expect(ran.value.outcome?.type).not.toBe('exited')
  })

  test('status counts the sandboxes', async () => {
    const { sandboxes } = await bench.driver.status()
    await bench.newSandbox()
    expect((await bench.driver.status()).sandboxes).toBe(sandboxes + 1)
  })

  test('two sandboxes see nothing of each other', async () => {
    const other = await bench.newSandbox()
    await bench.run('echo secret > /tmp/note')
    const path = bytes('/tmp/note')
    await expect(bench.files.stat(other, path, { follow: true })).rejects.toMatchObject({ code: 'file.not_found' })
  })

  test('a sandbox that dies is told to be lost, with its reason', async () => {
    await bench.harness.crash(bench.id)
    expect(await bench.heard(() => bench.lost.get(bench.id))).not.toBe('')
  })

  test('a command that runs when its sandbox dies ends as lost', async () => {
    const request = bench.request(FOREVER)
    const running = bench.driver.run(bench.id, request)
    await bench.driver.command(bench.id, request.id)
    await bench.harness.crash(bench.id)
    expect((await running).outcome?.type).toBe('lost')
  })

  test('the neighbour of a sandbox that dies notices nothing', async () => {
    const neighbour = await bench.newSandbox()
    await bench.harness.crash(bench.id)
    await bench.heard(() => bench.lost.get(bench.id))
    const record = await bench.driver.run(neighbour, bench.request('', bench.argv('echo', 'here')))
    expect(out(record)).toBe('here\n')
  })
}
