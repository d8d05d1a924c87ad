import type { CommandOutcome, CommandRecord, CommandRequest } from './command.ts'

const NOTHING = new Uint8Array()

/** The record of a command whose end only its sandbox's end tells: it never started, or took its output with it. */
export function endedWithSandbox(request: CommandRequest, outcome: CommandOutcome, atMs: number): CommandRecord {
  return {
    id: request.id,
    program: request.program,
    background: request.background,
    outcome,
    oom: false,
    stdout: NOTHING,
    stderr: NOTHING,
    stdoutDropped: 0,
    stderrDropped: 0,
    startedAtMs: atMs,
    durationMs: 0,
    usage: { cpuUserMs: 0, cpuSystemMs: 0, maxRssBytes: 0 },
    cwd: undefined,
    backgroundLeft: false,
    sessionRestarted: false,
  }
}

/** What the driver tells of a command that was cut short by the end of its sandbox: core knows who did it. */
export function truthful(record: CommandRecord, end: CommandOutcome): CommandRecord {
  const { outcome } = record
  const cut = outcome?.type === 'lost' || (outcome?.type === 'signalled' && outcome.signal === 'SIGKILL')
  return cut || outcome === undefined ? { ...record, outcome: end } : record
}
