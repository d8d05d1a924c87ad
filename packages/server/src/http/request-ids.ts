import { randomBytes } from 'node:crypto'

/** Makes ids of requests, unique over restarts: a random head for this server, then a count. */
export function requestIds(): () => string {
  const head = BigInt(`0x${randomBytes(10).toString('hex')}`)
    .toString(36)
    .padStart(16, '0')
  let count = 0
  return () => `req_${head}${(count++).toString(36).padStart(8, '0')}`
}
