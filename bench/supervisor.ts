import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newCommandId, newSandboxId } from '../packages/server/src/core/ids.ts'
import { DEFAULT_LIMITS } from '../packages/server/src/core/limits.ts'
import { ask } from '../packages/server/src/drivers/namespaces/ask.ts'
import { Connection } from '../packages/server/src/drivers/namespaces/connection.ts'
import { type CommandSpec, type SandboxSpec, VERSION } from '../packages/server/src/drivers/namespaces/protocol.ts'
import { startSupervisor, supervisorSocket } from '../packages/server/src/drivers/namespaces/supervisor-process.ts'
import { toWireSpec } from '../packages/server/src/drivers/namespaces/translate.ts'
import { WrongAnswer } from './client.ts'
import { isAlive } from './processes.ts'

/** Should the bench itself be killed, its sandboxes are gone by then. */
const ORPHAN_TTL_MS = 10_000

const SESSION = 'main'
const CWD = Buffer.from('/workspace')
const PATH = Buffer.from('PATH=/usr/bin:/bin')

/** What the server asks for where a request names nothing. */
const SPEC: SandboxSpec = toWireSpec({
  user: 'sandboxuser',
  hostname: 'sandbox',
  limits: {
    memoryBytes: DEFAULT_LIMITS.memoryBytes.default,
    diskBytes: DEFAULT_LIMITS.diskBytes.default,
    cpus: DEFAULT_LIMITS.cpus.default,
    pids: DEFAULT_LIMITS.pids.default,
    nofile: DEFAULT_LIMITS.nofile.default,
  },
})

const COMMAND: Omit<CommandSpec, 'id' | 'program'> = {
  cwd: undefined,
  env: [],
  stdin: undefined,
  stdinOpen: false,
  timeoutMs: DEFAULT_LIMITS.timeoutMs.default,
  maxBytes: DEFAULT_LIMITS.outputBytes.default,
  merge: false,
  background: false,
  uid: undefined,
  cpuMs: undefined,
  memoryBytes: undefined,
  fileBytes: undefined,
  nofile: undefined,
}

/** A supervisor without a server, over a folder of its own. Disposing of it ends it and removes the folder. */
export class Supervisor implements AsyncDisposable {
  readonly #connection: Connection
  readonly #dataDir: string
  readonly #pid: number

  /** `signal` ends it early: every operation under way rejects. */
  static async start(signal: AbortSignal): Promise<Supervisor> {
    signal.throwIfAborted()
    const dataDir = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
    try {
      await startSupervisor({ dataDir, orphanTtlMs: ORPHAN_TTL_MS })
      const quiet = { onEvent: () => undefined, onClose: () => undefined }
      const connection = await Connection.open(supervisorSocket(dataDir), quiet)
      const { pid } = await ask(connection, 'Hello', { type: 'Hello', version: VERSION })
      const supervisor = new Supervisor(connection, dataDir, pid)
      signal.addEventListener('abort', () => void supervisor.#shutDown())
      return supervisor
    } catch (error) {
      rmSync(dataDir, { recursive: true, force: true })
      throw error
    }
  }

  private constructor(connection: Connection, dataDir: string, pid: number) {
    this.#connection = connection
    this.#dataDir = dataDir
    this.#pid = pid
  }

  async create(): Promise<string> {
    const sandbox = newSandboxId()
    const { isolation } = await ask(this.#connection, 'Created', { type: 'Create', sandbox, spec: SPEC })
    if (!isolation.seccomp || !isolation.noNewPrivs || isolation.capabilities !== 0) {
      throw new WrongAnswer(`a sandbox without its protections: ${JSON.stringify(isolation)}`)
    }
    return sandbox
  }

  async destroy(sandbox: string): Promise<void> {
    await ask(this.#connection, 'Done', { type: 'Destroy', sandbox })
  }

  async openSession(sandbox: string): Promise<void> {
    const start = { cwd: CWD, env: [PATH] }
    await ask(this.#connection, 'Done', { type: 'OpenSession', sandbox, session: SESSION, start })
  }

  async command(sandbox: string, text: string, expected: { readonly stdout: string }): Promise<void> {
    const program = { type: 'Session', session: SESSION, text: Buffer.from(text) } as const
    const command = { ...COMMAND, id: newCommandId(), program }
    const { command: record } = await ask(this.#connection, 'Finished', { type: 'Run', sandbox, command })
    const { outcome, stdout } = record
    const isRight = outcome?.type === 'Exited' && outcome.exitCode === 0 && String(stdout) === expected.stdout
    if (!isRight) throw new WrongAnswer(`${text}: ${JSON.stringify(record)}`)
  }

  /** The supervisor answers when nothing of its sandboxes is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shutDown()
    this.#connection.close()
    if (isAlive(this.#pid)) process.kill(this.#pid, 'SIGKILL')
    rmSync(this.#dataDir, { recursive: true, force: true })
  }

  /** One that has ended already cannot answer. */
  async #shutDown(): Promise<void> {
    await this.#connection.request({ type: 'Shutdown' }).catch(() => undefined)
  }
}
