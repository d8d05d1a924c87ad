import { MsgpackReader, ProtocolError } from './msgpack-reader.ts'
import type {
  CommandRecord,
  FileEntry,
  FileKind,
  FileReply,
  Isolation,
  LivingSandbox,
  NodeStatus,
  Outcome,
  Program,
  Reply,
  SandboxSpec,
} from './protocol.ts'

/** Decodes the body of a frame. An unknown tag, a wrong number of fields or a wrong type is a `ProtocolError`. */
export function decodeReply(body: Buffer): Reply {
  const reader = new MsgpackReader(body)
  const reply = variant(reader, REPLIES)
  reader.end()
  return reply
}

/** By tag: how many fields follow, and how they are read, in order. */
type Variants<Message> = Readonly<Record<string, readonly [fields: number, read: (r: MsgpackReader) => Message]>>

function variant<Message>(r: MsgpackReader, variants: Variants<Message>): Message {
  const { name, hasFields } = r.tag()
  const found = Object.hasOwn(variants, name) ? variants[name] : undefined
  if (found === undefined) throw new ProtocolError(`an unknown tag: ${name.slice(0, 40)}`)
  const [fields, read] = found
  if (hasFields !== fields > 0) throw new ProtocolError(`${name} with fields where none belong, or without its own`)
  if (hasFields) r.fields(fields)
  return read(r)
}

const text = (r: MsgpackReader): string => r.text()
const bytes = (r: MsgpackReader): Uint8Array => r.bytes()
const unsigned = (r: MsgpackReader): number => r.unsigned()

// The fields of a literal are evaluated in the order in which they are written, which is the order on the wire.

const REPLIES: Variants<Reply> = {
  Hello: [3, (r) => ({ type: 'Hello', version: r.unsigned(), pid: r.unsigned(), boot: r.text() })],
  Created: [1, (r) => ({ type: 'Created', isolation: isolation(r) })],
  Done: [0, () => ({ type: 'Done' })],
  Started: [0, () => ({ type: 'Started' })],
  Finished: [2, (r) => ({ type: 'Finished', sandbox: r.text(), command: commandRecord(r) })],
  Command: [1, (r) => ({ type: 'Command', command: commandRecord(r) })],
  Commands: [1, (r) => ({ type: 'Commands', commands: r.list(commandRecord) })],
  File: [1, (r) => ({ type: 'File', reply: variant(r, FILE_REPLIES) })],
  Listing: [1, (r) => ({ type: 'Listing', sandboxes: r.list(livingSandbox) })],
  Status: [1, (r) => ({ type: 'Status', status: nodeStatus(r) })],
  Lost: [2, (r) => ({ type: 'Lost', sandbox: r.text(), reason: r.text() })],
  Error: [
    4,
    (r) => ({
      type: 'Error',
      code: r.text(),
      message: r.text(),
      step: r.optional(text),
      errno: r.optional(text),
    }),
  ],
}

const OUTCOMES: Variants<Outcome> = {
  Exited: [1, (r) => ({ type: 'Exited', exitCode: r.unsigned() })],
  Signalled: [1, (r) => ({ type: 'Signalled', signal: r.unsigned() })],
  TimedOut: [1, (r) => ({ type: 'TimedOut', limitMs: r.unsigned() })],
  OutOfMemory: [1, (r) => ({ type: 'OutOfMemory', limitBytes: r.unsigned() })],
  Killed: [1, (r) => ({ type: 'Killed', by: r.text() })],
  Lost: [1, (r) => ({ type: 'Lost', reason: r.text() })],
}

const PROGRAMS: Variants<Program> = {
  Session: [2, (r) => ({ type: 'Session', session: r.text(), text: r.bytes() })],
  Shell: [1, (r) => ({ type: 'Shell', text: r.bytes() })],
  Argv: [1, (r) => ({ type: 'Argv', argv: r.list(bytes) })],
}

const FILE_REPLIES: Variants<FileReply> = {
  Done: [0, () => ({ type: 'Done' })],
  Entry: [1, (r) => ({ type: 'Entry', entry: fileEntry(r) })],
  Entries: [2, (r) => ({ type: 'Entries', entries: r.list(fileEntry), more: r.boolean() })],
  Opened: [3, (r) => ({ type: 'Opened', entry: fileEntry(r), bytes: r.bytes(), handle: r.optional(unsigned) })],
  Data: [2, (r) => ({ type: 'Data', bytes: r.bytes(), eof: r.boolean() })],
  Put: [2, (r) => ({ type: 'Put', handle: r.optional(unsigned), entry: r.optional(fileEntry) })],
  Error: [3, (r) => ({ type: 'Error', code: r.text(), message: r.text(), errno: r.optional(text) })],
}

const FILE_KINDS: Variants<FileKind> = {
  File: [0, () => 'File'],
  Directory: [0, () => 'Directory'],
  Symlink: [0, () => 'Symlink'],
  Fifo: [0, () => 'Fifo'],
  Socket: [0, () => 'Socket'],
  Device: [0, () => 'Device'],
}

const outcome = (r: MsgpackReader): Outcome => variant(r, OUTCOMES)

function commandRecord(r: MsgpackReader): CommandRecord {
  r.fields(17)
  return {
    id: r.text(),
    program: variant(r, PROGRAMS),
    background: r.boolean(),
    outcome: r.optional(outcome),
    oom: r.boolean(),
    stdout: r.optional(bytes),
    stderr: r.optional(bytes),
    stdoutDropped: r.unsigned(),
    stderrDropped: r.unsigned(),
    startedAtMs: r.unsigned(),
    durationUs: r.unsigned(),
    cpuUserUs: r.unsigned(),
    cpuSystemUs: r.unsigned(),
    maxRssBytes: r.unsigned(),
    cwd: r.bytes(),
    backgroundLeft: r.boolean(),
    sessionRestarted: r.boolean(),
  }
}

function isolation(r: MsgpackReader): Isolation {
  r.fields(11)
  return {
    hostUid: r.unsigned(),
    hostUids: r.unsigned(),
    namespaces: r.list(text),
    seccomp: r.boolean(),
    noNewPrivs: r.boolean(),
    capabilities: r.unsigned(),
    cgroupVersion: r.unsigned(),
    memoryBytes: r.unsigned(),
    pids: r.unsigned(),
    cpuMillis: r.unsigned(),
    disk: r.text(),
  }
}

function sandboxSpec(r: MsgpackReader): SandboxSpec {
  r.fields(8)
  return {
    uid: r.unsigned(),
    hostname: r.text(),
    memoryBytes: r.unsigned(),
    diskBytes: r.unsigned(),
    inodes: r.unsigned(),
    pids: r.unsigned(),
    cpuMillis: r.unsigned(),
    nofile: r.unsigned(),
  }
}

function livingSession(r: MsgpackReader): LivingSandbox['sessions'][number] {
  r.fields(2)
  return { name: r.text(), cwd: r.bytes() }
}

function livingSandbox(r: MsgpackReader): LivingSandbox {
  r.fields(7)
  return {
    id: r.text(),
    spec: sandboxSpec(r),
    isolation: isolation(r),
    sessions: r.list(livingSession),
    running: r.list(commandRecord),
    createdAtMs: r.unsigned(),
    lastUsedAtMs: r.unsigned(),
  }
}

function nodeStatus(r: MsgpackReader): NodeStatus {
  r.fields(8)
  return {
    sandboxes: r.unsigned(),
    memoryTotalBytes: r.unsigned(),
    memoryAvailableBytes: r.unsigned(),
    pidMax: r.unsigned(),
    nofile: r.unsigned(),
    uidSlots: r.unsigned(),
    spoolBytes: r.unsigned(),
    supervisorRssBytes: r.unsigned(),
  }
}

function fileEntry(r: MsgpackReader): FileEntry {
  r.fields(6)
  return {
    path: r.bytes(),
    kind: variant(r, FILE_KINDS),
    sizeBytes: r.unsigned(),
    mode: r.unsigned(),
    modifiedAtMs: r.integer(),
    linkTarget: r.optional(bytes),
  }
}
