import type { FilePath } from '../../core/file/file.ts'
import type { SandboxId } from '../../core/ids.ts'
import { type Carrier, ask } from './ask.ts'
import { toCoreError } from './errors.ts'
import { ProtocolError } from './msgpack-reader.ts'
import type { FileOp, FileReply } from './protocol.ts'

/** One file operation inside a sandbox, answered by the reply of the wanted type. */
export type AskFile = <Type extends FileReply['type']>(
  wanted: Type,
  op: FileOp,
) => Promise<Extract<FileReply, { type: Type }>>

/** `path` names the operation in an error. */
export function askFile(carrier: Carrier, sandbox: SandboxId, path: FilePath): AskFile {
  return async (wanted, op) => {
    const { reply } = await ask(carrier, 'File', { type: 'File', sandbox, op }, { sandbox, path })
    if (isOfType(reply, wanted)) return reply
    if (reply.type === 'Error') throw toCoreError(reply, { sandbox, path })
    throw new ProtocolError(`${reply.type} in answer to ${op.type}`)
  }
}

function isOfType<Type extends FileReply['type']>(
  reply: FileReply,
  type: Type,
): reply is Extract<FileReply, { type: Type }> {
  return reply.type === type
}
