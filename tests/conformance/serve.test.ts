import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { nodeForTest, spawnCli } from '../support/node.ts'

const folder = mkdtempSync(join(tmpdir(), 'atoll-serve-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the CLI to its end. */
async function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawnCli(args, env)
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

describe('a start is stopped, and the culprit named, by', () => {
  it.each([
    [['--nosuch', '1'], '--nosuch'],
    [['--port', '99999'], '--port'],
    [['--port', 'x'], '--port'],
    [['--port'], '--port'],
    [['--host', '0.0.0.0'], '--host'],
    [['--host', '192.168.1.1'], '--host'],
    [['--host', '::'], '--host'],
    [['--max-timeout-ms', '-1'], '--max-timeout-ms'],
    [['stray'], 'stray'],
  ])('%j', async (flags, culprit) => {
    const { code, stdout, stderr } = await cli(['serve', '--data-dir', folder, ...flags])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(culprit)
    expect(readdirSync(folder)).toEqual([])
  })

  it('a variable of the environment', async () => {
    const { code, stderr } = await cli(['serve', '--data-dir', folder], { ATOLL_PORT: 'x' })
    expect(code).toBe(2)
    expect(stderr).toContain('ATOLL_PORT')
  })
})

describe('the manual', () => {
  it('names each option, its variable and its default', async () => {
    const { code, stdout } = await cli(['serve', '--help'])
    expect(code).toBe(0)
    for (const word of [
      '--host',
      'ATOLL_HOST',
      '127.0.0.1',
      '--port',
      'ATOLL_PORT',
      '8080',
      '--data-dir',
      '--pool-size',
      '--orphan-ttl-ms',
      '600000',
    ]) {
      expect(stdout).toContain(word)
    }
    expect((await cli(['nosuch'])).code).toBe(2)
  })
})

describe('two servers', () => {
  it('with folders of their own live side by side and see nothing of each other', async () => {
    const [one, two] = [await nodeForTest(), await nodeForTest()]
    const [first, second] = [await one.client.create(), await two.client.create()]
    expect((await two.client.request('GET', first.path())).status).toBe(404)
    expect(first.created.isolation.host_uid).not.toBe(second.created.isolation.host_uid)
    await one.kill('SIGINT')
    expect(await second.text('echo alive')).toBe('alive\n')
  })

  it('over one folder: the second is told, and the first serves on', async () => {
    const node = await nodeForTest()
    const sandbox = await node.client.create()
    const { code, stderr } = await cli(['serve', '--port', '0', '--data-dir', node.dataDir])
    expect(code).not.toBe(0)
    expect(stderr).not.toBe('')
    expect(await sandbox.text('echo alive')).toBe('alive\n')
  })
})
