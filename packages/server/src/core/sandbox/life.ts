import type { SandboxState } from './sandbox.ts'

/**
 * The life cycle. `stopped`: it has ended and is being removed. `failed`: it never ran and is being removed.
 * What follows both is no state but the absence of a record.
 */
export const NEXT_STATES: { readonly [S in SandboxState]: readonly SandboxState[] } = {
  creating: ['running', 'failed'],
  running: ['stopped'],
  stopped: [],
  failed: [],
}

/** Whether the life cycle knows this step. */
export const mayMove = (from: SandboxState, to: SandboxState): boolean => NEXT_STATES[from].includes(to)
