#!/usr/bin/env node
import { ConfigError, manual, serve, version } from '@atoll/server/main'

const USAGE = `Atoll: isolated, stateful Linux sandboxes over HTTP

  atoll serve [--option value ...]    serve until Ctrl-C, which ends all sandboxes
  atoll serve --help                  the manual of its options
  atoll --version
`

const SERVE_MANUAL = `atoll serve: serves the API and makes sandboxes on this machine

Ctrl-C (SIGINT) ends everything. SIGTERM stops the server and leaves the sandboxes to the next one.
Each option is a flag (--port 9000 or --port=9000) or an environment variable; the flag wins.

${manual()}`

/** Runs one command line. Resolves with the exit status: 2 where the command line or the configuration is wrong. */
async function run([command, ...args]: readonly string[]): Promise<number> {
  const helpWanted = args.includes('--help') || args.includes('-h')
  if (command === 'serve' && !helpWanted) await serve(args)
  else if (command === 'serve') process.stdout.write(SERVE_MANUAL)
  else if (command === '--version') process.stdout.write(`${version}\n`)
  else if (command === undefined || command === '--help' || command === '-h') process.stdout.write(USAGE)
  else throw new ConfigError(`${command}: no such command (see --help)`)
  return 0
}

try {
  process.exit(await run(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`atoll: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof ConfigError ? 2 : 1)
}
