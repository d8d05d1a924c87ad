import type { CommandRecord, CommandRequest } from '../../command/command.ts'
import { MAIN_SESSION, newCommandId, newSandboxId, type SandboxId, type SessionName } from '../../ids.ts'
import type { ResolvedSandboxSpec } from '../../sandbox/sandbox.ts'
import type { LivingSandbox, SandboxDriver } from '../sandbox-driver.ts'

/** One place where sandboxes live, and drivers to reach it. */
export interface DriverHarness {
  /** A driver that is not started; each call gives another one, as a restarted server has it. */
  connect(): SandboxDriver
  /** Ends the sandbox from outside, behind the driver's back. */
  crash(id: SandboxId): Promise<void>
  /** Nothing of the place is left. */
  close(): Promise<void>
}

/** Adds a test to the suite, or its reason to be skipped. */
export type Test = (title: string, body: () => Promise<void>) => void

export const MIB = 1024 ** 2

export const SPEC: ResolvedSandboxSpec = {
  user: 'sandboxuser',
  hostname: 'sandbox',
  limits: { memoryBytes: 128 * MIB, cpus: 1, pids: 64, diskBytes: 16 * MIB, nofile: 256 },
}

export const ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/home/sandboxuser',
  USER: 'sandboxuser',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
}

export const START = { cwd: Buffer.from('/workspace'), env: ENV }

/** So long that a test that waits for it fails by its own time limit. */
export const FOREVER = 'sleep 600'

export const OTHER = 'other' as SessionName

/** A started driver, a sandbox with the session `main`, and what the driver has told. */
export class Bench {
  readonly finished = new Map<string, CommandRecord>()
  readonly lost = new Map<string, string>()
  id = newSandboxId()
  #harness: DriverHarness | undefined
  #driver: SandboxDriver | undefined
  #told = Promise.withResolvers<undefined>()
  readonly #made: SandboxId[] = []
  readonly #open: () => Promise<DriverHarness>

  constructor(open: () => Promise<DriverHarness>) {
    this.#open = open
  }

  get harness(): DriverHarness {
    if (this.#harness === undefined) throw new Error('the suite is not set up')
    return this.#harness
  }

  get driver(): SandboxDriver {
    if (this.#driver === undefined) throw new Error('the suite is not set up')
    return this.#driver
  }

  get files() {
    return this.driver.files
  }

  async setUp(): Promise<void> {
    this.#harness = await this.#open()
    await this.restart()
  }

  async tearDown(): Promise<void> {
    await this.#driver?.close('end')
    await this.#harness?.close()
  }

  /** The server ends and another one starts; what it finds alive. */
  async restart(): Promise<readonly LivingSandbox[]> {
    await this.#driver?.close('leave')
    this.#driver = this.harness.connect()
    return this.#driver.start({
      onFinished: (_id, record) => this.#tell(() => this.finished.set(record.id, record)),
      onLost: (id, reason) => this.#tell(() => this.lost.set(id, reason)),
    })
  }

  async freshSandbox(): Promise<void> {
    this.id = await this.newSandbox()
    await this.driver.openSession(this.id, MAIN_SESSION, START)
  }

  async newSandbox(): Promise<SandboxId> {
    const id = newSandboxId()
    this.#made.push(id)
    await this.driver.create(id, SPEC)
    return id
  }

  async removeSandboxes(): Promise<void> {
    await Promise.all(this.#made.splice(0).map((id) => this.driver.destroy(id)))
  }

  /** In `main` unless told otherwise. */
  request(text: string, fields: Partial<CommandRequest> = {}): CommandRequest {
    return {
      id: newCommandId(),
      program: { type: 'session', session: MAIN_SESSION, text },
      cwd: undefined,
      env: {},
      stdin: undefined,
      stdinOpen: false,
      timeoutMs: 20_000,
      maxBytes: MIB,
      merge: false,
      background: false,
      uid: undefined,
      limits: {},
      ...fields,
    }
  }

  run(text: string, fields?: Partial<CommandRequest>): Promise<CommandRecord> {
    return this.driver.run(this.id, this.request(text, fields))
  }

  argv(...argv: string[]): Partial<CommandRequest> {
    return { program: { type: 'argv', argv }, cwd: START.cwd, env: ENV }
  }

  async start(text: string, fields: Partial<CommandRequest> = {}): Promise<CommandRequest> {
    const request = this.request(text, { background: true, stdinOpen: true, ...fields })
    await this.driver.runInBackground(this.id, request)
    return request
  }

  /** Waits until the driver has told what `find` looks for. */
  async heard<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      await this.#told.promise
    }
  }

  ended({ id }: CommandRequest): Promise<CommandRecord> {
    return this.heard(() => this.finished.get(id))
  }

  #tell(note: () => void): void {
    note()
    this.#told.resolve(undefined)
    this.#told = Promise.withResolvers()
  }
}

export const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

export const bytes = (content: string): Buffer => Buffer.from(content)
export const text = (content: Uint8Array | undefined): string => Buffer.from(content ?? []).toString()
export const out = (record: CommandRecord): string => text(record.stdout)
export const err = (record: CommandRecord): string => text(record.stderr)

export async function* slices(content: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < content.length; start += length) yield content.subarray(start, start + length)
}

export async function* failing(first: Uint8Array): AsyncGenerator<Uint8Array> {
  yield first
  throw new Error('the sender is gone')
}
