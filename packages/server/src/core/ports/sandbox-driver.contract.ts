import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { backgroundTests } from './driver-contract/background.contract.ts'
import { Bench, type DriverHarness } from './driver-contract/bench.ts'
import { fileTests } from './driver-contract/file.contract.ts'
import { lifeTests } from './driver-contract/life.contract.ts'
import { outcomeTests } from './driver-contract/outcome.contract.ts'
import { restartTests } from './driver-contract/restart.contract.ts'
import { sessionTests } from './driver-contract/session.contract.ts'

export type { DriverHarness }

/** One driver to be held to the contract. */
export interface DriverContract {
  readonly name: string
  readonly open: () => Promise<DriverHarness>
  /** Title of a test → why this driver cannot pass it. A title that no test has fails the suite. */
  readonly skip?: Readonly<Record<string, string>>
}

/** What core relies on; every driver passes all of it but what it skips by name. */
export function driverContract({ name, open, skip = {} }: DriverContract): void {
  describe(`driver ${name}`, () => {
    const bench = new Bench(open)
    const titles = new Set<string>()
    const test = (title: string, body: () => Promise<void>) => {
      titles.add(title)
      const reason = Object.hasOwn(skip, title) ? skip[title] : undefined
      if (reason === undefined) it(title, body)
      else it.skip(`${title}: ${reason}`, body)
    }
    beforeAll(() => bench.setUp())
    afterAll(() => bench.tearDown())
    beforeEach(() => bench.freshSandbox())
    afterEach(() => bench.removeSandboxes())

    lifeTests(test, bench)
    sessionTests(test, bench)
    outcomeTests(test, bench)
    backgroundTests(test, bench)
    fileTests(test, bench)
    restartTests(test, bench)

    it('skips only tests that are there', () => {
      expect(Object.keys(skip).filter((title) => !titles.has(title))).toEqual([])
    })
  })
}
