import { describe, expect, it } from 'vitest'
import { ConfigError, manual, readConfig } from './index.ts'
import { configSchema, flagOf, variableOf } from './schema.ts'

describe('the configuration', () => {
  it('is the defaults where nothing is given', () => {
    expect(readConfig([], {})).toMatchObject({ host: '127.0.0.1', port: 8080, poolSize: 0, orphanTtlMs: 600_000 })
  })

  it('takes the flag over the variable, and the variable over the default', () => {
    const environment = { ATOLL_PORT: '1', ATOLL_MAX_SANDBOXES: '2' }
    expect(readConfig(['--port', '3'], environment)).toMatchObject({ port: 3, maxSandboxes: 2 })
    expect(readConfig(['--port=4'], environment)).toMatchObject({ port: 4 })
  })

  it('takes lists between commas', () => {
    expect(readConfig(['--allowed-hosts', 'a.example, b.example'], {}).allowedHosts).toEqual(['a.example', 'b.example'])
  })

  it.each([
    [['--prot', '1'], '--prot'],
    [['8080'], '8080'],
    [['--port'], '--port'],
    [['--port', 'x'], '--port'],
    [['--port', '65536'], '--port'],
    [['--port', '-1'], '--port'],
    [['--port', '1.5'], '--port'],
    [['--port='], '--port'],
    [['--port', '1', '--port', '2'], '--port'],
    [['--host', ''], '--host'],
    [['--log-level', 'loud'], '--log-level'],
    [['--orphan-ttl-ms', '2147483648'], '--orphan-ttl-ms'],
    [['--default-timeout-ms', '9', '--max-timeout-ms', '8'], '--default-timeout-ms'],
    [['--__proto__', '1'], '--__proto__'],
  ])('refuses %j by name', (args, name) => {
    expect(() => readConfig(args, {})).toThrow(ConfigError)
    expect(() => readConfig(args, {})).toThrow(new RegExp(`^${name}: `))
  })

  it.each(['', 'x'])('refuses the variable ATOLL_PORT=%j by name', (value) => {
    expect(() => readConfig([], { ATOLL_PORT: value })).toThrow(/^ATOLL_PORT: /)
  })

  it('lowers a default that nobody gave to a lower maximum', () => {
    expect(readConfig(['--max-timeout-ms', '500'], {})).toMatchObject({ defaultTimeoutMs: 500, maxTimeoutMs: 500 })
  })

  it('keeps the state of users in their own folder', () => {
    const folder = readConfig([], { XDG_STATE_HOME: '/state' }).dataDir
    expect(folder).toBe(process.getuid?.() === 0 ? '/var/lib/atoll' : '/state/atoll')
  })
})

describe('the manual', () => {
  it.each(Object.entries(configSchema.shape))('tells flag, variable, meaning and default of %s', (key, field) => {
    expect(field.description).toMatch(/^[A-Z].*\.$/)
    expect(manual()).toContain(
      `  ${flagOf(key)} VALUE\n      ${field.description ?? ''}\n      ${variableOf(key)}, default: `,
    )
  })
})
