import { isUtf8 } from 'node:buffer'
import { invalidRequest } from './errors.ts'

/** Deeper than any request of any dialect; a nest of millions would cost memory by the gigabyte. */
const MAX_DEPTH = 64

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * JSON of a request: UTF-8 without a byte-order mark, at most 64 deep, no field twice in one object, no `__proto__`.
 * Nothing at all is `undefined`. Throws `request.invalid`.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) throw invalidRequest('body', 'is not UTF-8')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  const fields = countFields(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalidRequest('body', 'is not JSON', { cause: error })
  }
  if (countOwnFields(value) !== fields) throw invalidRequest('body', 'names a field twice in one object')
  // Where nothing is wanted nothing is sent; `null` could be taken for it.
  if (value === null) throw invalidRequest('body', 'is null')
  return value
}

/** The number of `:` outside strings, which is that of fields; says no to a nest too deep before it is parsed. */
function countFields(text: string): number {
  let depth = 0
  let fields = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at)
        break
      case COLON:
        fields++
        break
      case OPEN_BRACKET:
      case OPEN_BRACE:
        if (++depth > MAX_DEPTH) throw invalidRequest('body', `is nested deeper than ${MAX_DEPTH}`)
        break
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth--
        break
    }
  }
  return fields
}

/** Where the string that opens at `start` closes; the end of the text where it never does. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text.charCodeAt(before - 1) === BACKSLASH) before--
    if ((at - before) % 2 === 0) return at
  }
  return text.length
}

function countOwnFields(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let fields = 0
  if (Array.isArray(value)) {
    for (const item of value) fields += countOwnFields(item)
    return fields
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw invalidRequest('__proto__', 'is refused')
    fields += 1 + countOwnFields(member)
  }
  return fields
}
