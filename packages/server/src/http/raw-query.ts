import { invalidRequest } from './errors.ts'

const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20

/**
 * The bytes of a query parameter, percent-decoded and nothing more: they need not be UTF-8, as file names need not.
 * `+` is a space, as in forms. The first one counts. Throws `request.invalid` for a broken `%`.
 */
export function rawQueryParameter(url: string, name: string): Uint8Array | undefined {
  const start = url.indexOf('?')
  if (start === -1) return undefined
  for (const pair of url.slice(start + 1).split('&')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals) === name) return percentDecode(pair.slice(equals + 1), name)
  }
  return undefined
}

function percentDecode(text: string, name: string): Uint8Array {
  // Node hands over the bytes of a request line one by one, as characters below 256.
  const encoded = Buffer.from(text, 'latin1')
  const bytes = Buffer.alloc(encoded.length)
  let length = 0
  for (let at = 0; at < encoded.length; at++) {
    const byte = encoded[at]
    if (byte === PERCENT) {
      bytes[length++] = hexByte(text.slice(at + 1, at + 3), name)
      at += 2
    } else bytes[length++] = byte === PLUS ? SPACE : (byte ?? 0)
  }
  return bytes.subarray(0, length)
}

function hexByte(digits: string, name: string): number {
  if (!/^[0-9a-f]{2}$/i.test(digits)) throw invalidRequest(name, 'is not percent-encoded')
  return Number.parseInt(digits, 16)
}
