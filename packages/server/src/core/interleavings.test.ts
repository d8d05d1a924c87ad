import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createFakeDriver, FakeMachine } from '../drivers/fake/index.ts'
import { MemoryStore } from '../store/memory/memory-store.ts'
import { createCore } from './create-core.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { isCoreError } from './errors.ts'

const MINUTE_MS = 60_000

/** What can happen to a sandbox in any order, as fast as it comes. */
const STEPS = [
  'run',
  'runLong',
  'runOther',
  'background',
  'write',
  'openSession',
  'closeSession',
  'closeMain',
  'update',
  'delete',
  'crash',
  'once',
  'wait',
  'idle',
] as const

/** Answers that a user may get at such a time; anything else is a defect. */
const EXPECTED = new Set([
  'sandbox.not_found',
  'sandbox.gone',
  'sandbox.wrong_state',
  'session.exists',
  'session.not_found',
])

async function play(steps: readonly (typeof STEPS)[number][]) {
  const clock = new FakeClock()
  const machine = new FakeMachine(clock)
  const store = new MemoryStore()
  const limits = { commandsRunning: 2 }
  const core = await createCore({ driver: createFakeDriver(machine), store, clock, limits, node: 'here' })
  const { id } = await core.sandboxes.create({ idleTimeoutMs: MINUTE_MS })
  const { commands, sessions, sandboxes, files } = core
  const act: { readonly [S in (typeof STEPS)[number]]: () => unknown } = {
    run: () => commands.run(id, { command: 'echo hi' }),
    runLong: () => commands.run(id, { command: 'sleep 30', timeoutMs: MINUTE_MS }),
    runOther: () => commands.run(id, { command: 'echo hi', session: 'other' }),
    background: () => commands.runInBackground(id, { command: 'sleep 5' }),
    write: () => files.write(id, Buffer.from('a'), Buffer.from('x'), {}),
    openSession: () => sessions.open(id, { name: 'other' }),
    closeSession: () => sessions.close(id, 'other'),
    closeMain: () => sessions.close(id, 'main'),
    update: () => sandboxes.update(id, { metadata: { a: '1' } }),
    delete: () => sandboxes.delete(id),
    crash: () => machine.crash(id, 'the test did it'),
    once: () => core.runOnce({ command: 'sleep 1' }),
    wait: settled,
    idle: () => clock.advance(MINUTE_MS / 2),
  }
  const answers: Promise<unknown>[] = []
  for (const step of steps) {
    const answer = Promise.resolve(act[step]())
    answers.push(answer.catch((error: unknown) => error))
    if (step === 'wait' || step === 'idle') await answer
  }
  await clock.advance(100 * MINUTE_MS)
  return { answers: await Promise.all(answers), node: await core.node(), machine, store, clock }
}

describe('whatever happens in whatever order', () => {
  it('every request is answered, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { maxLength: 25 }), async (steps) => {
        const { answers, node, machine, store, clock } = await play(steps)
        const odd = answers.filter(
          (answer) => answer instanceof Error && !(isCoreError(answer) && EXPECTED.has(answer.code)),
        )
        expect(odd).toEqual([])
        expect(node).toMatchObject({ sandboxes: 0, commandsRunning: 0, commandsWaiting: 0 })
        expect([machine.size, clock.pending, await store.records('here')]).toEqual([0, 0, []])
      }),
      { numRuns: 150 },
    )
  })
})
