import { describe, expect, it } from 'vitest'

import { baseEnvironment, changed, checkEnvironment } from './environment.ts'

describe('an environment', () => {
  it.each(['', 'a=b', '1A', 'A-B', 'BASH_FUNC_x%%', 'A\0B', 'ä', ' A'])('refuses the name %j', (name) => {
    expect(() => checkEnvironment('env', { [name]: '' })).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })

  it.each(['A', '_', '_x9', 'LD_PRELOAD', 'BASH_ENV'])('takes the name %j', (name) => {
    expect(checkEnvironment('env', { [name]: 'ü\n=' })).toEqual({ [name]: 'ü\n=' })
  })

  it('refuses a value with a NUL, and what the kernel finds too long', () => {
    const refused = expect.objectContaining({ code: 'request.invalid' }) as Error
    expect(() => checkEnvironment('env', { A: 'x\0y' })).toThrow(refused)
    expect(() => checkEnvironment('env', { A: 'x'.repeat(131_070) })).toThrow(refused)
    expect(() => checkEnvironment('env', { A: 'x'.repeat(131_069) })).not.toThrow()
  })

  it('refuses more than fits', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`A${index}`, 'x'.repeat(100_000)]))
    expect(() => checkEnvironment('env', many)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })

  it('names no value in an error', () => {
    expect(() => checkEnvironment('env', { 'BAD-NAME': 'secret' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') as string }),
    )
  })

  it('is changed by values, and null removes', () => {
    expect(changed({ A: '1', B: '2' }, { B: null, C: '3' })).toEqual({ A: '1', C: '3' })
  })

  it('keeps a variable named __proto__ as a variable', () => {
    const odd = JSON.parse('{"__proto__": "x"}') as Record<string, string>
    expect(Object.entries(changed({}, odd))).toEqual([['__proto__', 'x']])
  })

  it('begins with five names and no more', () => {
    expect(Object.keys(baseEnvironment('sandboxuser'))).toEqual(['PATH', 'HOME', 'USER', 'LANG', 'TERM'])
    expect(baseEnvironment('root')).toMatchObject({ HOME: '/root', USER: 'root' })
  })
})
