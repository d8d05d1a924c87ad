import type { Command, Core } from '../../core/core.ts'
import type { CommandId, SandboxId, SessionName } from '../../core/ids.ts'
import { silentLog, type Log } from '../../core/log.ts'
import type { FileEntry } from '../../core/file/file.ts'
import type { Sandbox } from '../../core/sandbox/sandbox.ts'
import { createHttpServer, type HttpServer } from '../../http/server.ts'
import { createNativeDialect } from './index.ts'

/** The calls that a test expects, and what they answer. Any other call fails as a defect. */
export type ExpectedCalls = Partial<Pick<Core, 'runOnce' | 'node'>> & {
  readonly [K in 'sandboxes' | 'sessions' | 'commands' | 'files']?: Partial<Core[K]>
}

/** For tests: a server of the native API over a core that does as the test says. */
export function nativeServer(calls: ExpectedCalls = {}, log: Log = silentLog): Promise<HttpServer> {
  const core = { sandboxes: {}, sessions: {}, commands: {}, files: {}, ...calls } as Core
  const dialects = [createNativeDialect(core, '0.0.0')] as const
  return createHttpServer({ core, dialects, allowedHosts: [], maxConnections: 100, log })
}

export const SANDBOX_ID = 'sbx_0123456789abcdefghjkmnpq' as SandboxId
export const COMMAND_ID = 'cmd_0123456789abcdefghjkmnpq' as CommandId
const MAIN = 'main' as SessionName

export const aSandbox = (fields: Partial<Sandbox> = {}): Sandbox => ({
  id: SANDBOX_ID,
  state: 'running',
  template: 'default',
  image: null,
  user: 'sandboxuser',
  cwd: '/workspace',
  env: { TOKEN: 'secret' },
  limits: { memoryBytes: 1, cpus: 0.5, pids: 2, diskBytes: 3, nofile: 4 },
  network: { mode: 'none' },
  isolation: {
    driver: 'namespaces',
    hostUid: 65_536,
    hostUids: 65_536,
    namespaces: ['user', 'pid'],
    seccomp: true,
    noNewPrivs: true,
    capabilities: 0,
    cgroupVersion: 2,
    memoryBytes: 1,
    pids: 2,
    cpus: 0.5,
    disk: 'tmpfs',
    missing: [],
  },
  metadata: { run: '7' },
  sessions: [MAIN],
  createdAtMs: 0,
  lastUsedAtMs: 1,
  expiresAtMs: 2,
  idleTimeoutMs: 900_000,
  node: 'here',
  ...fields,
})

export const aCommand = (fields: Partial<Command> = {}): Command => ({
  id: COMMAND_ID,
  sandboxId: SANDBOX_ID,
  program: { type: 'session', session: MAIN, text: 'echo hi' },
  background: false,
  outcome: { type: 'exited', exitCode: 0 },
  oom: false,
  stdout: Buffer.from('hi\n'),
  stderr: new Uint8Array(),
  stdoutDropped: 0,
  stderrDropped: 0,
  startedAtMs: 1234,
  durationMs: 0.5,
  usage: { cpuUserMs: 1, cpuSystemMs: 2, maxRssBytes: 3 },
  cwd: Buffer.from('/workspace'),
  backgroundLeft: false,
  sessionRestarted: false,
  ...fields,
})

export const anEntry = (fields: Partial<FileEntry> = {}): FileEntry => ({
  path: Buffer.from('/workspace/a'),
  type: 'file',
  sizeBytes: 10,
  mode: 0o644,
  modifiedAtMs: 0,
  linkTarget: undefined,
  ...fields,
})
