import { describe, expect, it } from 'vitest'

import { mayMove, NEXT_STATES } from './life.ts'

describe('the life cycle', () => {
  it('has no way back and no way to stay', () => {
    const seen = new Set<string>()
    const walk = (state: keyof typeof NEXT_STATES, trail: readonly string[]) => {
      expect(trail).not.toContain(state)
      seen.add(state)
      for (const next of NEXT_STATES[state]) walk(next, [...trail, state])
    }
    walk('creating', [])
    expect([...seen].sort()).toEqual(Object.keys(NEXT_STATES).sort())
  })

  it('lets only what runs be stopped', () => {
    expect([mayMove('running', 'stopped'), mayMove('creating', 'stopped'), mayMove('stopped', 'running')]).toEqual([
      true,
      false,
      false,
    ])
  })
})
