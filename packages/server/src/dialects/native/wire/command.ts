import { z } from 'zod'
import type { CommandOutcome } from '../../../core/command/command.ts'
import type { Command } from '../../../core/core.ts'
import { encodedPath } from './file.ts'
import * as wire from './primitives.ts'

export const encoding = z.enum(['utf8', 'base64'])
export type Encoding = z.output<typeof encoding>

export const outcome = z
  .union([
    z.strictObject({ type: z.literal('exited'), exit_code: z.int() }),
    z.strictObject({ type: z.literal('signalled'), signal: z.string() }),
    z.strictObject({ type: z.literal('timed_out'), limit_ms: z.int() }),
    z.strictObject({ type: z.literal('out_of_memory'), limit_bytes: z.int() }),
    z.strictObject({ type: z.literal('killed'), by: z.string() }),
    z.strictObject({ type: z.literal('lost'), reason: z.string() }),
  ])
  .meta({ id: 'Outcome' })

export const command = z
  .strictObject({
    id: z.string(),
    sandbox_id: z.string(),
    session: z.string().nullable(),
    command: z.string().exactOptional(),
    argv: z.array(z.string()).exactOptional(),
    background: z.boolean(),
    state: z.enum(['running', 'finished']),
    outcome: outcome.nullable(),
    oom: z.boolean(),
    stdout: z.string().nullable(),
    stderr: z.string().nullable(),
    truncated: z.strictObject({ stdout_bytes: z.int(), stderr_bytes: z.int() }),
    encoding,
    started_at: wire.time,
    duration_ms: z.number(),
    usage: z.strictObject({ cpu_user_ms: z.number(), cpu_system_ms: z.number(), max_rss_bytes: z.int() }),
    cwd: z.string().nullable(),
    cwd_base64: z.string().exactOptional(),
    background_left: z.boolean(),
    session_restarted: z.boolean(),
  })
  .meta({ id: 'Command' })

export const ranOnce = command
  .extend({ files: z.record(z.string(), wire.answeredContent.nullable()) })
  .meta({ id: 'RanOnce' })

export function encodeCommand(value: Command, encoding: Encoding): z.output<typeof command> {
  const { program, usage } = value
  return {
    id: value.id,
    sandbox_id: value.sandboxId,
    session: program.type === 'session' ? program.session : null,
    ...(program.type === 'argv' ? { argv: [...program.argv] } : { command: program.text }),
    background: value.background,
    state: value.outcome === undefined ? 'running' : 'finished',
    outcome: value.outcome === undefined ? null : encodeOutcome(value.outcome),
    oom: value.oom,
    stdout: encodeOutput(value.stdout, encoding),
    stderr: encodeOutput(value.stderr, encoding),
    truncated: { stdout_bytes: value.stdoutDropped, stderr_bytes: value.stderrDropped },
    encoding,
    started_at: wire.encodeTime(value.startedAtMs),
    duration_ms: value.durationMs,
    usage: { cpu_user_ms: usage.cpuUserMs, cpu_system_ms: usage.cpuSystemMs, max_rss_bytes: usage.maxRssBytes },
    ...(value.cwd === undefined ? { cwd: null } : encodedPath('cwd', value.cwd)),
    background_left: value.backgroundLeft,
    session_restarted: value.sessionRestarted,
  }
}

function encodeOutput(value: Uint8Array | undefined, encoding: Encoding): string | null {
  if (value === undefined) return null
  return encoding === 'utf8' ? wire.decodeUtf8(value) : value.toBase64()
}

export function encodeOutcome(value: CommandOutcome): z.output<typeof outcome> {
  switch (value.type) {
    case 'exited':
      return { type: 'exited', exit_code: value.exitCode }
    case 'signalled':
      return { type: 'signalled', signal: value.signal }
    case 'timed_out':
      return { type: 'timed_out', limit_ms: value.limitMs }
    case 'out_of_memory':
      return { type: 'out_of_memory', limit_bytes: value.limitBytes }
    case 'killed':
      return { type: 'killed', by: value.by }
    case 'lost':
      return { type: 'lost', reason: value.reason }
  }
}
