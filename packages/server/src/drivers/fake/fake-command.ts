import type { Cancel, Clock } from '../../core/clock.ts'
import type { CommandOutcome, CommandRecord, CommandRequest } from '../../core/command/command.ts'
import { signalName } from '../../core/command/signals.ts'
import type { FakeTree } from './files/fake-tree.ts'
import { KeptOutput } from './kept-output.ts'
import type { Context, Job } from './shell/context.ts'
import { Input } from './shell/input.ts'
import { runProgram, runText } from './shell/interpreter.ts'
import { Killed, KillSwitch } from './shell/kill-switch.ts'
import type { ShellState } from './shell/shell-state.ts'

const SIGKILL = 9

/** One command, while it runs and afterwards. */
export class FakeCommand {
  readonly request: CommandRequest
  readonly stdin: Input
  /** Resolves with the record when it has ended; never rejects. */
  readonly done: Promise<CommandRecord>
  /** Somebody else than its caller is told of its end. */
  reported: boolean
  readonly #clock: Clock
  readonly #state: ShellState
  readonly #killSwitch = new KillSwitch()
  readonly #jobs = new Set<Job>()
  readonly #stdout: KeptOutput
  readonly #stderr: KeptOutput
  readonly #startedAtMs: number
  readonly #started: number
  #endedAfterMs: number | undefined
  #outcome: CommandOutcome | undefined
  /** Why it was cut short; the first cause counts. */
  #cut: CommandOutcome | undefined

  constructor(
    request: CommandRequest,
    parts: { readonly state: ShellState; readonly tree: FakeTree; readonly clock: Clock },
  ) {
    this.request = request
    this.reported = request.background
    this.#clock = parts.clock
    this.#state = parts.state
    this.#stdout = new KeptOutput(request.maxBytes)
    this.#stderr = request.merge ? this.#stdout : new KeptOutput(request.maxBytes)
    this.#startedAtMs = parts.clock.now()
    this.#started = parts.clock.monotonic()
    this.stdin = new Input(request.stdin, request.stdinOpen)
    const { timeoutMs } = request
    const cancel = parts.clock.after(timeoutMs, () => this.cut({ type: 'timed_out', limitMs: timeoutMs }))
    this.done = this.#run(parts.tree, cancel)
  }

  get running(): boolean {
    return this.#outcome === undefined
  }

  /** It ended by its own doing, so what it did to the shell stays. */
  get exited(): boolean {
    return this.#outcome?.type === 'exited'
  }

  get state(): ShellState {
    return this.#state
  }

  /** Ends the whole tree. */
  cut(outcome: CommandOutcome, signal = SIGKILL): void {
    if (!this.running) return
    this.#cut ??= outcome
    this.killJobs(signal)
    this.#killSwitch.kill(signal)
  }

  /** What a command leaves behind ends with its sandbox. */
  killJobs(signal = SIGKILL): void {
    for (const { killSwitch } of this.#jobs) killSwitch.kill(signal)
  }

  signal(signal: number): void {
    this.cut({ type: 'signalled', signal: signalName(signal) }, signal)
  }

  /** As it is remembered now. */
  record(withOutput = true): CommandRecord {
    const { id, program, background } = this.request
    const merged = this.#stderr === this.#stdout
    return {
      id,
      program,
      background,
      outcome: this.#outcome,
      oom: false,
      stdout: withOutput ? this.#stdout.bytes : undefined,
      stderr: withOutput ? (merged ? new Uint8Array() : this.#stderr.bytes) : undefined,
      stdoutDropped: this.#stdout.dropped,
      stderrDropped: merged ? 0 : this.#stderr.dropped,
      startedAtMs: this.#startedAtMs,
      durationMs: this.#endedAfterMs ?? this.#clock.monotonic() - this.#started,
      usage: { cpuUserMs: 0, cpuSystemMs: 0, maxRssBytes: 0 },
      cwd: program.type === 'argv' ? undefined : Buffer.from(this.#state.cwd, 'latin1'),
      backgroundLeft: this.#outcome !== undefined && this.#jobs.size > 0,
      sessionRestarted: program.type === 'session' && !background && this.#outcome !== undefined && !this.exited,
    }
  }

  async #run(tree: FakeTree, cancelTimeout: Cancel): Promise<CommandRecord> {
    const outcome = await this.#execute(tree).catch((error: unknown): CommandOutcome => {
      if (error instanceof Killed) return { type: 'signalled', signal: signalName(error.signal) }
      throw error
    })
    cancelTimeout()
    this.#endedAfterMs = this.#clock.monotonic() - this.#started
    this.#outcome = this.#cut ?? outcome
    return this.record()
  }

  async #execute(tree: FakeTree): Promise<CommandOutcome> {
    const { program } = this.request
    const context = this.#context(tree)
    const ran = program.type === 'argv' ? runProgram(program.argv, context) : runText(program.text, context)
    return { type: 'exited', exitCode: await this.#killSwitch.or(ran) }
  }

  #context(tree: FakeTree): Context {
    return {
      state: this.#state,
      tree,
      clock: this.#clock,
      stdin: this.stdin,
      stdout: (bytes) => this.#write(this.#stdout, bytes),
      stderr: (bytes) => this.#write(this.#stderr, bytes),
      killSwitch: this.#killSwitch,
      onJob: (job) => {
        this.#jobs.add(job)
        void job.done.finally(() => this.#jobs.delete(job))
      },
      evaluate: runText,
    }
  }

  /** What a job says after its command has ended reaches nobody. */
  #write(output: KeptOutput, bytes: Uint8Array): void {
    if (this.running) output.write(bytes)
  }
}
