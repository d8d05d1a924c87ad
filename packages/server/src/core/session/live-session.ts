import { Lane } from '../command/fair-queue.ts'
import type { CommandId, SessionName } from '../ids.ts'
import type { SessionRecord } from '../ports/store.ts'

/** A session of a living sandbox. */
export class LiveSession {
  readonly record: SessionRecord
  readonly lane = new Lane()
  /** Whether the driver has its shell: it is started with the first command. */
  shell: 'closed' | 'open' = 'closed'
  /** It is being closed: nobody finds it any more, and its name is not free yet. */
  closing = false
  /** The foreground command that runs in it. */
  current: CommandId | undefined
  /** The shell is being started or ended; settles without a value. */
  changing: Promise<void> | undefined

  constructor(record: SessionRecord) {
    this.record = record
  }

  get name(): SessionName {
    return this.record.name
  }
}
