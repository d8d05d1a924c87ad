import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startSupervisor, supervisorSocket } from './supervisor-process.ts'

describe('startSupervisor', () => {
  let dataDir = ''

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'atoll-'))
  })

  afterEach(() => rm(dataDir, { recursive: true }))

  const start = async (script: string): Promise<void> => {
    const binary = join(dataDir, 'program')
    await writeFile(binary, `#!/bin/sh\n${script}\n`)
    await chmod(binary, 0o755)
    return startSupervisor({ dataDir, orphanTtlMs: 5000, binary })
  }

  const output = (name: string) => readFile(join(dataDir, 'box', name), 'utf8')

  it('resolves when the program says that it is ready', async () => {
    await start('echo ready')
  })

  it('names the data folder and the time without a server, and gives an empty environment', async () => {
    await start('echo "$* $ATOLL_PORT $HOME" >&2; echo ready')
    expect(await output('supervisor.log')).toBe(`supervisor --data-dir ${dataDir} --orphan-ttl-ms 5000  \n`)
  })

  it('keeps what the program has to say later in its log, readable by its owner only', async () => {
    await start('echo first >&2; echo ready')
    await start('echo second >&2; echo ready')
    expect(await output('supervisor.log')).toBe('first\nsecond\n')
  })

  it('starts the program in a session of its own', async () => {
    await start('cut -d" " -f1,6 /proc/$$/stat >&2; echo ready')
    const [pid, session] = (await output('supervisor.log')).trim().split(' ')
    expect(session).toBe(pid)
  })

  it('rejects with the reason that the program gives', async () => {
    await expect(start('echo "error: no cgroup tree can be written"; exit 1')).rejects.toMatchObject({
      code: 'runtime.unavailable',
      message: 'no cgroup tree can be written',
    })
  })

  it('rejects when the program ends without a word', async () => {
    await expect(start('exit 3')).rejects.toThrow('exit code 3')
  })

  it('rejects when there is no such program, naming it', async () => {
    const binary = join(dataDir, 'missing')
    await expect(startSupervisor({ dataDir, orphanTtlMs: 0, binary })).rejects.toThrow(binary)
  })

  it('refuses a data folder whose socket the kernel could not name', () => {
    expect(() => supervisorSocket(`/${'a'.repeat(100)}`)).toThrow('too long')
  })
})
