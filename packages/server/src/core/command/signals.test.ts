import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'

import { signalName, signalNumber } from './signals.ts'

describe('signals', () => {
  it('have the numbers that this system gives them', () => {
    const known = Object.entries(constants.signals).map(([name]) => [name, signalNumber(name)])
    expect(Object.fromEntries(known)).toEqual(constants.signals)
  })

  it('are known by their long and by their short name', () => {
    expect([signalNumber('SIGTERM'), signalNumber('TERM')]).toEqual([15, 15])
  })

  it('have one name each, which leads back to the number', () => {
    for (let number = 1; number <= 64; number++) {
      if (number !== 32 && number !== 33) expect(signalNumber(signalName(number))).toBe(number)
    }
  })

  it.each(['', 'SIG', 'sigterm', 'SIGNOPE', '9', 'SIGRTMIN+31', 'SIGRTMIN+', '__proto__', 'constructor'])(
    'do not answer to %j',
    (name) => {
      expect(signalNumber(name)).toBeUndefined()
    },
  )
})
