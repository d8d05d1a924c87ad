import { isUtf8 } from 'node:buffer'
import { z } from 'zod'

/** Longest time that a timer of Node can hold, and longer than any maximum that makes sense. */
const MAX_MS = 2_147_483_647

/** Text for a program or the file system: whole characters, no NUL. */
export const text = z
  .string()
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'holds a NUL or half a character')

export const pathText = text.min(1).max(4096)

export const milliseconds = z.int().min(1).max(MAX_MS)
export const count = z.int().min(1).max(MAX_MS)
export const bytes = z.int().min(1).max(Number.MAX_SAFE_INTEGER)

export const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'is no name of a variable')
export const environment = z.record(environmentName, text)

const metadataKey = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/, 'is no key of metadata')
export const metadataValue = z
  .string()
  .max(1024)
  .refine((value) => value.isWellFormed(), 'holds half a character')
export const metadata = z.record(metadataKey, metadataValue)
export const metadataPatch = z.record(metadataKey, metadataValue.nullable())

export const user = z.enum(['sandboxuser', 'root'])

/** Base64 of the standard alphabet, decoded. */
export const base64 = z
  .string()
  .meta({ contentEncoding: 'base64' })
  .transform((value, context) => {
    try {
      return Uint8Array.fromBase64(value, { lastChunkHandling: 'strict' })
    } catch {
      context.addIssue('is not base64')
      return z.NEVER
    }
  })

/** Content in JSON: `{text}` or `{base64}`. */
export const content = z
  .strictObject({
    text: z
      .string()
      .refine((value) => value.isWellFormed(), 'holds half a character')
      .exactOptional(),
    base64: base64.exactOptional(),
  })
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), 'give text or base64')

export const contentBytes = ({ text = '', base64 }: z.output<typeof content>): Uint8Array => base64 ?? Buffer.from(text)

/** Content as it is answered: text where the bytes are UTF-8. */
export const answeredContent = z.union([z.strictObject({ text: z.string() }), z.strictObject({ base64: z.string() })])

export const encodeContent = (value: Uint8Array): z.output<typeof answeredContent> =>
  isUtf8(value) ? { text: decodeUtf8(value) } : { base64: value.toBase64() }

/** Bytes as text; each invalid sequence becomes U+FFFD. */
export const decodeUtf8 = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')

/** A whole number in a query. */
export const queryInteger = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'is no whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ type: 'integer', pattern: undefined, minimum: min, maximum: max })

export const queryBoolean = z.enum(['true', 'false']).transform((value) => value === 'true')

/** `0644`, `644`, `4755`: octal, as in `chmod`. */
export const mode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'is no octal mode')
  .transform((value) => Number.parseInt(value, 8))

export const encodeMode = (value: number): string => value.toString(8).padStart(4, '0')

export const time = z.iso.datetime({ precision: 3 })
export const encodeTime = (ms: number): string => new Date(ms).toISOString()

/** Where a list goes on, and how much of it is wanted. */
export const page = { limit: queryInteger(1, 1000).default(100), cursor: z.string().max(4096).exactOptional() }

export const listOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() })

export const errorBody = z
  .strictObject({
    error: z.strictObject({
      code: z.string(),
      message: z.string(),
      details: z.record(z.string(), z.unknown()),
      request_id: z.string(),
    }),
  })
  .meta({ id: 'Error' })
