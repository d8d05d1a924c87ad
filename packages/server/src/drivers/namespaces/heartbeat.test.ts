import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Heartbeat } from './heartbeat.ts'

describe('Heartbeat', () => {
  let heard = 0
  const told: string[] = []
  let heartbeat: Heartbeat

  beforeEach(() => {
    vi.useFakeTimers()
    heard = 0
    told.length = 0
    heartbeat = new Heartbeat({
      ask: () => {
        told.push('asked')
        return new Promise(() => undefined)
      },
      heard: () => heard,
      onHung: () => told.push('hung'),
      onBack: () => told.push('back'),
      onDead: () => told.push('dead'),
      tickMs: 1000,
    })
  })

  afterEach(() => {
    heartbeat.stop()
    vi.useRealTimers()
  })

  const ticks = (count: number) => vi.advanceTimersByTime(count * 1000)

  it('asks nothing of a supervisor that is heard anyway', () => {
    for (let tick = 0; tick < 20; tick++) {
      heard++
      ticks(1)
    }
    expect(told).toEqual([])
  })

  it('asks once after a short silence', () => {
    ticks(9)
    expect(told).toEqual(['asked'])
  })

  it('tells of a supervisor that does not answer, and later that it is dead', () => {
    ticks(14)
    expect(told).toEqual(['asked', 'hung'])
    ticks(20)
    expect(told).toEqual(['asked', 'hung', 'dead'])
  })

  it('tells of one that answers again', () => {
    ticks(14)
    heard++
    ticks(1)
    expect(told).toEqual(['asked', 'hung', 'back'])
  })

  it('does not take its own pause for silence of the other', () => {
    heard++
    ticks(1)
    // Timers that were due while the process was stopped fire once.
    vi.setSystemTime(Date.now() + 60_000)
    ticks(1)
    expect(told).toEqual([])
  })

  it('says nothing after its stop', () => {
    heartbeat.stop()
    ticks(50)
    expect(told).toEqual([])
  })
})
