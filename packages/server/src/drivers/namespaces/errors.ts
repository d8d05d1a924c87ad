import { CoreError, type ErrorDetails } from '../../core/errors.ts'
import { pathText } from '../../core/file/path.ts'
import type { Failure } from './protocol.ts'

/** What a request was about: the details of an error are taken from here, never from the other side. */
export interface Subject {
  readonly sandbox?: string
  readonly session?: string
  readonly command?: string
  readonly path?: Uint8Array
}

type FailureWithoutStep = Omit<Failure, 'step'> & Partial<Pick<Failure, 'step'>>

/** The codes that the supervisor and init tell, with how their details are made. */
const DETAILS: {
  readonly [C in keyof ErrorDetails]?: (about: Subject, failure: FailureWithoutStep) => ErrorDetails[C]
} = {
  'sandbox.not_found': sandboxId,
  'sandbox.gone': (about, failure) => ({ ...sandboxId(about), reason: failure.message }),
  'session.not_found': (about) => ({ ...sandboxId(about), session: about.session ?? '' }),
  'session.exists': (about) => ({ ...sandboxId(about), session: about.session ?? '' }),
  'command.not_found': commandId,
  'command.finished': commandId,
  'command.stdin_closed': commandId,
  'output.dropped': commandId,
  'file.not_found': path,
  'file.not_regular': path,
  'file.not_directory': path,
  'file.is_directory': path,
  'file.exists': path,
  'file.not_empty': path,
  'file.permission_denied': path,
  'file.path_invalid': (about, failure) => ({ ...path(about), reason: failure.message }),
  'file.read_only': path,
  'file.too_many_open': (about) => ({ ...path(about), max: MAX_HANDLES }),
  'file.no_space': path,
  'file.failed': (about, failure) => ({ ...path(about), errno: failure.errno ?? 'EIO' }),
  'runtime.setup_failed': (_about, failure) => ({ step: failure.step ?? '', errno: failure.errno ?? '' }),
  'runtime.unavailable': (_about, failure) => ({ reason: failure.message }),
}

/** Most files of one sandbox that init holds open. */
const MAX_HANDLES = 64

function sandboxId(about: Subject): { sandboxId: string } {
  return { sandboxId: about.sandbox ?? '' }
}

function commandId(about: Subject): { sandboxId: string; commandId: string } {
  return { ...sandboxId(about), commandId: about.command ?? '' }
}

function path(about: Subject): { path: string } {
  return { path: pathText(about.path ?? new Uint8Array()) }
}

/** Codes of the protocol's own, of which users need to know no more than that they may try again. */
const TRY_AGAIN = new Set(['limit.exceeded', 'supervisor.busy', 'protocol.version', 'protocol.refused'])

const isKnown = (code: string): code is keyof typeof DETAILS => Object.hasOwn(DETAILS, code)

/** A failure told by the other side, as core knows it. A code that only the other side knows is a defect of ours. */
export function toCoreError(failure: FailureWithoutStep, about: Subject): CoreError {
  const text = failure.errno === undefined ? failure.message : `${failure.message} (${failure.errno})`
  if (TRY_AGAIN.has(failure.code)) return unavailable(failure.message)
  const details = isKnown(failure.code) ? DETAILS[failure.code] : undefined
  if (!isKnown(failure.code) || details === undefined) {
    return new CoreError('internal.defect', `the supervisor answered ${failure.code}: ${text}`, {})
  }
  return new CoreError(failure.code, text, details(about, failure))
}

export function unavailable(reason: string, cause?: unknown): CoreError<'runtime.unavailable'> {
  return new CoreError('runtime.unavailable', reason, { reason }, { cause })
}
