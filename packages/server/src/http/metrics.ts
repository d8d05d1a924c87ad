import { Counter, Gauge, Registry } from 'prom-client'
import type { Core } from '../core/core.ts'

/** What `/metrics` tells, in a registry of its own. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #requests = new Map<string, RouteCount>()
  readonly #core: Pick<Core, 'node'>
  readonly #up = this.#gauge('atoll_up', '1 when the driver answers')
  readonly #sandboxes = this.#gauge('atoll_sandboxes', 'Living sandboxes')
  readonly #running = this.#gauge('atoll_commands_running', 'Commands that run now')
  readonly #waiting = this.#gauge('atoll_commands_waiting', 'Commands in the queue')
  readonly #poolReady = this.#gauge('atoll_pool_ready', 'Warm sandboxes that wait for their user')

  constructor(core: Pick<Core, 'node'>) {
    this.#core = core
    this.#collectRequests()
    this.#collectProcess()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Counts one answered request. `route` is the pattern, never the address: its values are few. */
  countRequest(method: string, route: string, status: number): void {
    const key = `${method} ${route} ${status}`
    const counted = this.#requests.get(key)
    if (counted === undefined) this.#requests.set(key, { method, route, status, count: 1 })
    else counted.count++
  }

  async text(): Promise<string> {
    await this.#askNode()
    return this.#registry.metrics()
  }

  // Counted in a map and handed over when asked: a labelled counter costs more than the routing of a request.
  #collectRequests(): void {
    const requests = this.#requests
    new Counter({
      name: 'atoll_http_requests_total',
      help: 'Answered HTTP requests',
      labelNames: ['method', 'route', 'status'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const { count, ...labels } of requests.values()) this.inc(labels, count)
      },
    })
  }

  async #askNode(): Promise<void> {
    try {
      const node = await this.#core.node()
      this.#sandboxes.set(node.sandboxes)
      this.#running.set(node.commandsRunning)
      this.#waiting.set(node.commandsWaiting)
      this.#poolReady.set(node.pool.ready)
      this.#up.set(1)
    } catch {
      this.#up.set(0)
    }
  }

  #collectProcess(): void {
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the server',
      registers: [this.#registry],
      collect() {
        this.set(process.memoryUsage.rss())
      },
    })
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time of the server',
      registers: [this.#registry],
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc((user + system) / 1e6)
      },
    })
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] })
  }
}

interface RouteCount {
  readonly method: string
  readonly route: string
  readonly status: number
  count: number
}
