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

/** npm passes on the Ctrl-C that the terminal has sent to everybody: within this time it is the same one. */
const SAME_SIGNAL_MS = 1000

/** Heard from now on, so that one during the start is not lost. A second one has its usual effect: it kills. */
function firstSignal(): Promise<'leave' | 'end'> {
  const { promise, resolve } = Promise.withResolvers<'leave' | 'end'>()
  const deafen = (): void => {
    process.removeListener('SIGINT', heard).removeListener('SIGTERM', heard)
  }
  const heard = (signal: NodeJS.Signals): void => {
    resolve(signal === 'SIGINT' ? 'end' : 'leave')
    setTimeout(deafen, SAME_SIGNAL_MS).unref()
  }
  process.on('SIGINT', heard).on('SIGTERM', heard)
  return promise
}
