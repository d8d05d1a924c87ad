import { hostname } from 'node:os'
import { z } from 'zod'

/** The largest delay that a timer takes. */
const MAX_MS = 2_147_483_647
const MIB = 1024 ** 2
const GIB = 1024 ** 3
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const text = z.string().min(1)

/** A whole number, written in digits. */
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'is no whole number')
    .transform(Number)
    .pipe(z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))

const decimal = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,8}(\.\d{1,6})?$/, 'is no number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))

const duration = whole(1, MAX_MS)
const size = whole(1, Number.MAX_SAFE_INTEGER)

/** Names between commas. */
const names = z
  .string()
  .transform((value) => value.split(',').map((name) => name.trim()))
  .pipe(z.array(z.string().regex(/^[a-z0-9_.:-]+$/i, 'is no list of names between commas')))

/**
 * Every option of the server: its flag and its environment variable are made from its name,
 * its line of the manual from its description and default.
 */
export const configSchema = z.strictObject({
  host: text.default('127.0.0.1').describe('Address to listen on. Only loopback: there are no keys yet.'),
  port: whole(0, 65_535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  dataDir: text.optional().describe('Folder for state. Servers with different folders live side by side.'),
  nodeName: text.default(() => hostname()).describe('What this node calls itself. Sandboxes belong to it by name.'),
  allowedHosts: names
    .default([])
    .describe('Host names, between commas, that Host and Origin may name beside loopback.'),
  maxConnections: whole(1, 100_000).default(10_000).describe('Open HTTP connections; further ones are closed.'),
  maxSandboxes: whole(1, 1_000_000).default(16_000).describe('Living sandboxes; further creates answer 503.'),
  maxConcurrentCommands: whole(1, 100_000)
    .default(256)
    .describe('Foreground commands at once; the rest wait in a queue.'),
  maxWaitingCommands: whole(1, 1_000_000)
    .default(1000)
    .describe('Waiting commands of one sandbox; further ones answer 503.'),
  defaultTimeoutMs: duration.default(MINUTE_MS).describe('Time limit of a command that names none.'),
  maxTimeoutMs: duration.default(HOUR_MS).describe('Longest time limit that a command may name.'),
  defaultIdleTimeoutMs: duration.default(15 * MINUTE_MS).describe('A sandbox unused for so long ends.'),
  maxIdleTimeoutMs: duration.default(24 * HOUR_MS).describe('Longest idle time-out that a sandbox may ask for.'),
  defaultLifetimeMs: size.default(24 * HOUR_MS).describe('Whole life of a sandbox that names none.'),
  maxLifetimeMs: size.default(24 * HOUR_MS).describe('Longest life that a sandbox may ask for.'),
  defaultMemoryBytes: size.default(512 * MIB).describe('Memory of a sandbox that names none.'),
  defaultDiskBytes: size.default(GIB).describe('Disk of a sandbox that names none.'),
  defaultCpus: decimal(0.01, 1024).default(1).describe('Processors of a sandbox that names none; may be a fraction.'),
  defaultPids: whole(4, 4_194_304).default(256).describe('Processes of a sandbox that names no maximum.'),
  defaultNofile: whole(64, 1_048_576).default(1024).describe('Open files of a process where no maximum is named.'),
  defaultOutputBytes: whole(0, GIB)
    .default(MIB)
    .describe('Kept of each output stream of a command that names no maximum.'),
  maxOutputBytes: whole(0, GIB)
    .default(4 * MIB)
    .describe('Most that a command may ask to keep of each stream.'),
  poolSize: whole(0, 0).default(0).describe('Warm sandboxes kept ready. Only 0, no pool, so far.'),
  orphanTtlMs: duration.default(10 * MINUTE_MS).describe('How long sandboxes outlive a server that is gone.'),
  shutdownGraceMs: whole(0, MAX_MS)
    .default(5000)
    .describe('How long requests under way may take when the server stops.'),
  logLevel: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('What is logged, as JSON lines on standard error: fatal, error, warn, info, debug, trace, silent.'),
})

export type ConfigKey = keyof typeof configSchema.shape

const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `maxTimeoutMs` → `--max-timeout-ms` */
export const flagOf = (key: string): string => `--${kebab(key)}`

/** `maxTimeoutMs` → `ATOLL_MAX_TIMEOUT_MS` */
export const variableOf = (key: string): string => `ATOLL_${kebab(key).replaceAll('-', '_').toUpperCase()}`
