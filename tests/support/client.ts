import { vi } from 'vitest'
import type { Command, Failure, FileEntry, Page, Sandbox } from './wire.ts'

/** For what happens soon, on a busy machine too. */
const PATIENCE_MS = 10_000

export interface Answer<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export type Fields = Readonly<Record<string, unknown>>

/** The native API as a test speaks it: nothing is checked on the way out. */
export class Client {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** Any request. A `body` that is no string, bytes or stream is sent as JSON. The answer's body is parsed by its type. */
  async request<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(this.url + path, { method, ...encoded(body) })
    return { status: response.status, headers: response.headers, body: (await decoded(response)) as T }
  }

  /** A request that succeeds: anything else is thrown with the answer in the message. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request<T>(method, path, body)
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 2000)}`)
    }
    return answer.body
  }

  /** A request that is refused, as status and code. */
  async refusal(method: string, path: string, body?: unknown): Promise<Refusal> {
    const { status, body: failure } = await this.request<Partial<Failure> | undefined>(method, path, body)
    return { status, code: failure?.error?.code, details: failure?.error?.details }
  }

  async create(fields: Fields = {}): Promise<SandboxClient> {
    return new SandboxClient(this, await this.ask<Sandbox>('POST', '/v1/sandboxes', fields))
  }
}

export interface Refusal {
  readonly status: number
  readonly code: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined
}

/** One sandbox. */
export class SandboxClient {
  readonly client: Client
  readonly id: string
  /** As the create answered it. */
  readonly created: Sandbox

  constructor(client: Client, created: Sandbox) {
    this.client = client
    this.id = created.id
    this.created = created
  }

  path(below = ''): string {
    return `/v1/sandboxes/${this.id}${below}`
  }

  /** Shell text in `main`, or any body of a command. */
  run(command: string | Fields): Promise<Command> {
    return this.client.ask<Command>('POST', this.path('/commands'), typeof command === 'string' ? { command } : command)
  }

  /** Standard output of a text that exits 0 and says nothing else. */
  async text(command: string | Fields): Promise<string> {
    const { outcome, stdout, stderr } = await this.run(command)
    if (outcome?.exit_code !== 0 || stderr !== '') {
      const said = `${stderr ?? ''}${stdout ?? ''}`.slice(0, 1000)
      throw new Error(`${JSON.stringify(command).slice(0, 200)} ended ${JSON.stringify(outcome)}: ${said}`)
    }
    return stdout ?? ''
  }

  /** Resolves with the id of a command that runs and has printed `text` so far. */
  running(text: string): Promise<string> {
    return vi.waitFor(async () => {
      const { items } = await this.client.ask<Page<Command>>('GET', this.path('/commands?limit=1000'))
      for (const { id, state } of items) {
        if (state === 'running' && (await this.output(id)) === text) return id
      }
      throw new Error(`no running command has printed ${JSON.stringify(text)}`)
    }, PATIENCE_MS)
  }

  /** Standard output so far. */
  async output(id: string): Promise<string> {
    const bytes = await this.client.ask<Uint8Array>('GET', this.path(`/commands/${id}/output?stream=stdout`))
    return Buffer.from(bytes).toString()
  }

  /** Resolves with a command that runs in the background, once it has ended. */
  ended(id: string): Promise<Command> {
    return vi.waitFor(async () => {
      const command = await this.command(id)
      if (command.state === 'running') throw new Error('it still runs')
      return command
    }, PATIENCE_MS)
  }

  command(id: string): Promise<Command> {
    return this.client.ask<Command>('GET', this.path(`/commands/${id}`))
  }

  list(path: string, query = ''): Promise<Page<FileEntry>> {
    return this.client.ask('GET', `${this.filePath(path, '/list')}${query}`)
  }

  /** The address of a file route; `path` as text. */
  filePath(path: string, below = ''): string {
    return this.path(`/files${below}?path=${encodeURIComponent(path)}`)
  }

  put(path: string, content: string | Uint8Array): Promise<FileEntry> {
    return this.client.ask('PUT', this.filePath(path), Buffer.from(content))
  }

  async get(path: string): Promise<Buffer> {
    return Buffer.from(await this.client.ask<Uint8Array>('GET', this.filePath(path)))
  }

  delete(): Promise<unknown> {
    return this.client.ask('DELETE', this.path())
  }
}

function encoded(body: unknown): RequestInit {
  if (body === undefined) return {}
  if (body instanceof ReadableStream) return { body, duplex: 'half', headers: OCTETS }
  if (body instanceof Uint8Array) return { body: Buffer.from(body), headers: OCTETS }
  const json = { 'content-type': 'application/json' }
  return { body: typeof body === 'string' ? body : JSON.stringify(body), headers: json }
}

const OCTETS = { 'content-type': 'application/octet-stream' }

async function decoded(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  const bytes = new Uint8Array(await response.arrayBuffer())
  // A HEAD has the headers of a body, and none.
  if (bytes.length === 0 || type === 'application/octet-stream') return bytes
  const text = Buffer.from(bytes).toString()
  return type.startsWith('application/json') ? (JSON.parse(text) as unknown) : text
}
