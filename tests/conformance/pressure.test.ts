import { describe, expect, it } from 'vitest'
import type { Command, Page, Sandbox } from '../support/wire.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile('--max-concurrent-commands', '512')

const each = <T>(count: number, make: (number: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, number) => make(number)))

describe('under pressure', () => {
  it('more creates at once than the zygote takes are all answered', { timeout: 60_000 }, async () => {
    const sandboxes = await each(400, () => node.client.create())
    expect(new Set(sandboxes.map(({ id }) => id)).size).toBe(400)
    await each(400, (number) => sandboxes[number]?.delete() ?? Promise.resolve())
  })

  it('creates that cannot succeed are all refused, and leave room for those that can', async () => {
    const limits = { nofile: 1_048_576 }
    const refused = await each(60, () => node.client.request<Sandbox>('POST', '/v1/sandboxes', { limits }))
    for (const { status } of refused) expect(status).toBeGreaterThanOrEqual(400)
    expect(await (await node.client.create()).text('echo here')).toBe('here\n')
  })

  it('a time-out that meets the end of its command spoils no later command', { timeout: 60_000 }, async () => {
    const sandbox = await node.client.create()
    for (let round = 0; round < 60; round++) {
      const [raced, next] = await Promise.all([
        sandbox.run({ command: 'sleep 0.02', timeout_ms: 20 + (round % 5) }),
        sandbox.run(`echo ${round}`),
      ])
      expect(['exited', 'timed_out']).toContain(raced.outcome?.type)
      expect([next.outcome?.exit_code, next.stdout]).toEqual([0, `${round}\n`])
    }
  })

  it('the time-out of a command in a closed session does not reach the next session of that name', async () => {
    const sandbox = await node.client.create()
    await node.client.ask('POST', sandbox.path('/sessions'), { name: 'work' })
    const old = sandbox.run({ command: 'sleep 30', session: 'work', timeout_ms: 600 })
    await sandbox.running('')
    await node.client.ask('DELETE', sandbox.path('/sessions/work'))
    await node.client.ask('POST', sandbox.path('/sessions'), { name: 'work' })
    const innocent = await sandbox.run({ command: 'sleep 1; echo well', session: 'work' })
    expect([innocent.outcome?.exit_code, innocent.stdout]).toEqual([0, 'well\n'])
    expect((await old).outcome?.type).toBe('killed')
  })

  it('a thousand jobs that keep their pipes cost the sandbox nothing', { timeout: 60_000 }, async () => {
    const sandbox = await node.client.create({ limits: { pids: 2000, nofile: 256 } })
    for (let round = 0; round < 1100; round++) {
      const job = await sandbox.run('sleep 1000 & echo hi')
      expect([job.stdout, job.background_left]).toEqual(['hi\n', true])
    }
    expect(await sandbox.text('echo here')).toBe('here\n')
  })

  it('running texts of 8 MB are listed in short, and hide nothing from the server', { timeout: 60_000 }, async () => {
    const sandbox = await node.client.create()
    const command = `sleep 60 # ${'x'.repeat(7_900_000)}`
    for (let number = 0; number < 5; number++) await sandbox.run({ command, session: null, background: true })
    const { items } = await node.client.ask<Page<Command>>('GET', sandbox.path('/commands'))
    expect(items).toHaveLength(5)
    for (const listed of items) expect(listed.command).toMatch(/^sleep 60 # x{4000,5000}$/)
  })
})
