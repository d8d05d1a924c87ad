import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, access, mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { unavailable } from './errors.ts'

export interface SupervisorOptions {
  /** Absolute. The supervisor keeps its own files in `box/` below it. */
  readonly dataDir: string
  /** How long sandboxes live without a server. */
  readonly orphanTtlMs: number
  /** The program `atoll-box`; by default the one that this checkout builds. */
  readonly binary?: string
}

/** A supervisor that has not said that it listens by then never will. */
const READY_WITHIN_MS = 15_000

/** What the kernel's `sockaddr_un` holds, without the NUL behind it. */
const MAX_SOCKET_PATH_BYTES = 107

/** Where the supervisor of a data folder listens. */
export function supervisorSocket(dataDir: string): string {
  const path = join(dataDir, 'box', 'supervisor.sock')
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw unavailable(`the data folder's path is too long for a socket in it: ${path}`)
  }
  return path
}

/**
 * Starts a supervisor in a session of its own, so that a terminal's Ctrl-C and the end of this process do not
 * reach it. Resolves when it listens; what it has to say later is in `box/supervisor.log`.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<void> {
  const binary = options.binary ?? builtBinary()
  await access(binary, constants.X_OK).catch((error: unknown) => {
    throw unavailable(
      `there is no supervisor program at ${binary}: build it with cargo build --release in native/`,
      error,
    )
  })
  const folder = dirname(supervisorSocket(options.dataDir))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const log = await open(join(folder, 'supervisor.log'), 'a', 0o600)
  try {
    await untilReady(launch(binary, options, log))
  } finally {
    await log.close()
  }
}

function launch(binary: string, options: SupervisorOptions, log: FileHandle): ChildProcess {
  const args = ['supervisor', '--data-dir', options.dataDir, '--orphan-ttl-ms', String(options.orphanTtlMs)]
  const child = spawn(binary, args, { cwd: '/', env: {}, detached: true, stdio: ['ignore', 'pipe', log.fd] })
  child.unref()
  return child
}

/** The first line of standard output is `ready`, or `error: ` and why not. */
async function untilReady(child: ChildProcess): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<undefined>()
  let output = ''
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(unavailable('the supervisor did not say that it is ready'))
  }, READY_WITHIN_MS)
  child.once('error', (error) => reject(unavailable(`the supervisor does not start: ${error.message}`, error)))
  child.once('exit', (code, signal) =>
    reject(unavailable(`the supervisor ended at its start (${signal ?? `exit code ${code ?? 0}`})`)),
  )
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    const [line, rest] = output.split('\n', 2)
    if (rest === undefined) return
    if (line === 'ready') done(undefined)
    else reject(unavailable(line?.replace(/^error: /, '') ?? ''))
  })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    child.removeAllListeners('exit')
    child.stdout?.destroy()
  }
}

/** Where cargo puts the program of this checkout. */
function builtBinary(): string {
  const machine = process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch
  const native = resolve(import.meta.dirname, '../../../../../native')
  return join(native, 'target', `${machine}-unknown-linux-gnu`, 'release', 'atoll-box')
}
