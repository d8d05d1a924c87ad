import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import type { Report } from '../../bench/report.ts'
import { allProcesses } from '../support/processes.ts'

const MAIN = resolve(import.meta.dirname, '../../bench/main.ts')
const run = promisify(execFile)

/** A temporary folder of its own, so that what others leave behind is not taken for ours. */
const temporary = mkdtempSync(join(tmpdir(), 'atoll-test-'))
const env = { PATH: process.env['PATH'] ?? '', TMPDIR: temporary }
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

const processesOfOurs = (): string[] =>
  allProcesses()
    .map(({ arguments: words }) => words.join(' '))
    .filter((line) => line.includes(temporary))

describe('the bench', () => {
  it('measures a row, prints a table, writes JSON and leaves nothing', async () => {
    const json = join(temporary, 'result.json')
    const { stdout } = await run(process.execPath, [MAIN, '--quick', '--only', 'builtin', '--json', json], { env })
    expect(stdout).toMatch(/^\| builtin: echo hi, alone +\| +[\d.]+ \|/m)
    const { quick, figures } = JSON.parse(readFileSync(json, 'utf8')) as Report
    expect(quick).toBe(true)
    expect(figures.map(({ name }) => name)).toEqual(['builtin: echo hi, alone', 'builtin: echo hi, 32 in flight'])
    expect(figures.every(({ p50Ms = 0, perSecond = 0 }) => p50Ms > 0 && perSecond > 0)).toBe(true)
    expect(processesOfOurs()).toEqual([])
    expect(readdirSync(temporary)).toEqual(['result.json'])
  })

  it('that is interrupted fails, and ends everything that it started', async () => {
    const before = readdirSync(temporary)
    const bench = spawn(process.execPath, [MAIN, '--only', 'builtin'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(bench, 'exit')
    // The row has begun when it is told; its server follows.
    await once(bench.stderr.setEncoding('utf8'), 'data')
    await expect.poll(() => processesOfOurs().length, { timeout: 15_000 }).toBeGreaterThan(1)
    bench.kill('SIGINT')
    expect(await ended).toEqual([1, null])
    expect(processesOfOurs()).toEqual([])
    expect(readdirSync(temporary)).toEqual(before)
  })

  it('refuses a row that there is not, by its name', async () => {
    const refused = run(process.execPath, [MAIN, '--only', 'nothing'], { env })
    await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('nothing') as string })
  })
})
