/** What went wrong, as a kind. An edge (HTTP) turns a kind into its own answer, once. */
export type ErrorKind =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'gone'
  | 'too_large'
  | 'exhausted'
  | 'internal'
  | 'unavailable'
  | 'disk_full'

/** The typed details of each code: what a program needs to know beside the message. */
export interface ErrorDetails {
  'request.invalid': { field: string; reason: string }
  'request.too_large': { maxBytes: number }
  'request.unsupported_media_type': { mediaType: string }
  'request.host_refused': { host: string }
  'request.origin_refused': { origin: string }
  'route.not_found': { method: string; path: string }
  'auth.required': Record<string, never>
  'sandbox.not_found': { sandboxId: string }
  'sandbox.gone': { sandboxId: string; reason: string }
  'sandbox.wrong_state': { sandboxId: string; state: string; action: string }
  'sandbox.setup_failed': { command: string; outcome: unknown; stdout: string; stderr: string }
  'session.not_found': { sandboxId: string; session: string }
  'session.exists': { sandboxId: string; session: string }
  'command.not_found': { sandboxId: string; commandId: string }
  'command.finished': { sandboxId: string; commandId: string }
  'command.stdin_closed': { sandboxId: string; commandId: string }
  'output.dropped': { sandboxId: string; commandId: string }
  'file.not_found': { path: string }
  'file.not_regular': { path: string }
  'file.not_directory': { path: string }
  'file.is_directory': { path: string }
  'file.exists': { path: string }
  'file.not_empty': { path: string }
  'file.permission_denied': { path: string }
  'file.path_invalid': { path: string; reason: string }
  'file.read_only': { path: string }
  'file.too_many_open': { path: string; max: number }
  'file.no_space': { path: string }
  'file.failed': { path: string; errno: string }
  'limit.exceeded': { limit: string; max: number }
  'store.disk_full': Record<string, never>
  'runtime.setup_failed': { step: string; errno: string }
  'runtime.unavailable': { reason: string }
  'internal.defect': Record<string, never>
}

export type ErrorCode = keyof ErrorDetails

/** The one table of codes. Complete by type; `docs/errors.md` is held to it by a test. */
export const ERROR_KINDS: { readonly [C in ErrorCode]: ErrorKind } = {
  'request.invalid': 'invalid',
  'request.too_large': 'too_large',
  'request.unsupported_media_type': 'invalid',
  'request.host_refused': 'forbidden',
  'request.origin_refused': 'forbidden',
  'route.not_found': 'not_found',
  'auth.required': 'unauthorized',
  'sandbox.not_found': 'not_found',
  'sandbox.gone': 'gone',
  'sandbox.wrong_state': 'conflict',
  'sandbox.setup_failed': 'invalid',
  'session.not_found': 'not_found',
  'session.exists': 'conflict',
  'command.not_found': 'not_found',
  'command.finished': 'conflict',
  'command.stdin_closed': 'conflict',
  'output.dropped': 'gone',
  'file.not_found': 'not_found',
  'file.not_regular': 'conflict',
  'file.not_directory': 'conflict',
  'file.is_directory': 'conflict',
  'file.exists': 'conflict',
  'file.not_empty': 'conflict',
  'file.permission_denied': 'forbidden',
  'file.path_invalid': 'invalid',
  'file.read_only': 'forbidden',
  'file.too_many_open': 'exhausted',
  'file.no_space': 'disk_full',
  'file.failed': 'conflict',
  'limit.exceeded': 'unavailable',
  'store.disk_full': 'disk_full',
  'runtime.setup_failed': 'internal',
  'runtime.unavailable': 'unavailable',
  'internal.defect': 'internal',
}

/** Every failure that core and its drivers and stores tell. How a command ended is never one. */
export class CoreError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly details: ErrorDetails[C]

  constructor(code: C, message: string, details: ErrorDetails[C], options?: ErrorOptions) {
    super(message, options)
    this.name = 'CoreError'
    this.code = code
    this.details = details
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code]
  }
}

/** `instanceof` alone would narrow to `CoreError<any>`. */
export const isCoreError = (error: unknown): error is CoreError => error instanceof CoreError
