import { CoreError, isCoreError, type ErrorKind } from '../core/errors.ts'

/** The one place where a kind of failure becomes an HTTP status. */
export const STATUS_BY_KIND: { readonly [K in ErrorKind]: number } = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  exhausted: 429,
  internal: 500,
  unavailable: 503,
  disk_full: 507,
}

/** What `Retry-After` says: room is made by commands that end, and most end within a second. */
export const RETRY_AFTER_SECONDS = 1

/** Whether the same request may succeed a little later. */
export const mayRetry = (kind: ErrorKind): boolean => kind === 'exhausted' || kind === 'unavailable'

/** A request that says something wrong, named by its field. */
export const invalidRequest = (field: string, reason: string, options?: ErrorOptions): CoreError =>
  new CoreError('request.invalid', `${field}: ${reason}`, { field, reason }, options)

export const routeNotFound = ({ method, url }: { readonly method: string; readonly url: string }): CoreError => {
  const path = url.split('?', 1)[0] ?? ''
  return new CoreError('route.not_found', `There is no ${method} ${path}.`, { method, path })
}

/** Any failure as the one that is told: Fastify's own become `request.*`, unknown ones a defect without inner text. */
export function toCoreError(error: unknown): CoreError {
  if (isCoreError(error)) return error
  if (hasCode(error, 'FST_ERR_CTP_INVALID_MEDIA_TYPE')) {
    return new CoreError(
      'request.unsupported_media_type',
      'The content-type is not accepted here.',
      { mediaType: '' },
      { cause: error },
    )
  }
  if (error instanceof Error && isClientError(error)) return invalidRequest('request', error.message, { cause: error })
  return new CoreError(
    'internal.defect',
    'The server failed; its log tells why, by the request id.',
    {},
    { cause: error },
  )
}

/** Codes of Node for a request whose sender went away in the middle of it. */
const CUT_OFF = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE'])

function isClientError(error: Error & { readonly statusCode?: unknown; readonly code?: unknown }): boolean {
  if (typeof error.code === 'string' && CUT_OFF.has(error.code)) return true
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
