import { randomBytes } from 'node:crypto'
import { type Row, figureOf } from '../figure.ts'
import { seats } from '../fleet.ts'
import { GOALS } from '../goals.ts'
import { measure } from '../measure.ts'
import { Server } from '../server.ts'

const SIZES = [
  { name: '1 KB', bytes: 1024, goals: GOALS.smallFile },
  { name: '1 MB', bytes: 1024 ** 2, goals: GOALS.largeFile },
]

export const fileRow: Row = {
  name: 'file',
  about: 'write and read a file of 1 KB and of 1 MB, one at a time',
  async measure({ effort, signal }) {
    await using server = await Server.start(signal)
    const { client, sandbox } = (await seats(server, 1))(0)
    const figures = []
    for (const { name, bytes, goals } of SIZES) {
      const content = randomBytes(bytes)
      const load = { inFlight: 1, effort }
      const write = await measure(async () => client.writeFile(sandbox, 'file', content), load)
      const read = await measure(async () => client.readFile(sandbox, 'file', content), load)
      figures.push(figureOf(`file: write ${name}`, write, { goals }), figureOf(`file: read ${name}`, read, { goals }))
    }
    return figures
  },
}
