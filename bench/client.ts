import { type Body, HttpConnection } from './http-connection.ts'

/** An answer that is not the one that the operation must have: the figures are worth nothing. */
export class WrongAnswer extends Error {
  override name = 'WrongAnswer'
}

/** What a command must have done. */
export interface Expected {
  readonly stdout: string
}

interface CommandAnswer {
  readonly state: string
  readonly outcome: { readonly type: string; readonly exit_code?: number } | null
  readonly stdout: string | null
  readonly stderr: string | null
}

/** The native API over one connection. Every answer is checked; a wrong one rejects as `WrongAnswer`. */
export class Client implements Disposable {
  readonly #connection: HttpConnection

  static async open(address: string): Promise<Client> {
    return new Client(await HttpConnection.open(address))
  }

  private constructor(connection: HttpConnection) {
    this.#connection = connection
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }

  /** The server's own answer, without core behind it. */
  async healthz(): Promise<void> {
    await this.#ask('GET', '/healthz', 200)
  }

  /** The id of a new sandbox that runs with every protection. */
  async create(): Promise<string> {
    const { id, state, isolation } = await this.#json<{
      id: string
      state: string
      isolation: { seccomp: boolean; missing: readonly string[] }
    }>('POST', '/v1/sandboxes', 201, {})
    if (state !== 'running' || !isolation.seccomp || isolation.missing.length > 0) {
      throw new WrongAnswer(`sandbox ${id} is ${state}, without ${isolation.missing.join(' ') || 'seccomp'}`)
    }
    return id
  }

  async delete(id: string): Promise<void> {
    await this.#ask('DELETE', `/v1/sandboxes/${id}`, 204)
  }

  /** Shell text in the session `main`. */
  async command(id: string, command: string, expected: Expected): Promise<void> {
    check(command, expected, await this.#json('POST', `/v1/sandboxes/${id}/commands`, 200, { command }))
  }

  async runOnce(argv: readonly string[], expected: Expected): Promise<void> {
    check(argv.join(' '), expected, await this.#json('POST', '/v1/run', 200, { argv }))
  }

  async writeFile(id: string, path: string, content: Buffer): Promise<void> {
    const body = { type: 'application/octet-stream', content }
    const answer = await this.#ask('PUT', `/v1/sandboxes/${id}/files?path=${path}`, 201, body)
    const { size_bytes: size } = JSON.parse(answer.toString()) as { size_bytes: number }
    if (size !== content.length) throw new WrongAnswer(`wrote ${content.length} bytes, the file has ${size}`)
  }

  async readFile(id: string, path: string, expected: Buffer): Promise<void> {
    const content = await this.#ask('GET', `/v1/sandboxes/${id}/files?path=${path}`, 200)
    if (!content.equals(expected))
      throw new WrongAnswer(`read ${content.length} bytes, and not those that were written`)
  }

  /** Process id of the supervisor and number of living sandboxes. */
  async node(): Promise<{ supervisorPid: number; sandboxes: number }> {
    const answer = await this.#ask('GET', '/v1/node', 200)
    const { facts, sandboxes } = JSON.parse(answer.toString()) as {
      facts: { supervisor_pid: number }
      sandboxes: number
    }
    return { supervisorPid: facts.supervisor_pid, sandboxes }
  }

  async #json<Answer>(method: string, path: string, status: number, body: object): Promise<Answer> {
    const content = JSON.stringify(body)
    const answer = await this.#ask(method, path, status, { type: 'application/json', content })
    return JSON.parse(answer.toString()) as Answer
  }

  async #ask(method: string, path: string, wanted: number, body?: Body): Promise<Buffer> {
    const answer = await this.#connection.request(method, path, body)
    if (answer.status === wanted) return answer.body
    throw new WrongAnswer(`${method} ${path} answered ${answer.status}: ${answer.body.toString().slice(0, 1000)}`)
  }
}

function check(what: string, { stdout }: Expected, answer: CommandAnswer): void {
  const { outcome } = answer
  const isRight =
    outcome?.type === 'exited' && outcome.exit_code === 0 && answer.stdout === stdout && answer.stderr === ''
  if (!isRight) throw new WrongAnswer(`${what}: ${JSON.stringify(answer).slice(0, 1000)}`)
}
