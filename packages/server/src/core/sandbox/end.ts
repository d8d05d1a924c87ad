import type { CommandOutcome } from '../command/command.ts'
import { CoreError } from '../errors.ts'

/** Why a sandbox ends, and what that makes of its commands. */
export interface End {
  /** What its id answers from then on; `undefined`: that there is none. */
  readonly gone: string | undefined
  /** Of commands that ran or waited. */
  readonly outcome: CommandOutcome
}

const killed = (by: string): CommandOutcome => ({ type: 'killed', by })

export const DELETED = { gone: undefined, outcome: killed('delete') } satisfies End
/** A one-shot run has its answer, or a create has failed. */
export const DISCARDED = DELETED
export const LIFETIME_OVER = { gone: 'lifetime', outcome: killed('lifetime') } satisfies End
export const IDLE = { gone: 'idle', outcome: killed('idle') } satisfies End
export const SHUT_DOWN = { gone: 'lost: the server was shut down', outcome: killed('shutdown') } satisfies End

/** It ended by itself, or with what carried it. */
export const lost = (reason: string): End => ({ gone: `lost: ${reason}`, outcome: { type: 'lost', reason } })

/** What an operation on a sandbox answers that has expired or was lost. */
export const goneError = (sandboxId: string, reason: string): CoreError =>
  new CoreError('sandbox.gone', `the sandbox has ended: ${reason}`, { sandboxId, reason })

export const notFoundError = (sandboxId: string): CoreError =>
  new CoreError('sandbox.not_found', 'there is no such sandbox', { sandboxId })
