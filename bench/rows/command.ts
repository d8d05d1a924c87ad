import { type Goals, type Row, figureOf } from '../figure.ts'
import { seats } from '../fleet.ts'
import { GOALS } from '../goals.ts'
import { measure } from '../measure.ts'
import { Server } from '../server.ts'

const MANY = 32

interface Kind {
  readonly name: string
  readonly about: string
  readonly text: string
  readonly stdout: string
  readonly alone: Goals
  readonly busy: Goals
}

/** A command in living sessions: one at a time in one, and many at once, each in a sandbox of its own. */
const commandRow = ({ name, about, text, stdout, alone, busy }: Kind): Row => ({
  name,
  about,
  async measure({ effort, signal }) {
    await using server = await Server.start(signal)
    const seat = await seats(server, MANY)
    const command = async (worker: number) => {
      const { client, sandbox } = seat(worker)
      return client.command(sandbox, text, { stdout })
    }
    const one = await measure(command, { inFlight: 1, effort })
    const many = await measure(command, { inFlight: MANY, effort })
    return [
      figureOf(`${name}: ${text}, alone`, one, { goals: alone }),
      figureOf(`${name}: ${text}, ${MANY} in flight`, many, { goals: busy }),
    ]
  },
})

export const builtinRow = commandRow({
  name: 'builtin',
  about: 'echo hi in a session: alone, and 32 in flight over 32 sandboxes',
  text: 'echo hi',
  stdout: 'hi\n',
  alone: GOALS.builtinAlone,
  busy: GOALS.builtinBusy,
})

export const externalRow = commandRow({
  name: 'external',
  about: '/bin/true in a session: alone, and 32 in flight over 32 sandboxes',
  text: '/bin/true',
  stdout: '',
  alone: GOALS.externalAlone,
  busy: GOALS.externalBusy,
})
