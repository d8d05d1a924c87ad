import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommandRecord } from '../../core/command/command.ts'
import type { CommandId, SandboxId } from '../../core/ids.ts'
import { silentLog } from '../../core/log.ts'
import type { SandboxDriver } from '../../core/ports/sandbox-driver.ts'
import { createNamespacesDriver } from './index.ts'
import { sandboxSpec, shellCommand } from './testing/wire-samples.ts'

const ONE = 'sbx_1' as SandboxId
const TWO = 'sbx_2' as SandboxId
const COMMAND = 'cmd_1' as CommandId

describe('the supervisor, as the driver keeps it', () => {
  let dataDir = ''
  let binary = ''
  const opened: SandboxDriver[] = []
  const lost: [string, string][] = []
  const finished: [string, CommandRecord][] = []
  const logged: string[] = []
  const log = { ...silentLog, error: (_fields: object, message: string) => logged.push(message) }

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'atoll-'))
    binary = join(dataDir, 'program')
    const program = join(import.meta.dirname, 'testing', 'stand-in-program.ts')
    await writeFile(binary, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
    await chmod(binary, 0o755)
    lost.length = 0
    logged.length = 0
    finished.length = 0
  })

  afterEach(async () => {
    for (const driver of opened.splice(0)) await driver.close('end')
    await rm(dataDir, { recursive: true })
  })

  const open = async () => {
    const driver = createNamespacesDriver({ dataDir, orphanTtlMs: 1000, binary, log, heartbeatTickMs: 10 })
    opened.push(driver)
    const living = await driver.start({
      onLost: (id, reason) => lost.push([id, reason]),
      onFinished: (id, record) => finished.push([id, record]),
    })
    return { driver, living }
  }

  const pidOf = async (driver: SandboxDriver) => Number((await driver.status()).facts['supervisor_pid'])

  it('is started where none answers, and found again where one does', async () => {
    const first = await open()
    expect(first.living).toEqual([])
    await first.driver.create(ONE, sandboxSpec)
    const pid = await pidOf(first.driver)
    await first.driver.close('leave')
    const second = await open()
    expect(second.living.map(({ id }) => id)).toEqual([ONE])
    expect(await pidOf(second.driver)).toBe(pid)
  })

  it('tells the end of a command that was adopted while it ran', async () => {
    const first = await open()
    await first.driver.create(ONE, sandboxSpec)
    await first.driver.runInBackground(ONE, shellCommand(COMMAND, 'forever', true))
    await first.driver.close('leave')
    const { driver, living } = await open()
    expect(living[0]?.running.map(({ id }) => id)).toEqual([COMMAND])
    await driver.kill(ONE, COMMAND, 'user')
    await vi.waitFor(() => expect(finished).toHaveLength(1))
    expect(finished[0]?.[1]).toMatchObject({ id: COMMAND, outcome: { type: 'killed', by: 'user' } })
  })

  it('takes its sandboxes with it when it is killed, and another one serves on', async () => {
    const { driver } = await open()
    await driver.create(ONE, sandboxSpec)
    await driver.create(TWO, sandboxSpec)
    const pid = await pidOf(driver)
    const running = driver.run(ONE, shellCommand(COMMAND, 'forever'))
    await driver.status()
    process.kill(pid, 'SIGKILL')
    await expect(running).resolves.toMatchObject({ id: COMMAND, outcome: { type: 'lost' } })
    expect(lost.map(([id]) => id)).toEqual([ONE, TWO])
    await driver.create(ONE, sandboxSpec)
    expect(await pidOf(driver)).not.toBe(pid)
  })

  it('that hangs is not waited for, and replaced when it stays so', async () => {
    const { driver } = await open()
    await driver.create(ONE, sandboxSpec)
    const pid = await pidOf(driver)
    void driver.signal(ONE, COMMAND, 19).catch(() => undefined)
    await vi.waitFor(() => expect(logged).toContain('the supervisor does not answer'), { timeout: 5000, interval: 5 })
    await expect(driver.status()).rejects.toThrow('does not answer')
    await vi.waitFor(() => expect(lost.map(([id]) => id)).toEqual([ONE]), { timeout: 5000 })
    await vi.waitFor(async () => expect(await pidOf(driver)).not.toBe(pid), { timeout: 5000 })
  })

  it('loses no command when only the connection ends', async () => {
    const { driver } = await open()
    await driver.create(ONE, sandboxSpec)
    const running = driver.run(ONE, shellCommand(COMMAND, 'forever'))
    // The stand-in drops the connection when it is fed.
    await expect(driver.writeStdin(ONE, COMMAND, Buffer.from('x'), false)).rejects.toMatchObject({
      code: 'runtime.unavailable',
    })
    await driver.kill(ONE, COMMAND, 'user')
    await expect(running).resolves.toMatchObject({ outcome: { type: 'killed', by: 'user' } })
    expect(lost).toEqual([])
  })

  it('is not left with a sandbox that no server knows', async () => {
    const { driver } = await open()
    await driver.create(ONE, sandboxSpec)
    await driver.writeStdin(ONE, COMMAND, Buffer.from('x'), false).catch(() => undefined)
    expect((await driver.status()).sandboxes).toBe(1)
    expect(lost).toEqual([])
  })

  it('is gone after an end, and so is everything it owned', async () => {
    const { driver } = await open()
    await driver.create(ONE, sandboxSpec)
    const pid = await pidOf(driver)
    await driver.close('end')
    await driver.close('end')
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
    await expect(driver.status()).rejects.toMatchObject({ code: 'runtime.unavailable' })
    expect(lost).toEqual([])
  })

  it('lets destroy of an unknown sandbox be a destroy', async () => {
    const { driver } = await open()
    await driver.destroy(ONE)
  })
})
