import { z } from 'zod'
import type { RunCommand, RunOnce } from '../../../core/core.ts'
import { encoding } from './command.ts'
import { present } from './names.ts'
import * as wire from './primitives.ts'
import { decodeFiles, decodeLimits, files, network, sandboxLimits } from './sandbox.ts'

const commandLimits = z.strictObject({
  cpu_ms: wire.milliseconds.exactOptional(),
  memory_bytes: wire.bytes.exactOptional(),
  file_bytes: wire.bytes.exactOptional(),
  nofile: wire.count.exactOptional(),
})

const program = {
  command: wire.text.exactOptional(),
  argv: z.array(wire.text).min(1).max(65_536).exactOptional(),
  cwd: wire.pathText.exactOptional(),
  env: wire.environment.exactOptional(),
  stdin: z
    .string()
    .refine((value) => value.isWellFormed(), 'holds half a character')
    .exactOptional(),
  stdin_base64: wire.base64.exactOptional(),
  timeout_ms: wire.milliseconds.exactOptional(),
  output: z
    .strictObject({
      max_bytes: z.int().min(0).max(1_073_741_824).exactOptional(),
      encoding: encoding.exactOptional(),
      merge: z.boolean().exactOptional(),
    })
    .exactOptional(),
  limits: commandLimits.exactOptional(),
  user: wire.user.exactOptional(),
}

interface Exclusive {
  readonly command?: string
  readonly argv?: readonly string[]
  readonly stdin?: string
  readonly stdin_base64?: Uint8Array
}

/** What a shape of fields alone cannot say. */
function checkExclusive({ value, issues }: z.core.ParsePayload<Exclusive>): void {
  const refuse = (field: string, message: string): void => {
    issues.push({ code: 'custom', input: value, path: [field], message })
  }
  if (value.command === undefined && value.argv === undefined) refuse('command', 'give command or argv')
  if (value.command !== undefined && value.argv !== undefined) refuse('argv', 'give command or argv, not both')
  if (value.stdin !== undefined && value.stdin_base64 !== undefined)
    refuse('stdin_base64', 'give stdin or stdin_base64')
}

export const commandBody = z
  .strictObject({
    ...program,
    session: z.string().max(255).nullable().exactOptional(),
    background: z.boolean().exactOptional(),
  })
  .check(checkExclusive)
  .meta({ id: 'RunCommand' })

export const runBody = z
  .strictObject({
    ...program,
    template: z.string().min(1).max(63).exactOptional(),
    image: z.string().min(1).max(512).exactOptional(),
    files: files.exactOptional(),
    network: network.exactOptional(),
    sandbox_limits: sandboxLimits.exactOptional(),
    fetch: z.array(wire.pathText).max(1000).exactOptional(),
  })
  .check(checkExclusive)
  .meta({ id: 'RunOnce' })

type CommandBody = z.output<typeof commandBody>
type RunBody = z.output<typeof runBody>

/** What `POST …/commands` and `POST /v1/run` share. */
function decodeProgram(body: Omit<CommandBody, 'session' | 'background'>): Omit<RunCommand, 'session'> {
  const { limits, output } = body
  return present({
    command: body.command,
    argv: body.argv,
    cwd: body.cwd,
    env: body.env,
    stdin: body.stdin === undefined ? body.stdin_base64 : Buffer.from(body.stdin),
    timeoutMs: body.timeout_ms,
    output: output && present({ maxBytes: output.max_bytes, merge: output.merge }),
    limits:
      limits &&
      present({
        cpuMs: limits.cpu_ms,
        memoryBytes: limits.memory_bytes,
        fileBytes: limits.file_bytes,
        nofile: limits.nofile,
      }),
    user: body.user,
  })
}

export const decodeCommand = (body: CommandBody): RunCommand => ({
  ...decodeProgram(body),
  ...(body.session === undefined ? {} : { session: body.session }),
})

export const decodeRun = (body: RunBody): RunOnce => ({
  ...decodeProgram(body),
  ...present({
    template: body.template,
    image: body.image,
    files: body.files && decodeFiles(body.files),
    network: body.network,
    sandboxLimits: body.sandbox_limits && decodeLimits(body.sandbox_limits),
    fetch: body.fetch,
  }),
})
