import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { systemClock } from './clock.ts'

const DAY_MS = 86_400_000

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('runs a task at its time, once', () => {
    const task = vi.fn()
    systemClock.after(100, task)
    vi.advanceTimersByTime(99)
    expect(task).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(task).toHaveBeenCalledOnce()
  })

  it('waits longer than a timer of Node can', () => {
    const task = vi.fn()
    systemClock.after(30 * DAY_MS, task)
    vi.advanceTimersByTime(30 * DAY_MS - 1)
    expect(task).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(task).toHaveBeenCalledOnce()
  })

  it('runs nothing that was cancelled, even late in a long wait', () => {
    const task = vi.fn()
    const cancel = systemClock.after(30 * DAY_MS, task)
    vi.advanceTimersByTime(29 * DAY_MS)
    cancel()
    cancel()
    vi.advanceTimersByTime(2 * DAY_MS)
    expect(task).not.toHaveBeenCalled()
  })
})
