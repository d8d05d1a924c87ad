import { fastify, type FastifyInstance } from 'fastify'
import type { Log } from '../core/log.ts'
import type { Core } from '../core/core.ts'
import { CoreError } from '../core/errors.ts'
import { errorAnswerer } from './answer-error.ts'
import { badHttpAnswerer } from './bad-http.ts'
import type { Dialect } from './dialect.ts'
import { routeNotFound } from './errors.ts'
import { Gate } from './gate.ts'
import { Metrics } from './metrics.ts'
import { mount } from './mount.ts'
import { operatorRoutes } from './operator-routes.ts'
import { requestIds } from './request-ids.ts'

/** A client that needs longer for its headers only holds a connection. */
const HEADERS_TIMEOUT_MS = 20_000

/** Node checks its time limits this often. */
const CHECK_INTERVAL_MS = 5_000

/** Longer than the 60 s that load balancers keep theirs, so that none sends into a connection that we just closed. */
const KEEP_ALIVE_MS = 65_000

/** As long as a request line may be: a name that is too long is an id that names nothing, not another 404. */
const MAX_PARAM_LENGTH = 16 * 1024

export interface HttpServerOptions {
  readonly core: Core
  /** The first one also answers what belongs to no dialect. */
  readonly dialects: readonly [Dialect, ...Dialect[]]
  /** Beside loopback, what `Host` and `Origin` may name. */
  readonly allowedHosts: readonly string[]
  readonly maxConnections: number
  readonly log: Log
}

/** The server of all dialects, not yet listening. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { core, dialects, log } = options
  const newRequestId = requestIds()
  const [first] = dialects
  const answerError = errorAnswerer(first, log)
  const app = fastify({
    logger: false,
    genReqId: newRequestId,
    frameworkErrors: answerError,
    clientErrorHandler: badHttpAnswerer(first, newRequestId),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Bodies have time limits of their own: an upload may take hours, a JSON body may not.
    requestTimeout: 0,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CHECK_INTERVAL_MS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
  })
  app.server.maxConnections = options.maxConnections
  const metrics = new Metrics(core)
  const server = new HttpServer(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done(server.refusal() ?? gate.refusal(request.raw) ?? (request.is404 ? routeNotFound(request) : undefined))
  })
  app.addHook('onResponse', (request, reply, done) => {
    metrics.countRequest(request.method, request.routeOptions.url ?? 'none', reply.statusCode)
    server.answered()
    done()
  })
  const gate = new Gate(options.allowedHosts)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request, reply) => answerError(routeNotFound(request), request, reply))
  operatorRoutes(app, core, metrics)
  for (const dialect of dialects) mount(app, dialect, log)
  await app.ready()
  return server
}

export class HttpServer {
  readonly app: FastifyInstance
  #closing = false

  constructor(app: FastifyInstance) {
    this.app = app
  }

  /** Resolves with the address that is served; port 0 takes a free one. */
  listen(host: string, port: number): Promise<string> {
    return this.app.listen({ host, port, backlog: 4096 })
  }

  /** Takes no request more, lets those under way end within the grace, then hangs up. Safe to call twice. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    const hangUp = setTimeout(() => this.app.server.closeAllConnections(), graceMs)
    try {
      await this.app.close()
    } finally {
      clearTimeout(hangUp)
    }
  }

  /** Why no request is taken any more; `undefined` takes it. */
  refusal(): CoreError | undefined {
    if (!this.#closing) return undefined
    return new CoreError('runtime.unavailable', 'The server is closing.', { reason: 'closing' })
  }

  /** A connection that becomes idle while the server closes would keep it open as long as clients like. */
  answered(): void {
    if (this.#closing) setImmediate(() => this.app.server.closeIdleConnections())
  }
}
