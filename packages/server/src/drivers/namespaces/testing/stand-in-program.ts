/**
 * A program in the place of `atoll-box supervisor`: it keeps sandboxes by name only, and commands that end at
 * once, or never when their text is `forever`. Told to signal a command with 19 it stops itself;
 * fed with standard input it makes a sandbox that nobody asked for and drops the connection.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Answer, StandInSupervisor } from './stand-in-supervisor.ts'
import { wireIsolation, wireLiving, wireRecord, wireStatus } from './wire-samples.ts'

const SIGSTOP = 19

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { 'data-dir': { type: 'string', default: '' }, 'orphan-ttl-ms': { type: 'string' } },
})
const boot = `boot-${process.pid}`
/** By sandbox: the commands that run in it. */
const sandboxes = new Map<string, Set<string>>()

const answers: Readonly<Record<string, Answer>> = {
  Hello: () => ({ Hello: [1, process.pid, boot] }),
  Status: () => ({ Status: [[sandboxes.size, ...wireStatus.slice(1)]] }),
  List: () => ({
    Listing: [
      [...sandboxes].map(([id, running]) =>
        wireLiving(
          id,
          [...running].map((name) => wireRecord(name, null)),
        ),
      ),
    ],
  }),
  Create: (_tag, [id]) => {
    sandboxes.set(String(id), new Set())
    return { Created: [wireIsolation] }
  },
  Destroy: (_tag, [id]) =>
    sandboxes.delete(String(id)) ? 'Done' : { Error: ['sandbox.not_found', 'no such sandbox', null, null] },
  Run: (_tag, [sandbox, command]) => {
    const [id, program, , , , , , , , background] = command as [string, { Shell?: [Buffer] }, ...unknown[]]
    if (program.Shell?.[0].toString() !== 'forever') return { Finished: [sandbox, wireRecord(id)] }
    sandboxes.get(String(sandbox))?.add(id)
    return background === true ? 'Started' : undefined
  },
  Command: (_tag, [sandbox, id]) => {
    if (sandboxes.get(String(sandbox))?.has(String(id)) === true) return { Command: [wireRecord(String(id), null)] }
    return { Command: [wireRecord(String(id))] }
  },
  Kill: (_tag, [sandbox, id, by]) => {
    sandboxes.get(String(sandbox))?.delete(String(id))
    supervisor.send(0, { Finished: [sandbox, wireRecord(String(id), { Killed: [by] })] })
    return 'Done'
  },
  Signal: (_tag, [, , signal]) => {
    if (signal === SIGSTOP) process.kill(process.pid, 'SIGSTOP')
    return 'Done'
  },
  Stdin: () => {
    sandboxes.set('sbx_stray', new Set())
    supervisor.dropConnection()
    return undefined
  },
  Shutdown: (_tag, _fields, channel) => {
    supervisor.send(channel, 'Done')
    setImmediate(() => process.exit(0))
    return undefined
  },
}

const path = join(values['data-dir'], 'box', 'supervisor.sock')
const supervisor = await StandInSupervisor.listen((tag, fields, channel) => answers[tag]?.(tag, fields, channel), path)
console.log('ready')
