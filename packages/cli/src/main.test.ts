import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const atoll = (...args: readonly string[]) => {
  const main = new URL('main.ts', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('atoll', () => {
  it('says how it is used', () => {
    expect(atoll('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('atoll serve') as string })
  })

  it('serve --help is the manual of every option', () => {
    expect(atoll('serve', '--help').stdout).toContain('--max-timeout-ms VALUE')
  })

  it('tells its version', () => {
    expect(atoll('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each([
    [['sevre'], 'sevre: no such command'],
    [['serve', '--prot', '1'], '--prot: no such option'],
    [['serve', '--port', 'x'], '--port: '],
    [['serve', '--host', '0.0.0.0'], '--host: 0.0.0.0 is not a loopback address'],
    [['serve', '--host', '::'], '--host: :: is not a loopback address'],
    [['serve', '--host', '192.168.0.1'], '--host: '],
    [['serve', '--host', 'localhost.example'], '--host: '],
  ])('%j is refused with status 2 and the name of what is wrong', (args, message) => {
    const { status, stdout, stderr } = atoll(...args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(`atoll: ${message}`)
  })
})
