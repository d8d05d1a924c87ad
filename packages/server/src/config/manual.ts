import { configSchema, flagOf, variableOf, type ConfigKey } from './schema.ts'

/** Defaults that are worked out on the machine, in words. */
const WORKED_OUT: Partial<Record<ConfigKey, string>> = {
  dataDir: '/var/lib/atoll as root, else $XDG_STATE_HOME/atoll',
  nodeName: 'the name of the host',
}

/** All options, each with its flag, variable, default and meaning. */
export function manual(): string {
  return Object.entries(configSchema.shape)
    .map(([key, field]) => {
      const inWords = WORKED_OUT[key as ConfigKey]
      const fallback = inWords ?? String(field.parse(undefined))
      return `  ${flagOf(key)} VALUE\n      ${field.description ?? ''}\n      ${variableOf(key)}, default: ${fallback || 'none'}\n`
    })
    .join('\n')
}
