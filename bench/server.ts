import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, openSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { childrenOf, isAlive } from './processes.ts'

const CLI = resolve(import.meta.dirname, '../packages/cli/src/main.ts')

/** A start or an end that takes longer has failed. */
const PATIENCE_MS = 60_000

/** Should the bench itself be killed, its sandboxes are gone by then. */
const ORPHAN_TTL_MS = 10_000

/** A server with its supervisor, over a folder of its own. Disposing of it ends both and removes the folder. */
export class Server implements AsyncDisposable {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
  readonly #process: ChildProcess
  readonly #clients: Client[] = []
  #address = ''
  #supervisor = 0
  #zygote: readonly number[] = []

  /** `signal` ends it early: every operation under way rejects. */
  static async start(signal: AbortSignal): Promise<Server> {
    signal.throwIfAborted()
    const server = new Server()
    signal.addEventListener('abort', () => server.#interrupt())
    try {
      await server.#greet()
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor() {
    const log = openSync(this.#log, 'a', 0o600)
    const options = { port: '0', 'data-dir': this.dataDir, 'orphan-ttl-ms': String(ORPHAN_TTL_MS), 'log-level': 'warn' }
    const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
    this.#process = spawn(process.execPath, [CLI, 'serve', ...flags], {
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', log],
      // Ctrl-C is for the bench, which then ends its server in order.
      detached: true,
    })
    closeSync(log)
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get supervisor(): number {
    return this.#supervisor
  }

  /** The children of the supervisor that are no sandboxes. */
  get zygote(): readonly number[] {
    return this.#zygote
  }

  /** Process ids of each living sandbox's init. */
  inits(): readonly number[] {
    return childrenOf(this.#supervisor).filter((pid) => !this.#zygote.includes(pid))
  }

  /** A connection of its own, closed with the server. */
  async client(): Promise<Client> {
    const client = await Client.open(this.#address)
    this.#clients.push(client)
    return client
  }

  clients(count: number): Promise<readonly Client[]> {
    return Promise.all(Array.from({ length: count }, () => this.client()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]()
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.#end()
    if (this.#supervisor !== 0 && isAlive(this.#supervisor)) process.kill(this.#supervisor, 'SIGKILL')
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  get #log(): string {
    return join(this.dataDir, 'server.log')
  }

  async #end(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#interrupt()
    const patience = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE_MS)
    await ended
    clearTimeout(patience)
  }

  /** Once: a second signal would kill it before it has cleaned up. */
  #interrupt(): void {
    if (!this.#process.killed) this.#process.kill('SIGINT')
  }

  async #greet(): Promise<void> {
    const late = sleep(PATIENCE_MS, 'late' as const, { ref: false })
    const said = await Promise.race([this.#firstLine(), late])
    const address = / serves on (http:\S+)$/.exec(said)?.[1]
    if (address === undefined) throw new Error(`the server does not start: ${said}\n${readFileSync(this.#log, 'utf8')}`)
    this.#address = address
    const client = await this.client()
    this.#supervisor = (await client.node()).supervisorPid
    this.#zygote = childrenOf(this.#supervisor)
  }

  async #firstLine(): Promise<string> {
    let said = ''
    if (this.#process.stdout === null) return said
    for await (const chunk of this.#process.stdout.setEncoding('utf8')) {
      said += String(chunk)
      const [line, rest] = said.split('\n', 2)
      if (rest !== undefined) return line ?? ''
    }
    return said
  }
}
