import type { CommandOutcome, CommandRecord, CommandRequest, Program } from '../../core/command/command.ts'
import { signalName } from '../../core/command/signals.ts'
import type { FileEntry, FileType } from '../../core/file/file.ts'
import type { CommandId, SandboxId, SessionName } from '../../core/ids.ts'
import type { LivingSandbox, SessionStart } from '../../core/ports/sandbox-driver.ts'
import type { Isolation, ResolvedSandboxSpec } from '../../core/sandbox/sandbox.ts'
import type * as wire from './protocol.ts'

/** User ids inside a sandbox. */
const UID = { sandboxuser: 1000, root: 0 } as const

/** One file for each page that the disk holds, and enough for many empty ones on a small disk. */
const BYTES_PER_INODE = 4096
const MIN_INODES = 4096

export function toWireSpec({ user, hostname, limits }: ResolvedSandboxSpec): wire.SandboxSpec {
  return {
    uid: UID[user],
    hostname,
    memoryBytes: limits.memoryBytes,
    diskBytes: limits.diskBytes,
    inodes: Math.max(MIN_INODES, Math.floor(limits.diskBytes / BYTES_PER_INODE)),
    pids: limits.pids,
    cpuMillis: Math.round(limits.cpus * 1000),
    nofile: limits.nofile,
  }
}

const toWireEnv = (env: Readonly<Record<string, string>>): Uint8Array[] =>
  Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`))

export const toWireStart = ({ cwd, env }: SessionStart): wire.SessionStart => ({ cwd, env: toWireEnv(env) })

function toWireProgram(program: Program): wire.Program {
  switch (program.type) {
    case 'session':
      return { type: 'Session', session: program.session, text: Buffer.from(program.text) }
    case 'shell':
      return { type: 'Shell', text: Buffer.from(program.text) }
    case 'argv':
      return { type: 'Argv', argv: program.argv.map((argument) => Buffer.from(argument)) }
  }
}

export function toWireCommand(request: CommandRequest): wire.CommandSpec {
  const { id, cwd, stdin, stdinOpen, timeoutMs, maxBytes, merge, background, uid, limits } = request
  return {
    id,
    program: toWireProgram(request.program),
    cwd,
    env: toWireEnv(request.env),
    stdin,
    stdinOpen,
    timeoutMs,
    maxBytes,
    merge,
    background,
    uid,
    cpuMs: limits.cpuMs,
    memoryBytes: limits.memoryBytes,
    fileBytes: limits.fileBytes,
    nofile: limits.nofile,
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()

function fromWireProgram(program: wire.Program): Program {
  switch (program.type) {
    case 'Session':
      return { type: 'session', session: program.session as SessionName, text: text(program.text) }
    case 'Shell':
      return { type: 'shell', text: text(program.text) }
    case 'Argv':
      return { type: 'argv', argv: program.argv.map(text) }
  }
}

function fromWireOutcome(outcome: wire.Outcome): CommandOutcome {
  switch (outcome.type) {
    case 'Exited':
      return { type: 'exited', exitCode: outcome.exitCode }
    case 'Signalled':
      return { type: 'signalled', signal: signalName(outcome.signal) }
    case 'TimedOut':
      return { type: 'timed_out', limitMs: outcome.limitMs }
    case 'OutOfMemory':
      return { type: 'out_of_memory', limitBytes: outcome.limitBytes }
    case 'Killed':
      return { type: 'killed', by: outcome.by }
    case 'Lost':
      return { type: 'lost', reason: outcome.reason }
  }
}

export function fromWireRecord(record: wire.CommandRecord): CommandRecord {
  return {
    id: record.id as CommandId,
    program: fromWireProgram(record.program),
    background: record.background,
    outcome: record.outcome && fromWireOutcome(record.outcome),
    oom: record.oom,
    stdout: record.stdout,
    stderr: record.stderr,
    stdoutDropped: record.stdoutDropped,
    stderrDropped: record.stderrDropped,
    startedAtMs: record.startedAtMs,
    durationMs: record.durationUs / 1000,
    usage: {
      cpuUserMs: record.cpuUserUs / 1000,
      cpuSystemMs: record.cpuSystemUs / 1000,
      maxRssBytes: record.maxRssBytes,
    },
    cwd: record.cwd.length === 0 ? undefined : record.cwd,
    backgroundLeft: record.backgroundLeft,
    sessionRestarted: record.sessionRestarted,
  }
}

export function fromWireIsolation({ cpuMillis, ...isolation }: wire.Isolation): Isolation {
  return { driver: 'namespaces', ...isolation, cpus: cpuMillis / 1000, missing: [] }
}

export function fromWireLiving(living: wire.LivingSandbox): LivingSandbox {
  return {
    id: living.id as SandboxId,
    isolation: fromWireIsolation(living.isolation),
    sessions: living.sessions.map(({ name, cwd }) => ({ name: name as SessionName, cwd })),
    running: living.running.map(fromWireRecord),
    createdAtMs: living.createdAtMs,
    lastUsedAtMs: living.lastUsedAtMs,
  }
}

const FILE_TYPES: { readonly [K in wire.FileKind]: FileType } = {
  File: 'file',
  Directory: 'directory',
  Symlink: 'symlink',
  Fifo: 'fifo',
  Socket: 'socket',
  Device: 'device',
}

export function fromWireEntry({ kind, ...entry }: wire.FileEntry): FileEntry {
  return { ...entry, type: FILE_TYPES[kind] }
}
