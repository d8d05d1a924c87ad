import { homedir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { configSchema, flagOf, variableOf } from './schema.ts'

export { manual } from './manual.ts'

/** Every option with its value. */
export type Config = Readonly<z.output<typeof configSchema>> & { readonly dataDir: string }

/** A start that is refused; the message names the flag or the variable. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads flags (`--port 80`, `--port=80`), then the environment, then the defaults. Throws `ConfigError`. */
export function readConfig(args: readonly string[], environment: Environment = process.env): Config {
  const flags = readFlags(args)
  const given: Record<string, string> = {}
  const sources: Record<string, string> = {}
  for (const key of Object.keys(configSchema.shape)) {
    const flag = flags.get(key)
    const value = flag ?? environment[variableOf(key)]
    if (value === undefined) continue
    given[key] = value
    sources[key] = flag === undefined ? variableOf(key) : flagOf(key)
  }
  const result = configSchema.safeParse(given)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new ConfigError(`${sources[String(issue?.path[0])] ?? 'configuration'}: ${issue?.message ?? 'is not valid'}`)
  }
  const dataDir = result.data.dataDir ?? defaultDataDir(environment)
  return { ...result.data, ...defaultsWithin(result.data, given), dataDir }
}

/** Flags by key. Each wants a value; one that is unknown or given twice is refused. */
function readFlags(args: readonly string[]): ReadonlyMap<string, string> {
  const keys = new Map(Object.keys(configSchema.shape).map((key) => [flagOf(key), key]))
  const flags = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = splitOnce(args[at] ?? '')
    const key = keys.get(flag)
    if (key === undefined) throw new ConfigError(`${flag}: no such option (see --help)`)
    const value = inline ?? args[++at]
    if (value === undefined) throw new ConfigError(`${flag}: wants a value`)
    if (flags.has(key)) throw new ConfigError(`${flag}: is given twice`)
    flags.set(key, value)
  }
  return flags
}

function splitOnce(arg: string): readonly [string, string | undefined] {
  const equals = arg.indexOf('=')
  return equals === -1 ? [arg, undefined] : [arg.slice(0, equals), arg.slice(equals + 1)]
}

/** Defaults, each with the maximum that it must fit under. */
const PAIRS = [
  ['defaultTimeoutMs', 'maxTimeoutMs'],
  ['defaultIdleTimeoutMs', 'maxIdleTimeoutMs'],
  ['defaultLifetimeMs', 'maxLifetimeMs'],
  ['defaultOutputBytes', 'maxOutputBytes'],
] as const
type LimitKey = (typeof PAIRS)[number][number]

/** Defaults that nobody gave give way to a lower maximum; one that was given is refused. */
function defaultsWithin(
  config: Readonly<Record<LimitKey, number>>,
  given: Readonly<Record<string, string>>,
): Partial<Record<LimitKey, number>> {
  const lowered: Partial<Record<LimitKey, number>> = {}
  for (const [standard, maximum] of PAIRS) {
    if (config[standard] <= config[maximum]) continue
    if (given[standard] !== undefined) throw new ConfigError(`${flagOf(standard)}: is more than ${flagOf(maximum)}`)
    lowered[standard] = config[maximum]
  }
  return lowered
}

/** As the XDG directories say; root's state is the machine's. */
function defaultDataDir(environment: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/atoll'
  return join(environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'atoll')
}
