import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, onTestFinished, vi } from 'vitest'
import { Client } from './client.ts'
import { childrenOf, isAlive } from './processes.ts'
import { cgroupFoldersOf, type Residue, residueOf, sandboxedProcesses, supervisorsOf } from './residue.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const CLI = join(ROOT, 'packages/cli/src/main.ts')

/** What a start or an end may take on a busy machine; one that hangs fails its test. */
const PATIENCE_MS = 15_000

/** Sandboxes of a test run that was itself killed are gone by then. */
const ORPHAN_TTL_MS = 60_000

const LAST_WORDS = 64 * 1024

/** Starts the CLI with the repository's own Node. `stdin` is empty. */
export function spawnCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const path = { PATH: process.env['PATH'] ?? '' }
  return spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    env: { ...path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** A data folder of its own, its server and its supervisor. `stop` leaves nothing of them, or says what it found. */
export class TestNode {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'atoll-test-'))
  readonly #flags: readonly string[]
  #server: ChildProcess | undefined
  #cgroups: readonly string[] = []
  #said = ''
  client = new Client('')

  private constructor(flags: readonly string[]) {
    this.#flags = flags
  }

  static async start(flags: readonly string[] = []): Promise<TestNode> {
    const node = new TestNode(flags)
    try {
      await node.startServer()
      await node.#findCgroups()
      return node
    } catch (error) {
      await node.stop().catch((second: unknown) => {
        throw new AggregateError([error, second], `${String(error)}\n${String(second)}`)
      })
      throw error
    }
  }

  /** The server's process id. */
  get server(): number {
    const pid = this.#server?.pid
    if (pid === undefined) throw new Error('no server runs')
    return pid
  }

  get supervisor(): number {
    const [supervisor] = supervisorsOf(this.dataDir)
    if (supervisor === undefined) throw new Error('no supervisor runs')
    return supervisor.pid
  }

  /** What the server has logged last. */
  get said(): string {
    return this.#said
  }

  residue(): Residue {
    return residueOf({ dataDir: this.dataDir, server: this.#server?.pid, cgroups: this.#cgroups })
  }

  /** Process ids of all that runs in this node's sandboxes, the inits too. */
  sandboxed(): number[] {
    return sandboxedProcesses({ cgroups: this.#cgroups }).map(({ pid }) => pid)
  }

  /** A server over the same data folder, on another port. */
  async startServer(): Promise<void> {
    const server = spawnCli(['serve', '--port', '0', '--data-dir', this.dataDir, ...this.#flags], {
      ATOLL_ORPHAN_TTL_MS: String(ORPHAN_TTL_MS),
    })
    this.#server = server
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-LAST_WORDS)
    })
    this.client = new Client(await this.#address(server))
  }

  /** Signals the server; resolves when it has ended, with its exit code. */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const server = this.#server
    if (server === undefined) throw new Error('no server runs')
    this.#server = undefined
    const ended = once(server, 'exit')
    server.kill(signal)
    const deadline = setTimeout(() => server.kill('SIGKILL'), PATIENCE_MS)
    const [code] = (await ended) as [number | null]
    clearTimeout(deadline)
    return code
  }

  /** Resolves when no process of the data folder is left. */
  untilNobodyIsLeft(): Promise<void> {
    return vi.waitFor(() => {
      const left = [...supervisorsOf(this.dataDir).map(({ pid }) => pid), ...this.sandboxed()]
      if (left.length > 0) throw new Error(`still there: ${left.join(' ')}`)
    }, PATIENCE_MS)
  }

  async stop(): Promise<void> {
    const complaints: string[] = []
    try {
      // Without a server nobody could tell the supervisor to end.
      if (this.#server === undefined && supervisorsOf(this.dataDir).length > 0) await this.startServer()
      if (this.#server !== undefined && isAlive(this.server)) {
        const code = await this.kill('SIGINT')
        if (code !== 0) complaints.push(`the server ended with ${String(code)}:\n${this.#said}`)
      }
      await this.untilNobodyIsLeft()
    } catch (error) {
      complaints.push(String(error))
    }
    complaints.push(...this.#clear())
    if (complaints.length > 0) throw new Error(complaints.join('\n'))
  }

  /** Ends and removes by force what is left, and tells what it was. */
  #clear(): string[] {
    this.#server?.kill('SIGKILL')
    const { processes, cgroups } = residueOf({ dataDir: this.dataDir, server: undefined, cgroups: this.#cgroups })
    const outside = supervisorsOf(this.dataDir).map(({ pid }) => pid)
    for (const pid of [...outside, ...this.sandboxed()]) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    for (const folder of [...cgroups].reverse()) removeQuietly(folder)
    rmSync(this.dataDir, { recursive: true, force: true })
    return [...outside.map((pid) => `supervisor ${pid}`), ...processes, ...cgroups].map((name) => `left: ${name}`)
  }

  async #address(server: ChildProcess): Promise<string> {
    let output = ''
    const { promise, resolve: ready, reject } = Promise.withResolvers<string>()
    server.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const address = / serves on (http:\S+)\n/.exec(output)?.[1]
      if (address !== undefined) ready(address)
    })
    const gone = (): void => reject(new Error(`the server does not start:\n${output}${this.#said}`))
    server.once('exit', gone)
    const deadline = setTimeout(gone, PATIENCE_MS)
    try {
      return await promise
    } finally {
      clearTimeout(deadline)
      server.removeListener('exit', gone)
    }
  }

  /** Their names cannot be told from outside, but a sandbox stands in them. */
  async #findCgroups(): Promise<void> {
    const sandbox = await this.client.create()
    const { supervisor } = this
    const family = supervisorsOf(this.dataDir).map(({ pid }) => pid)
    const init = childrenOf(supervisor).find((pid) => !family.includes(pid))
    if (init !== undefined) this.#cgroups = cgroupFoldersOf(supervisor, init)
    if (this.#cgroups.length === 0) throw new Error('a sandbox stands in no cgroup of its supervisor')
    await sandbox.delete()
  }
}

function removeQuietly(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Told as left already.
  }
}

/** A node for all tests of the file that calls it. */
export async function nodeForFile(...flags: readonly string[]): Promise<TestNode> {
  const node = await TestNode.start(flags)
  afterAll(() => node.stop())
  return node
}

/** A node for the test that calls it. */
export async function nodeForTest(...flags: readonly string[]): Promise<TestNode> {
  const node = await TestNode.start(flags)
  onTestFinished(() => node.stop())
  return node
}
