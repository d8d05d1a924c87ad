import { startApp, version } from './app.ts'
import { readConfig } from './config/index.ts'

export { ConfigError, manual } from './config/index.ts'
export { version } from './app.ts'

/**
 * Serves until a signal. SIGINT ends everything, as nobody expects leftovers from a terminal;
 * SIGTERM leaves the sandboxes to the next server. Rejects where it cannot start.
 */
export async function serve(args: readonly string[]): Promise<void> {
  const config = readConfig(args)
  const stop = firstSignal()
  const app = await startApp(config)
  process.stdout.write(`Atoll ${version} serves on ${app.address}\n`)
  await app.close(await stop)
}

/** Heard from now on, so that one during the start is not lost. A second one has its usual effect: it kills. */
function firstSignal(): Promise<'leave' | 'end'> {
  const { promise, resolve } = Promise.withResolvers<'leave' | 'end'>()
  const heard = (signal: NodeJS.Signals): void => {
    process.removeListener('SIGINT', heard).removeListener('SIGTERM', heard)
    resolve(signal === 'SIGINT' ? 'end' : 'leave')
  }
  process.on('SIGINT', heard).on('SIGTERM', heard)
  return promise
}
