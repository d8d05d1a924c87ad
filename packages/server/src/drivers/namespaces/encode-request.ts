import type { FrameWriter } from './frame-writer.ts'
import type { CommandSpec, FileOp, Program, Request, SandboxSpec, SessionStart } from './protocol.ts'

/** Writes one request as the body of a frame. */
export function encodeRequest(writer: FrameWriter, request: Request): void {
  switch (request.type) {
    case 'Hello':
      writer.tag('Hello', 1).unsigned(request.version)
      break
    case 'Create':
      writer.tag('Create', 2).text(request.sandbox)
      encodeSandboxSpec(writer, request.spec)
      break
    case 'OpenSession':
      writer.tag('OpenSession', 3).text(request.sandbox).text(request.session)
      encodeSessionStart(writer, request.start)
      break
    case 'CloseSession':
      writer.tag('CloseSession', 2).text(request.sandbox).text(request.session)
      break
    case 'Run':
      writer.tag('Run', 2).text(request.sandbox)
      encodeCommandSpec(writer, request.command)
      break
    case 'Kill':
      writer.tag('Kill', 3).text(request.sandbox).text(request.command).text(request.by)
      break
    case 'Signal':
      writer.tag('Signal', 3).text(request.sandbox).text(request.command).unsigned(request.signal)
      break
    case 'Stdin':
      writer.tag('Stdin', 4).text(request.sandbox).text(request.command).bytes(request.bytes).boolean(request.eof)
      break
    case 'Command':
      writer.tag('Command', 2).text(request.sandbox).text(request.command)
      break
    case 'File':
      writer.tag('File', 2).text(request.sandbox)
      encodeFileOp(writer, request.op)
      break
    case 'Destroy':
    case 'Commands':
      writer.tag(request.type, 1).text(request.sandbox)
      break
    case 'List':
    case 'Status':
    case 'Shutdown':
      writer.tag(request.type, 0)
      break
  }
}

function encodeSandboxSpec(writer: FrameWriter, spec: SandboxSpec): void {
  writer.fields(8).unsigned(spec.uid).text(spec.hostname)
  writer.unsigned(spec.memoryBytes).unsigned(spec.diskBytes).unsigned(spec.inodes)
  writer.unsigned(spec.pids).unsigned(spec.cpuMillis).unsigned(spec.nofile)
}

function encodeSessionStart(writer: FrameWriter, start: SessionStart): void {
  writer.fields(2).bytes(start.cwd)
  writer.list(start.env, (line) => writer.bytes(line))
}

function encodeProgram(writer: FrameWriter, program: Program): void {
  switch (program.type) {
    case 'Session':
      writer.tag('Session', 2).text(program.session).bytes(program.text)
      break
    case 'Shell':
      writer.tag('Shell', 1).bytes(program.text)
      break
    case 'Argv':
      writer.tag('Argv', 1).list(program.argv, (argument) => writer.bytes(argument))
      break
  }
}

function encodeCommandSpec(writer: FrameWriter, command: CommandSpec): void {
  const bytes = (value: Uint8Array) => writer.bytes(value)
  const unsigned = (value: number) => writer.unsigned(value)
  writer.fields(15).text(command.id)
  encodeProgram(writer, command.program)
  writer.optional(command.cwd, bytes).list(command.env, bytes)
  writer.optional(command.stdin, bytes).boolean(command.stdinOpen)
  writer.unsigned(command.timeoutMs).unsigned(command.maxBytes)
  writer.boolean(command.merge).boolean(command.background)
  writer.optional(command.uid, unsigned).optional(command.cpuMs, unsigned)
  writer.optional(command.memoryBytes, unsigned).optional(command.fileBytes, unsigned)
  writer.optional(command.nofile, unsigned)
}

function encodeFileOp(writer: FrameWriter, op: FileOp): void {
  const bytes = (value: Uint8Array) => writer.bytes(value)
  const unsigned = (value: number) => writer.unsigned(value)
  switch (op.type) {
    case 'Stat':
      writer.tag('Stat', 2).bytes(op.path).boolean(op.follow)
      break
    case 'List':
      writer.tag('List', 4).bytes(op.path).unsigned(op.depth).optional(op.after, bytes).unsigned(op.limit)
      break
    case 'Open':
      writer.tag('Open', 3).bytes(op.path).unsigned(op.offset).optional(op.length, unsigned)
      break
    case 'Next':
    case 'Close':
      writer.tag(op.type, 1).unsigned(op.handle)
      break
    case 'Put':
      writer.tag('Put', 4).bytes(op.path).optional(op.mode, unsigned).bytes(op.bytes).boolean(op.last)
      break
    case 'Append':
      writer.tag('Append', 3).unsigned(op.handle).bytes(op.bytes).boolean(op.last)
      break
    case 'CloseAll':
      writer.tag('CloseAll', 0)
      break
    case 'Remove':
      writer.tag('Remove', 2).bytes(op.path).boolean(op.recursive)
      break
    case 'Mkdir':
      writer.tag('Mkdir', 2).bytes(op.path).optional(op.mode, unsigned)
      break
    case 'Move':
      writer.tag('Move', 3).bytes(op.from).bytes(op.to).boolean(op.overwrite)
      break
  }
}
