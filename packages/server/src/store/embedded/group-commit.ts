import type { DatabaseSync } from 'node:sqlite'

import { storeError } from './store-error.ts'

interface Job {
  /** Does the work inside the transaction; gives what answers when that is durable. */
  readonly work: () => () => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the writes of one turn of the event loop into one transaction, so that many callers share one wait for the
 * disk. All of a group are durable, or none is and all are told why.
 */
export class GroupCommit {
  readonly #database: DatabaseSync
  #jobs: Job[] = []

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Resolves with what `change` gave, when it is durable. */
  write<T>(change: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const work = () => {
        const answer = change()
        return () => resolve(answer)
      }
      if (this.#jobs.push({ work, reject }) === 1) setImmediate(() => this.flush())
    })
  }

  /** Writes what has gathered, now. */
  flush(): void {
    const jobs = this.#jobs
    this.#jobs = []
    if (jobs.length === 0) return
    try {
      for (const answer of this.#commit(jobs)) answer()
    } catch (error) {
      const told = storeError(error)
      for (const job of jobs) job.reject(told)
    }
  }

  #commit(jobs: readonly Job[]): (() => void)[] {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const answers = jobs.map((job) => job.work())
      this.#database.exec('COMMIT')
      return answers
    } catch (error) {
      // SQLite itself rolls back after some failures; a second time would hide the first error.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}
