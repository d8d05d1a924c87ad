import { invalid, withoutNul } from './check.ts'
import type { SandboxUser } from './sandbox/sandbox.ts'

/** Names and values of environment variables. */
export type Environment = Readonly<Record<string, string>>

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** The kernel refuses a longer `NAME=value`, its NUL counted (MAX_ARG_STRLEN). */
const LONGEST_ENTRY_BYTES = 131_072
/** Half of what the kernel takes for arguments and environment together. */
const LARGEST_BYTES = 1024 ** 2

/** Refuses names and values that no process can be given. */
export function checkEnvironment(field: string, env: Environment): Environment {
  let bytes = 0
  for (const [name, value] of Object.entries(env)) {
    checkName(field, name)
    const entryBytes = name.length + 2 + Buffer.byteLength(withoutNul(field, value))
    if (entryBytes > LONGEST_ENTRY_BYTES) throw invalid(field, `the value of ${name} is too long`)
    bytes += entryBytes
  }
  if (bytes > LARGEST_BYTES) throw invalid(field, `must be no more than ${LARGEST_BYTES} bytes`)
  return env
}

function checkName(field: string, name: string): void {
  if (!NAME.test(name)) throw invalid(field, `${JSON.stringify(name)} cannot name a variable`)
}

/** `changes` over `base`; `null` removes. */
export function changed(base: Environment, changes: Readonly<Record<string, string | null>> | undefined): Environment {
  if (changes === undefined) return base
  const merged = new Map<string, string | null>([...Object.entries(base), ...Object.entries(changes)])
  return Object.fromEntries([...merged].filter((entry): entry is [string, string] => entry[1] !== null))
}

/** What every shell and every argv command starts with. bash adds PWD, SHLVL and _ itself. */
export function baseEnvironment(user: SandboxUser): Environment {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: user === 'root' ? '/root' : `/home/${user}`,
    USER: user,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
  }
}
