import { z } from 'zod'
import type { CreateSandbox, UpdateSandbox } from '../../../core/core.ts'
import type { Sandbox } from '../../../core/sandbox/sandbox.ts'
import { present, snakeKeys } from './names.ts'
import * as wire from './primitives.ts'

export const sandboxLimits = z
  .strictObject({
    memory_bytes: wire.bytes.exactOptional(),
    cpus: z.number().positive().max(4096).exactOptional(),
    pids: wire.count.exactOptional(),
    disk_bytes: wire.bytes.exactOptional(),
    nofile: wire.count.exactOptional(),
  })
  .meta({ id: 'SandboxLimits' })

export const network = z.strictObject({ mode: z.literal('none') })
export const files = z.record(wire.pathText, wire.content)

export const createBody = z
  .strictObject({
    template: z.string().min(1).max(63).exactOptional(),
    image: z.string().min(1).max(512).exactOptional(),
    env: wire.environment.exactOptional(),
    files: files.exactOptional(),
    setup: z.array(wire.text).max(100).exactOptional(),
    cwd: wire.pathText.exactOptional(),
    user: wire.user.exactOptional(),
    limits: sandboxLimits.exactOptional(),
    network: network.exactOptional(),
    lifetime_ms: wire.bytes.exactOptional(),
    idle_timeout_ms: wire.bytes.exactOptional(),
    metadata: wire.metadata.exactOptional(),
  })
  .meta({ id: 'CreateSandbox' })

export const updateBody = z
  .strictObject({
    env: z.record(wire.environmentName, wire.text.nullable()).exactOptional(),
    cwd: wire.pathText.exactOptional(),
    metadata: wire.metadataPatch.exactOptional(),
    lifetime_ms: wire.bytes.exactOptional(),
    idle_timeout_ms: wire.bytes.exactOptional(),
  })
  .meta({ id: 'UpdateSandbox' })

export const decodeFiles = (value: z.output<typeof files>): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(value).map(([path, content]) => [path, wire.contentBytes(content)]))

export const decodeLimits = (value: z.output<typeof sandboxLimits>) =>
  present({
    memoryBytes: value.memory_bytes,
    cpus: value.cpus,
    pids: value.pids,
    diskBytes: value.disk_bytes,
    nofile: value.nofile,
  })

export function decodeCreate(body: z.output<typeof createBody>): CreateSandbox {
  const { files: content, limits, lifetime_ms: lifetimeMs, idle_timeout_ms: idleTimeoutMs, ...same } = body
  return {
    ...same,
    ...present({
      files: content && decodeFiles(content),
      limits: limits && decodeLimits(limits),
      lifetimeMs,
      idleTimeoutMs,
    }),
  }
}

export function decodeUpdate(body: z.output<typeof updateBody>): UpdateSandbox {
  const { lifetime_ms: lifetimeMs, idle_timeout_ms: idleTimeoutMs, ...same } = body
  return { ...same, ...present({ lifetimeMs, idleTimeoutMs }) }
}

export const sandboxState = z.enum(['creating', 'running', 'stopped', 'failed'])

const isolation = z
  .strictObject({
    driver: z.string(),
    host_uid: z.int(),
    host_uids: z.int(),
    namespaces: z.array(z.string()),
    seccomp: z.boolean(),
    no_new_privs: z.boolean(),
    capabilities: z.int(),
    cgroup_version: z.int(),
    memory_bytes: z.int(),
    pids: z.int(),
    cpus: z.number(),
    disk: z.string(),
    missing: z.array(z.string()),
  })
  .meta({ id: 'Isolation' })

export const sandbox = z
  .strictObject({
    id: z.string(),
    state: sandboxState,
    template: z.string(),
    image: z.string().nullable(),
    user: wire.user,
    cwd: z.string(),
    env_names: z.array(z.string()),
    limits: sandboxLimits.required(),
    network,
    isolation,
    metadata: z.record(z.string(), z.string()),
    sessions: z.array(z.string()),
    created_at: wire.time,
    last_used_at: wire.time,
    expires_at: wire.time,
    idle_timeout_ms: z.int(),
    node: z.string(),
  })
  .meta({ id: 'Sandbox' })

export function encodeSandbox(value: Sandbox): z.output<typeof sandbox> {
  return {
    id: value.id,
    state: value.state,
    template: value.template,
    image: value.image,
    user: value.user,
    cwd: value.cwd,
    env_names: Object.keys(value.env),
    limits: {
      memory_bytes: value.limits.memoryBytes,
      cpus: value.limits.cpus,
      pids: value.limits.pids,
      disk_bytes: value.limits.diskBytes,
      nofile: value.limits.nofile,
    },
    network: { mode: value.network.mode },
    isolation: snakeKeys(value.isolation) as z.output<typeof isolation>,
    metadata: value.metadata,
    sessions: [...value.sessions],
    created_at: wire.encodeTime(value.createdAtMs),
    last_used_at: wire.encodeTime(value.lastUsedAtMs),
    expires_at: wire.encodeTime(value.expiresAtMs),
    idle_timeout_ms: value.idleTimeoutMs,
    node: value.node,
  }
}
