import { join, resolve } from 'node:path'
import { pino } from 'pino'
import manifest from '../package.json' with { type: 'json' }
import { ConfigError, type Config } from './config/index.ts'
import { createCore, type RunningCore } from './core/create-core.ts'
import { DEFAULT_LIMITS, type CoreLimits, type Range } from './core/limits.ts'
import type { Store } from './core/ports/store.ts'
import { createNativeDialect } from './dialects/native/index.ts'
import { createNamespacesDriver } from './drivers/namespaces/index.ts'
import { isLoopback } from './http/loopback.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { EmbeddedStore } from './store/embedded/embedded-store.ts'

export const version = manifest.version

/** A server that serves. */
export interface App {
  /** `http://host:port`, the port that was really taken. */
  readonly address: string
  /** `leave`: the sandboxes live on for the next server. `end`: everything ends. Safe to call twice. */
  close(how: 'leave' | 'end'): Promise<void>
}

/** Wires everything and serves. Rejects with nothing left open; `ConfigError` where the operator must change something. */
export async function startApp(config: Config): Promise<App> {
  refuseOpenDoor(config.host)
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }))
  const dataDir = resolve(config.dataDir)
  const driver = createNamespacesDriver({ dataDir, orphanTtlMs: config.orphanTtlMs, log })
  const store = EmbeddedStore.open({ path: join(dataDir, 'atoll.db') })
  try {
    const core = await createCore({ driver, store, limits: limitsOf(config), log, node: config.nodeName })
    const http = await createHttpServer({
      core,
      dialects: [createNativeDialect(core, version)],
      allowedHosts: config.allowedHosts,
      maxConnections: config.maxConnections,
      log,
    })
    const address = await http.listen(config.host, config.port)
    log.info({ address, dataDir, version }, 'ready')
    let closing: Promise<void> | undefined
    return { address, close: (how) => (closing ??= close({ http, core, store }, how, config.shutdownGraceMs)) }
  } catch (error) {
    await driver.close('leave')
    await store.close()
    throw error
  }
}

/** Whoever reaches an address without keys owns its sandboxes, so only this machine may. */
function refuseOpenDoor(host: string): void {
  if (isLoopback(host)) return
  throw new ConfigError(
    `--host: ${host} is not a loopback address, and there are no keys to protect it: use 127.0.0.1, ::1 or localhost`,
  )
}

function limitsOf(config: Config): Partial<CoreLimits> {
  const ranged = (range: Range, standard: number, max = range.max): Range => ({ ...range, max, default: standard })
  const { memoryBytes, diskBytes, cpus, pids, nofile, lifetimeMs, idleTimeoutMs, timeoutMs, outputBytes } =
    DEFAULT_LIMITS
  return {
    sandboxes: config.maxSandboxes,
    commandsRunning: config.maxConcurrentCommands,
    commandsWaiting: config.maxWaitingCommands,
    memoryBytes: ranged(memoryBytes, config.defaultMemoryBytes),
    diskBytes: ranged(diskBytes, config.defaultDiskBytes),
    cpus: ranged(cpus, config.defaultCpus),
    pids: ranged(pids, config.defaultPids),
    nofile: ranged(nofile, config.defaultNofile),
    lifetimeMs: ranged(lifetimeMs, config.defaultLifetimeMs, config.maxLifetimeMs),
    idleTimeoutMs: ranged(idleTimeoutMs, config.defaultIdleTimeoutMs, config.maxIdleTimeoutMs),
    timeoutMs: ranged(timeoutMs, config.defaultTimeoutMs, config.maxTimeoutMs),
    outputBytes: ranged(outputBytes, config.defaultOutputBytes, config.maxOutputBytes),
  }
}

interface Running {
  readonly http: HttpServer
  readonly core: RunningCore
  readonly store: Store
}

/** The end of everything ends the commands that requests wait for; else those requests get their grace first. */
async function close({ http, core, store }: Running, how: 'leave' | 'end', graceMs: number): Promise<void> {
  const closed = http.close(graceMs)
  if (how === 'leave') await closed
  await core.close(how)
  await closed
  await store.close()
}
