import type { CoreError } from '../../core/errors.ts'
import type { ErrorAnswer } from '../../http/dialect.ts'
import { STATUS_BY_KIND } from '../../http/errors.ts'
import { snakeKeys } from './wire/names.ts'

/** `{"error": {code, message, details, request_id}}` */
export function encodeError(error: CoreError, requestId: string): ErrorAnswer {
  const message = error.kind === 'internal' ? 'The server failed; its log tells why, by the request id.' : error.message
  return {
    status: STATUS_BY_KIND[error.kind],
    body: { error: { code: error.code, message, details: snakeKeys(error.details), request_id: requestId } },
  }
}
