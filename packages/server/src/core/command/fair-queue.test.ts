import { describe, expect, it } from 'vitest'

import { FairQueue, Lane, Share } from './fair-queue.ts'

/** Enters, and notes its name when it is let in or sent away. */
function user(queue: FairQueue, log: string[]) {
  return (name: string, share: Share, lane?: Lane) => {
    const turn = queue.enter(share, lane)
    if (turn === undefined) log.push(name)
    else void turn.then((granted) => log.push(granted ? name : `-${name}`))
  }
}

const settled = () => new Promise(setImmediate)

function open(slots: number, longestWait = 100) {
  const queue = new FairQueue({ slots, longestWait })
  const log: string[] = []
  return { queue, log, enter: user(queue, log) }
}

describe('the fair queue', () => {
  it('lets in at once while there are slots', () => {
    const { queue, log, enter } = open(2)
    for (const name of ['a', 'b', 'c']) enter(name, new Share())
    expect(log).toEqual(['a', 'b'])
    expect([queue.running, queue.waiting]).toEqual([2, 1])
  })

  it('lets in the next when one leaves', async () => {
    const { queue, log, enter } = open(1)
    for (const name of ['a', 'b', 'c']) enter(name, new Share())
    queue.leave()
    await settled()
    expect(log).toEqual(['a', 'b'])
    expect([queue.running, queue.waiting]).toEqual([1, 1])
  })

  it('lets sandboxes take turns, however much one asks for', async () => {
    const { queue, log, enter } = open(1)
    const [greedy, modest] = [new Share(), new Share()]
    for (const name of ['g1', 'g2', 'g3', 'g4']) enter(name, greedy)
    for (const name of ['m1', 'm2']) enter(name, modest)
    for (let left = 0; left < 5; left++) queue.leave()
    await settled()
    expect(log).toEqual(['g1', 'g2', 'm1', 'g3', 'm2', 'g4'])
  })

  it('runs the commands of a lane one at a time, in order of arrival', async () => {
    const { queue, log, enter } = open(10)
    const [share, lane] = [new Share(), new Lane()]
    for (const name of ['1', '2', '3']) enter(name, share, lane)
    expect(log).toEqual(['1'])
    queue.leave(lane)
    await settled()
    expect(log).toEqual(['1', '2'])
    queue.leave(lane)
    queue.leave(lane)
    await settled()
    expect(log).toEqual(['1', '2', '3'])
    expect([queue.running, queue.waiting, lane.busy]).toEqual([0, 0, false])
  })

  it('runs lanes of one sandbox side by side', () => {
    const { log, enter } = open(10)
    const share = new Share()
    enter('a', share, new Lane())
    enter('b', share, new Lane())
    expect(log).toEqual(['a', 'b'])
  })

  it('takes no slot for those behind the head of a lane', () => {
    const { queue, log, enter } = open(2)
    const [share, lane] = [new Share(), new Lane()]
    for (const name of ['a1', 'a2', 'a3']) enter(name, share, lane)
    enter('b', new Share())
    expect(log).toEqual(['a1', 'b'])
    expect(queue.running).toBe(2)
  })

  it('keeps the order of a lane when slots are short', async () => {
    const { queue, log, enter } = open(1)
    const [share, lane] = [new Share(), new Lane()]
    enter('other', new Share())
    for (const name of ['1', '2', '3']) enter(name, share, lane)
    queue.leave()
    for (let left = 0; left < 3; left++) queue.leave(lane)
    await settled()
    expect(log).toEqual(['other', '1', '2', '3'])
    expect(lane.busy).toBe(false)
  })

  it('refuses more than may wait of one sandbox, and only that one', () => {
    const { enter } = open(1, 2)
    const greedy = new Share()
    for (const name of ['runs', 'w1', 'w2']) enter(name, greedy)
    expect(() => enter('w3', greedy)).toThrow(expect.objectContaining({ code: 'limit.exceeded' }))
    expect(() => enter('other', new Share())).not.toThrow()
  })

  it('sends away all that wait in a share that ends', async () => {
    const { queue, log, enter } = open(1)
    const [share, lane] = [new Share(), new Lane()]
    enter('other', new Share())
    for (const name of ['1', '2']) enter(name, share, lane)
    enter('3', share)
    queue.cancelShare(share, [lane])
    await settled()
    expect(log).toEqual(['other', '-2', '-1', '-3'])
    expect(queue.waiting).toBe(0)
    enter('next', new Share())
    queue.leave()
    await settled()
    expect(log.at(-1)).toBe('next')
  })

  it('sends away those of a lane, its head too, and the lane is free', async () => {
    const { queue, log, enter } = open(1)
    const [share, lane] = [new Share(), new Lane()]
    enter('other', new Share())
    for (const name of ['1', '2']) enter(name, share, lane)
    queue.cancelLane(share, lane)
    queue.leave()
    await settled()
    expect(log).toEqual(['other', '-2', '-1'])
    enter('3', share, lane)
    expect(log.at(-1)).toBe('3')
  })

  it('a lane that is cancelled while its command runs lets the next in when that has left', async () => {
    const { queue, log, enter } = open(2)
    const [share, lane] = [new Share(), new Lane()]
    for (const name of ['1', '2']) enter(name, share, lane)
    queue.cancelLane(share, lane)
    enter('3', share, lane)
    await settled()
    expect(log).toEqual(['1', '-2'])
    queue.leave(lane)
    await settled()
    expect(log).toEqual(['1', '-2', '3'])
  })

  it('an occupied lane takes no slot, and lets the next in when it is vacated', async () => {
    const { queue, log, enter } = open(1)
    const lane = new Lane()
    queue.occupy(lane)
    enter('1', new Share(), lane)
    expect([log, queue.running]).toEqual([[], 0])
    queue.vacate(lane)
    await settled()
    expect([log, queue.running]).toEqual([['1'], 1])
  })
})
