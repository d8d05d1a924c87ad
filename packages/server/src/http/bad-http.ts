import type { Socket } from 'node:net'
import type { Dialect } from './dialect.ts'
import { invalidRequest } from './errors.ts'

/** What Node's HTTP parser calls the bytes that it refuses, and how they are answered. */
const REFUSALS: Readonly<Record<string, { readonly status: string; readonly reason: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', reason: 'arrives too slowly' },
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', reason: 'has too large headers' },
}
const BAD_REQUEST = { status: '400 Bad Request', reason: 'is not HTTP/1.1' }

/** Answers bytes that are no request, as far as somebody still listens, and hangs up. */
export function badHttpAnswerer(dialect: Dialect, newRequestId: () => string) {
  return (error: Error & { readonly code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const { status, reason } = REFUSALS[error.code ?? ''] ?? BAD_REQUEST
    const id = newRequestId()
    const body = JSON.stringify(dialect.encodeError(invalidRequest('request', reason), id).body)
    const head = [
      `HTTP/1.1 ${status}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
      'connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  }
}
