import { CoreError } from '../errors.ts'

interface Waiter {
  readonly share: Share
  readonly lane: Lane | undefined
  /** `true`: go on. `false`: sent away. */
  readonly grant: (granted: boolean) => void
}

/** One sandbox's part of the queue. */
export class Share {
  /** Heads of lanes and laneless commands, which compete for a slot. */
  readonly ready: Waiter[] = []
  /** All that wait, also those behind others in their lane. */
  waiting = 0
}

/** Commands that run one at a time in order of arrival: a session's. */
export class Lane {
  busy = false
  readonly waiting: Waiter[] = []
}

/**
 * Lets a bounded number of commands run at once. Sandboxes take turns, so one that asks for thousands does not delay
 * its neighbour's next command; of a lane only the head competes.
 * Whoever was let in calls `leave` exactly once.
 */
export class FairQueue {
  readonly #slots: number
  readonly #longest: number
  /** Shares with somebody ready, each once, the next to be served first. Empty while a slot is free. */
  readonly #ring: Share[] = []
  #running = 0
  #waiting = 0

  constructor(options: { readonly slots: number; readonly longestWait: number }) {
    this.#slots = options.slots
    this.#longest = options.longestWait
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  /**
   * `undefined`: go on at once. Else wait for the turn; `false` means sent away.
   * `limit.exceeded` when too many of the share wait already.
   */
  enter(share: Share, lane?: Lane): Promise<boolean> | undefined {
    const free = lane === undefined || !lane.busy
    if (!free || this.#running >= this.#slots) return this.#wait(share, lane, free)
    if (lane !== undefined) lane.busy = true
    this.#running++
    return undefined
  }

  /** Gives the slot and the lane back. */
  leave(lane?: Lane): void {
    this.#running--
    if (lane !== undefined) this.#advance(lane)
    this.#serve()
  }

  /** Holds a lane for a command that runs already, outside the slots. */
  occupy(lane: Lane): void {
    lane.busy = true
  }

  /** Ends what `occupy` began. */
  vacate(lane: Lane): void {
    this.#advance(lane)
    this.#serve()
  }

  /** Sends away all who wait in the lane. */
  cancelLane(share: Share, lane: Lane): void {
    this.#sendAway(lane.waiting.splice(0))
    const head = share.ready.findIndex((waiter) => waiter.lane === lane)
    if (head === -1) return
    this.#sendAway(share.ready.splice(head, 1))
    lane.busy = false
    if (share.ready.length === 0) this.#unlist(share)
  }

  /** Sends away all of the share who wait, in its lanes too. Nobody enters it again. */
  cancelShare(share: Share, lanes: Iterable<Lane>): void {
    for (const lane of lanes) this.#sendAway(lane.waiting.splice(0))
    this.#sendAway(share.ready.splice(0))
    this.#unlist(share)
  }

  #wait(share: Share, lane: Lane | undefined, free: boolean): Promise<boolean> {
    if (share.waiting >= this.#longest) {
      const details = { limit: 'commands_waiting', max: this.#longest }
      throw new CoreError('limit.exceeded', 'too many commands of this sandbox wait', details)
    }
    share.waiting++
    this.#waiting++
    return new Promise((grant) => {
      const waiter = { share, lane, grant }
      if (lane !== undefined && !free) {
        lane.waiting.push(waiter)
        return
      }
      if (lane !== undefined) lane.busy = true
      this.#compete(waiter)
    })
  }

  #advance(lane: Lane): void {
    const next = lane.waiting.shift()
    if (next === undefined) lane.busy = false
    else this.#compete(next)
  }

  #compete(waiter: Waiter): void {
    if (waiter.share.ready.push(waiter) === 1) this.#ring.push(waiter.share)
  }

  #serve(): void {
    while (this.#running < this.#slots) {
      const share = this.#ring.shift()
      const waiter = share?.ready.shift()
      if (share === undefined || waiter === undefined) return
      if (share.ready.length > 0) this.#ring.push(share)
      this.#running++
      this.#stopsWaiting(waiter)
      waiter.grant(true)
    }
  }

  #sendAway(waiters: readonly Waiter[]): void {
    for (const waiter of waiters) {
      this.#stopsWaiting(waiter)
      waiter.grant(false)
    }
  }

  #stopsWaiting(waiter: Waiter): void {
    waiter.share.waiting--
    this.#waiting--
  }

  #unlist(share: Share): void {
    const place = this.#ring.indexOf(share)
    if (place !== -1) this.#ring.splice(place, 1)
  }
}
