import type { CommandRequest } from '../../../core/command/command.ts'
import type { CommandId } from '../../../core/ids.ts'
import type { ResolvedSandboxSpec } from '../../../core/sandbox/sandbox.ts'
import type { WireMessage } from './stand-in-supervisor.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

/** The fields of a finished command, in the order of the wire. */
export const wireRecord = (id: string, outcome: WireMessage | null = { Exited: [7] }): unknown[] => [
  id,
  { Session: ['main', bytes('exit 7')] },
  false,
  outcome,
  false,
  bytes('out'),
  bytes('err'),
  0,
  12,
  1_700_000_000_000n,
  1500,
  300,
  200,
  4096,
  bytes('/workspace'),
  false,
  true,
]

export const wireIsolation = [100_000, 65_536, ['mnt', 'pid'], true, true, 0, 2, 1 << 28, 100, 1500, 'tmpfs']

export const wireSpec = [1000, 'box', 1 << 28, 1 << 28, 65_536, 100, 1500, 1024]

export const wireStatus = [3, 25_000_000_000n, 20_000_000_000n, 32_768, 20_000, 1000, 0, 5_000_000]

export const wireLiving = (id: string, running: readonly unknown[] = []): unknown[] => [
  id,
  wireSpec,
  wireIsolation,
  [['main', bytes('/workspace')]],
  running,
  1_700_000_000_000n,
  1_700_000_000_500n,
]

export const wireEntry = (path: string, kind = 'File', sizeBytes = 3): unknown[] => [
  bytes(path),
  kind,
  sizeBytes,
  0o644,
  -1,
  null,
]

export const sandboxSpec: ResolvedSandboxSpec = {
  user: 'sandboxuser',
  hostname: 'box',
  limits: { memoryBytes: 1 << 28, cpus: 1.5, pids: 100, diskBytes: 1 << 28, nofile: 1024 },
}

export const shellCommand = (id: string, text: string, background = false): CommandRequest => ({
  id: id as CommandId,
  program: { type: 'shell', text },
  cwd: undefined,
  env: { PATH: '/usr/bin' },
  stdin: undefined,
  stdinOpen: false,
  timeoutMs: 60_000,
  maxBytes: 1 << 20,
  merge: false,
  background,
  uid: undefined,
  limits: {},
})
