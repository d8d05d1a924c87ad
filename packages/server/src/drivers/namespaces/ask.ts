import type { Connection } from './connection.ts'
import { type Subject, toCoreError } from './errors.ts'
import { ProtocolError } from './msgpack-reader.ts'
import type { Reply, Request } from './protocol.ts'

/** Something that carries requests: a connection, or the link that outlives it. */
export type Carrier = Pick<Connection, 'request'>

/** The reply of the wanted type. An `Error` rejects as the `CoreError` that it stands for. */
export async function ask<Type extends Reply['type']>(
  carrier: Carrier,
  wanted: Type,
  request: Request,
  about: Subject = {},
): Promise<Extract<Reply, { type: Type }>> {
  const reply = await carrier.request(request)
  if (isOfType(reply, wanted)) return reply
  if (reply.type === 'Error') throw toCoreError(reply, about)
  throw new ProtocolError(`${reply.type} in answer to ${request.type}`)
}

function isOfType<Type extends Reply['type']>(reply: Reply, type: Type): reply is Extract<Reply, { type: Type }> {
  return reply.type === type
}
