import { invalid } from '../check.ts'
import type { Command, Commands, RunCommand } from '../core.ts'
import { CoreError } from '../errors.ts'
import type { CommandId } from '../ids.ts'
import { page } from '../paging.ts'
import type { Parts } from '../parts.ts'
import type { LiveSandbox } from '../sandbox/live-sandbox.ts'
import type { CommandRecord } from './command.ts'
import { planCommand } from './request.ts'
import { signalNumber } from './signals.ts'

const COMMAND_ID = /^cmd_[0-9a-z]{20,64}$/

/** The use cases of commands. */
export function commandUseCases(parts: Parts): Commands {
  const { registry, driver, runner, limits } = parts

  /** Asks the driver about one command of a running sandbox. */
  async function ask<T>(sandboxId: string, commandId: string, question: Question<T>): Promise<T> {
    const sandbox = registry.running(sandboxId, 'reach its commands')
    const id = knownId(sandboxId, commandId)
    return question(sandbox, id).catch((error: unknown) => {
      throw sandbox.explain(error)
    })
  }

  return {
    run: async (sandboxId, command) => {
      const sandbox = registry.running(sandboxId, 'run a command')
      return ofSandbox(sandbox, await runner.run(sandbox, planCommand(sandbox, command, { limits, background: false })))
    },
    runInBackground: async (sandboxId, command: RunCommand) => {
      const sandbox = registry.running(sandboxId, 'run a command')
      return ofSandbox(
        sandbox,
        await runner.start(sandbox, planCommand(sandbox, command, { limits, background: true })),
      )
    },
    get: (sandboxId, commandId) => {
      return ask(sandboxId, commandId, async (sandbox, id) => ofSandbox(sandbox, await driver.command(sandbox.id, id)))
    },
    list: async (sandboxId, request) => {
      const sandbox = registry.running(sandboxId, 'reach its commands')
      const records = await driver.commands(sandbox.id).catch((error: unknown) => {
        throw sandbox.explain(error)
      })
      const { items, nextCursor } = page(records, request, ({ id, startedAtMs }) => ({ id, atMs: startedAtMs }))
      return { items: items.map((record) => ofSandbox(sandbox, record)), nextCursor }
    },
    output: (sandboxId, commandId, stream) => {
      return ask(sandboxId, commandId, async (sandbox, id) => {
        const bytes = (await driver.command(sandbox.id, id))[stream]
        if (bytes !== undefined) return bytes
        throw new CoreError('output.dropped', 'the output had to make room', { sandboxId, commandId })
      })
    },
    writeStdin: (sandboxId, commandId, bytes, eof) => {
      return ask(sandboxId, commandId, (sandbox, id) => {
        return sandbox.using(() => driver.writeStdin(sandbox.id, id, bytes, eof))
      })
    },
    signal: async (sandboxId, commandId, signal) => {
      const number = signalNumber(signal)
      if (number === undefined) throw invalid('signal', 'there is no such signal')
      await ask(sandboxId, commandId, (sandbox, id) => {
        return sandbox.using(() => driver.signal(sandbox.id, id, number))
      })
    },
    kill: (sandboxId, commandId) => {
      return ask(sandboxId, commandId, (sandbox, id) => sandbox.using(() => driver.kill(sandbox.id, id, 'request')))
    },
  }
}

type Question<T> = (sandbox: LiveSandbox, id: CommandId) => Promise<T>

/** What cannot be an id of ours names nothing: the driver need not be asked. */
function knownId(sandboxId: string, commandId: string): CommandId {
  if (COMMAND_ID.test(commandId)) return commandId as CommandId
  throw new CoreError('command.not_found', 'there is no such command', { sandboxId, commandId })
}

const ofSandbox = ({ id }: LiveSandbox, record: CommandRecord): Command => ({ ...record, sandboxId: id })
