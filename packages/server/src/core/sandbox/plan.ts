import { invalid, wholeWithin, within, withoutNul } from '../check.ts'
import type { Clock } from '../clock.ts'
import type { CreateSandbox } from '../core.ts'
import { checkEnvironment } from '../environment.ts'
import { newSandboxId } from '../ids.ts'
import type { CoreLimits } from '../limits.ts'
import type { SandboxRecord } from '../ports/store.ts'
import type { SandboxLimits } from './sandbox.ts'

/** Where commands start and relative paths begin, unless told otherwise. */
export const DEFAULT_CWD = '/workspace'

const DEFAULT_TEMPLATE = 'default'
/** A path of the kernel with its NUL. */
const LONGEST_CWD_BYTES = 4095
const LARGEST_METADATA_BYTES = 64 * 1024

/** The record of a sandbox that somebody asks for, every default filled in; `request.invalid` names the field. */
export function planSandbox(
  options: CreateSandbox,
  context: { readonly limits: CoreLimits; readonly clock: Clock; readonly node: string },
): SandboxRecord {
  const { limits, clock, node } = context
  const template = options.template ?? DEFAULT_TEMPLATE
  if (template !== DEFAULT_TEMPLATE) throw invalid('template', 'there is no such template')
  if (options.image !== undefined) throw invalid('image', 'there is no such image')
  const id = newSandboxId()
  const createdAtMs = clock.now()
  return {
    id,
    node,
    incarnation: 1,
    revision: 1,
    state: 'running',
    spec: {
      user: options.user ?? 'sandboxuser',
      hostname: 'sandbox',
      limits: planLimits(options.limits ?? {}, limits),
    },
    template,
    image: null,
    env: checkEnvironment('env', options.env ?? {}),
    cwd: checkCwd('cwd', DEFAULT_CWD, options.cwd ?? DEFAULT_CWD),
    metadata: checkMetadata(options.metadata ?? {}),
    sessions: [],
    createdAtMs,
    expiresAtMs: createdAtMs + wholeWithin('lifetime_ms', options.lifetimeMs, limits.lifetimeMs),
    idleTimeoutMs: wholeWithin('idle_timeout_ms', options.idleTimeoutMs, limits.idleTimeoutMs),
  }
}

function planLimits(asked: Partial<SandboxLimits>, limits: CoreLimits): SandboxLimits {
  return {
    memoryBytes: wholeWithin('limits.memory_bytes', asked.memoryBytes, limits.memoryBytes),
    cpus: within('limits.cpus', asked.cpus, limits.cpus),
    pids: wholeWithin('limits.pids', asked.pids, limits.pids),
    diskBytes: wholeWithin('limits.disk_bytes', asked.diskBytes, limits.diskBytes),
    nofile: wholeWithin('limits.nofile', asked.nofile, limits.nofile),
  }
}

/** An absolute working directory; a relative one begins at `base`. */
export function checkCwd(field: string, base: string, cwd: string): string {
  if (cwd === '') throw invalid(field, 'must not be empty')
  const absolute = withoutNul(field, cwd).startsWith('/') ? cwd : `${base}/${cwd}`
  if (Buffer.byteLength(absolute) > LONGEST_CWD_BYTES) throw invalid(field, 'is too long')
  return absolute
}

/** Notes of the user, which core only keeps. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const bytes = Buffer.byteLength(JSON.stringify(metadata))
  if (bytes > LARGEST_METADATA_BYTES) throw invalid('metadata', `must be no more than ${LARGEST_METADATA_BYTES} bytes`)
  return metadata
}
