import { randomFillSync } from 'node:crypto'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type SandboxId = Branded<'SandboxId'>
export type CommandId = Branded<'CommandId'>
export type SessionName = Branded<'SessionName'>

/** `^[a-z]{3}_[0-9a-z]{20,}$`: 24 characters of base 32 carry 120 random bits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const CHARACTERS = 24

// Random bytes are drawn in blocks: one draw a call would cost more than the rest of making an id.
const pool = Buffer.allocUnsafe(CHARACTERS * 128)
let used = pool.length

function randomText(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let text = ''
  for (const end = used + CHARACTERS; used < end; used++) text += ALPHABET.charAt((pool[used] ?? 0) & 31)
  return text
}

export const newSandboxId = (): SandboxId => `sbx_${randomText()}` as SandboxId
export const newCommandId = (): CommandId => `cmd_${randomText()}` as CommandId

const SESSION_NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/

/** Whether a name given by a user may name a session. */
export const isSessionName = (text: string): text is SessionName => SESSION_NAME.test(text)

/** The session that every sandbox has. */
export const MAIN_SESSION = 'main' as SessionName
