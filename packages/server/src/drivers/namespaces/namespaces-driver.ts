import { endedWithSandbox } from '../../core/command/ended.ts'
import type { CommandRecord, CommandRequest } from '../../core/command/command.ts'
import { isCoreError } from '../../core/errors.ts'
import type { CommandId, SandboxId, SessionName } from '../../core/ids.ts'
import type {
  DriverListener,
  DriverStatus,
  LivingSandbox,
  SandboxDriver,
  SessionStart,
} from '../../core/ports/sandbox-driver.ts'
import type { Isolation, ResolvedSandboxSpec } from '../../core/sandbox/sandbox.ts'
import { ask } from './ask.ts'
import { ConnectionLost } from './connection.ts'
import type { Subject } from './errors.ts'
import { FORGOTTEN, Household } from './household.ts'
import { NamespacesFiles } from './namespaces-files.ts'
import { type Reply, type Request, VERSION } from './protocol.ts'
import { type LinkOptions, SupervisorLink } from './supervisor-link.ts'
import { fromWireIsolation, fromWireRecord, toWireCommand, toWireSpec, toWireStart } from './translate.ts'

/** Sandboxes made of Linux namespaces, by the supervisor of this machine. */
export class NamespacesDriver implements SandboxDriver {
  readonly name = 'namespaces'
  readonly capabilities = { survivesRestart: true }
  readonly files: NamespacesFiles
  readonly #household: Household
  readonly #link: SupervisorLink

  constructor(options: LinkOptions) {
    this.#household = new Household(options.log)
    this.#link = new SupervisorLink(options, this.#household)
    this.files = new NamespacesFiles(this.#link)
  }

  async start(listener: DriverListener): Promise<readonly LivingSandbox[]> {
    return this.#household.adopt(listener, () => this.#link.start())
  }

  async create(id: SandboxId, spec: ResolvedSandboxSpec): Promise<Isolation> {
    const request = { type: 'Create', sandbox: id, spec: toWireSpec(spec) } as const
    const { isolation } = await this.#ask('Created', request, { sandbox: id })
    this.#household.add(id)
    return fromWireIsolation(isolation)
  }

  async destroy(id: SandboxId): Promise<void> {
    // From here on its end is no loss.
    const known = this.#household.delete(id)
    try {
      await this.#ask('Done', { type: 'Destroy', sandbox: id }, { sandbox: id })
    } catch (error) {
      // Whether it was carried out is known when asked once more; each further turn waits for a connection.
      if (error instanceof ConnectionLost) return this.destroy(id)
      if (isCoreError(error) && error.code === 'sandbox.not_found') return
      if (known) this.#household.add(id)
      throw error
    }
  }

  async openSession(id: SandboxId, session: SessionName, start: SessionStart): Promise<void> {
    const request = { type: 'OpenSession', sandbox: id, session, start: toWireStart(start) } as const
    await this.#ask('Done', request, { sandbox: id, session })
  }

  async closeSession(id: SandboxId, session: SessionName): Promise<void> {
    await this.#ask('Done', { type: 'CloseSession', sandbox: id, session }, { sandbox: id, session })
  }

  async run(id: SandboxId, request: CommandRequest): Promise<CommandRecord> {
    const ended = this.#household.awaitForeground(id, request)
    try {
      const { command } = await this.#ask('Finished', toRun(id, request), subjectOf(id, request))
      return fromWireRecord(command)
    } catch (error) {
      // The command may well run on: its end is told over the next connection.
      if (error instanceof ConnectionLost) return await ended
      throw error
    } finally {
      this.#household.commands.delete(request.id)
    }
  }

  async runInBackground(id: SandboxId, request: CommandRequest): Promise<void> {
    const startedAtMs = Date.now()
    const lost = () => endedWithSandbox(request, { type: 'lost', reason: FORGOTTEN }, startedAtMs)
    this.#household.awaitBackground(id, request.id, lost)
    try {
      await this.#ask('Started', toRun(id, request), subjectOf(id, request))
    } catch (error) {
      // It has started if the supervisor knows it, which is asked over the next connection.
      if (error instanceof ConnectionLost && (await this.#knows(id, request.id))) return
      this.#household.commands.delete(request.id)
      throw error
    }
  }

  async command(id: SandboxId, command: CommandId): Promise<CommandRecord> {
    const reply = await this.#ask('Command', { type: 'Command', sandbox: id, command }, { sandbox: id, command })
    return fromWireRecord(reply.command)
  }

  async commands(id: SandboxId): Promise<readonly CommandRecord[]> {
    const { commands } = await this.#ask('Commands', { type: 'Commands', sandbox: id }, { sandbox: id })
    return commands.map(fromWireRecord)
  }

  async kill(id: SandboxId, command: CommandId, by: string): Promise<void> {
    const ended = this.#household.commands.ended(command)
    await this.#ask('Done', { type: 'Kill', sandbox: id, command, by }, { sandbox: id, command })
    // Its answer, and with it its output, comes behind that.
    await ended
  }

  async signal(id: SandboxId, command: CommandId, signal: number): Promise<void> {
    await this.#ask('Done', { type: 'Signal', sandbox: id, command, signal }, { sandbox: id, command })
  }

  async writeStdin(id: SandboxId, command: CommandId, bytes: Uint8Array, eof: boolean): Promise<void> {
    await this.#ask('Done', { type: 'Stdin', sandbox: id, command, bytes, eof }, { sandbox: id, command })
  }

  async status(): Promise<DriverStatus> {
    const { status } = await this.#ask('Status', { type: 'Status' })
    return {
      sandboxes: status.sandboxes,
      facts: {
        supervisor_pid: this.#link.life?.pid ?? null,
        supervisor_boot: this.#link.life?.boot ?? null,
        protocol_version: VERSION,
        memory_total_bytes: status.memoryTotalBytes,
        memory_available_bytes: status.memoryAvailableBytes,
        pid_max: status.pidMax,
        nofile: status.nofile,
        uid_slots: status.uidSlots,
        spool_bytes: status.spoolBytes,
        supervisor_rss_bytes: status.supervisorRssBytes,
      },
    }
  }

  async close(how: 'leave' | 'end'): Promise<void> {
    await this.#link.close(how)
    this.#household.commands.abandonAll()
  }

  async #knows(id: SandboxId, command: CommandId): Promise<boolean> {
    return this.command(id, command).then(
      () => true,
      () => false,
    )
  }

  #ask<Type extends Reply['type']>(
    wanted: Type,
    request: Request,
    about?: Subject,
  ): Promise<Extract<Reply, { type: Type }>> {
    return ask(this.#link, wanted, request, about)
  }
}

const toRun = (id: SandboxId, request: CommandRequest): Request => ({
  type: 'Run',
  sandbox: id,
  command: toWireCommand(request),
})

const subjectOf = (id: SandboxId, { id: command, program }: CommandRequest): Subject => ({
  sandbox: id,
  command,
  ...(program.type === 'session' && { session: program.session }),
})
