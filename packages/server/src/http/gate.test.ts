import { describe, expect, it } from 'vitest'
import { Gate } from './gate.ts'

const gate = new Gate(['Atoll.Example', '10.0.0.7'])
const code = (host: string | undefined, origin?: string, url = '/') =>
  gate.refusal({ url, headers: { host, origin } })?.code

describe('the gate', () => {
  it.each([
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1:1',
    '127.9.9.9',
    '[::1]',
    '[::1]:8080',
    'atoll.example:443',
    '10.0.0.7',
  ])('lets a request to %s pass', (host) => {
    expect(code(host)).toBeUndefined()
  })

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'localhost.',
    '127.0.0.1.evil.example',
    '127.0.0.256',
    '0.0.0.0',
    '[::]',
    '::1',
    'localhost:8080:1',
    'localhost@evil.example',
    'localhost/',
    'localhost, evil.example',
  ])('refuses a request to %s, as a rebound name would send', (host) => {
    expect(code(host)).toBe('request.host_refused')
  })

  it('refuses an address that names a host of its own', () => {
    expect(code('localhost', undefined, 'http://evil.example/')).toBe('request.host_refused')
  })

  it.each(['http://localhost:3000', 'https://127.0.0.1', 'http://[::1]:8080', 'https://atoll.example'])(
    'lets a page of %s pass',
    (origin) => {
      expect(code('localhost', origin)).toBeUndefined()
    },
  )

  it.each([
    'null',
    '',
    'http://evil.example',
    'file://',
    'http://localhost.evil.example',
    'chrome-extension://localhost',
    'http://',
  ])('refuses a page of origin %j', (origin) => {
    expect(code('localhost', origin)).toBe('request.origin_refused')
  })
})
