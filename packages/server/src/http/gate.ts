import { CoreError } from '../core/errors.ts'
import { isLoopback } from './loopback.ts'

/** What the gate looks at. */
export interface GateRequest {
  readonly url?: string | undefined
  readonly headers: { readonly host?: string | undefined; readonly origin?: string | undefined }
}

/** A host of a `Host` header or an origin: a name, an IPv4 address or a bracketed IPv6 address, perhaps with a port. */
const HOST = /^(?:([a-z0-9_.-]+)|\[([0-9a-f:.]+)\])(?::\d{1,5})?$/i
const ORIGIN = /^https?:\/\/(.+)$/i

/**
 * Refuses requests that a web page somewhere else could have sent: a `Host` that is not ours (DNS rebinding)
 * or an `Origin` that is not ours. Both are checked on every request, GET too; there is no CORS.
 * Allowed are loopback names and addresses, and the names that the operator configured.
 */
export class Gate {
  readonly #allowed: ReadonlySet<string>

  constructor(allowedHosts: readonly string[]) {
    this.#allowed = new Set(allowedHosts.map((host) => host.toLowerCase()))
  }

  /** Why the request is refused; `undefined` lets it pass. */
  refusal({ url, headers }: GateRequest): CoreError | undefined {
    const host = headers.host ?? ''
    // An absolute-form target (`GET http://other/`) names a host of its own that routers ignore.
    if (url?.startsWith('/') !== true) return hostRefused(url ?? '')
    if (!this.#isOurs(host)) return hostRefused(host)
    if (headers.origin === undefined) return undefined
    const origin = ORIGIN.exec(headers.origin)?.[1]
    return origin !== undefined && this.#isOurs(origin) ? undefined : originRefused(headers.origin)
  }

  #isOurs(hostAndPort: string): boolean {
    const match = HOST.exec(hostAndPort)
    const host = (match?.[1] ?? match?.[2])?.toLowerCase()
    return host !== undefined && (isLoopback(host) || this.#allowed.has(host))
  }
}

const hostRefused = (host: string): CoreError =>
  new CoreError('request.host_refused', 'The Host header names a host that this server does not answer for.', { host })

const originRefused = (origin: string): CoreError =>
  new CoreError('request.origin_refused', 'Requests from this origin are refused.', { origin })
