import { describe, expect, it, vi } from 'vitest'
import type { Command, Core } from '../../core/core.ts'
import type { CommandOutcome } from '../../core/command/command.ts'
import { aCommand, COMMAND_ID, nativeServer, type ExpectedCalls } from './core-double.ts'
import { command as commandSchema, ranOnce } from './wire/command.ts'

const COMMANDS = '/v1/sandboxes/x/commands'

async function ask(calls: ExpectedCalls, method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object | string) {
  const { app } = await nativeServer(calls)
  const { statusCode, body, rawPayload } = await app.inject({ method, url, ...(payload !== undefined && { payload }) })
  return {
    status: statusCode,
    body: body.startsWith('{') ? (JSON.parse(body) as unknown) : undefined,
    bytes: rawPayload,
  }
}

async function ranAs(fields: Partial<Command>, payload: object = {}) {
  const calls = { commands: { run: async () => aCommand(fields) } }
  const { body } = await ask(calls, 'POST', COMMANDS, { command: 'x', ...payload })
  expect(commandSchema.parse(body)).toEqual(body)
  return body
}

describe('running a command', () => {
  const run = vi.fn<Core['commands']['run']>(async () => aCommand())
  const post = (payload: object) => ask({ commands: { run } }, 'POST', COMMANDS, payload)

  it('hands over every field under its own name', async () => {
    const same = { argv: ['a', 'b'], cwd: '/', env: { A: 'b' }, user: 'root' }
    const limits = { cpu_ms: 1, memory_bytes: 2, file_bytes: 3, nofile: 4 }
    const output = { max_bytes: 7, merge: true, encoding: 'base64' }
    expect((await post({ ...same, stdin_base64: 'AP8=', timeout_ms: 5, output, limits })).status).toBe(200)
    expect(run).toHaveBeenLastCalledWith('x', {
      ...same,
      stdin: Uint8Array.of(0, 255),
      timeoutMs: 5,
      output: { maxBytes: 7, merge: true },
      limits: { cpuMs: 1, memoryBytes: 2, fileBytes: 3, nofile: 4 },
    })
  })

  it.each([
    [{ command: 'x' }, { command: 'x' }],
    [
      { command: 'x', session: null },
      { command: 'x', session: null },
    ],
    [
      { command: 'x', session: 'No Such' },
      { command: 'x', session: 'No Such' },
    ],
    [
      { command: 'x', stdin: 'ä\0' },
      { command: 'x', stdin: Buffer.from('ä\0') },
    ],
    [{ command: 'x', background: false }, { command: 'x' }],
  ])('takes %j', async (payload, expected) => {
    await post(payload)
    expect(run).toHaveBeenLastCalledWith('x', expected)
  })

  it.each([
    [{}, 'command'],
    [{ command: 'a', argv: ['b'] }, 'argv'],
    [{ argv: [] }, 'argv'],
    [{ argv: ['a', 1] }, 'argv.1'],
    [{ argv: ['a\0'] }, 'argv.0'],
    [{ command: 'a\0b' }, 'command'],
    [{ command: '\ud800' }, 'command'],
    [{ command: null }, 'command'],
    [{ command: 'a', timeout_ms: 0 }, 'timeout_ms'],
    [{ command: 'a', timeout_ms: -1 }, 'timeout_ms'],
    [{ command: 'a', timeout_ms: 0.5 }, 'timeout_ms'],
    [{ command: 'a', timeout_ms: '10' }, 'timeout_ms'],
    [{ command: 'a', timeout_ms: null }, 'timeout_ms'],
    [{ command: 'a', timeout_ms: 2 ** 31 }, 'timeout_ms'],
    [{ command: 'a', timeout_ms: 1e18 }, 'timeout_ms'],
    [{ command: 'a', stdin: 'a', stdin_base64: '' }, 'stdin_base64'],
    [{ command: 'a', stdin_base64: 'A' }, 'stdin_base64'],
    [{ command: 'a', output: { max_bytes: -1 } }, 'output.max_bytes'],
    [{ command: 'a', output: { encoding: 'latin1' } }, 'output.encoding'],
    [{ command: 'a', background: 'yes' }, 'background'],
    [{ command: 'a', timeout: 1 }, 'timeout'],
  ])('refuses %j and names the field', async (payload, field) => {
    expect(await post(payload)).toMatchObject({
      status: 400,
      body: { error: { code: 'request.invalid', details: { field } } },
    })
  })

  it('in the background answers 201 while it runs', async () => {
    const runInBackground = async () => aCommand({ background: true, outcome: undefined })
    const answer = await ask({ commands: { runInBackground } }, 'POST', COMMANDS, { command: 'x', background: true })
    expect(answer).toMatchObject({ status: 201, body: { state: 'running', outcome: null, background: true } })
  })

  it('that asks for events is answered with JSON', async () => {
    const { app } = await nativeServer({ commands: { run } })
    const headers = { accept: 'text/event-stream' }
    const { statusCode, json } = await app.inject({ method: 'POST', url: COMMANDS, headers, payload: { command: 'x' } })
    expect([statusCode, json<{ id: string }>().id]).toEqual([200, COMMAND_ID])
  })
})

describe('a finished command', () => {
  it.each<[CommandOutcome, object]>([
    [
      { type: 'exited', exitCode: 3 },
      { type: 'exited', exit_code: 3 },
    ],
    [
      { type: 'signalled', signal: 'SIGSEGV' },
      { type: 'signalled', signal: 'SIGSEGV' },
    ],
    [
      { type: 'timed_out', limitMs: 5 },
      { type: 'timed_out', limit_ms: 5 },
    ],
    [
      { type: 'out_of_memory', limitBytes: 6 },
      { type: 'out_of_memory', limit_bytes: 6 },
    ],
    [
      { type: 'killed', by: 'user' },
      { type: 'killed', by: 'user' },
    ],
    [
      { type: 'lost', reason: 'gone' },
      { type: 'lost', reason: 'gone' },
    ],
  ])('that ended by %j is an answer', async (outcome, expected) => {
    expect(await ranAs({ outcome })).toMatchObject({ state: 'finished', outcome: expected })
  })

  it('has its output as text, each invalid sequence replaced', async () => {
    const stdout = Uint8Array.of(0x61, 0xff, 0xc3, 0xa4, 0xe2, 0x82)
    expect(await ranAs({ stdout })).toMatchObject({ stdout: 'a\ufffdä\ufffd', stderr: '', encoding: 'utf8' })
  })

  it('has its output byte by byte in base64', async () => {
    const body = await ranAs({ stdout: Uint8Array.of(0, 255), stdoutDropped: 9 }, { output: { encoding: 'base64' } })
    expect(body).toMatchObject({ stdout: 'AP8=', encoding: 'base64', truncated: { stdout_bytes: 9, stderr_bytes: 0 } })
  })

  it('whose output was dropped has null there', async () => {
    expect(await ranAs({ stdout: undefined })).toMatchObject({ stdout: null, stderr: '' })
  })

  it('of a session, of a fresh shell and of an argv tell which they were', async () => {
    expect(await ranAs({})).toMatchObject({ session: 'main', command: 'echo hi' })
    expect(await ranAs({ program: { type: 'shell', text: 'x' } })).toMatchObject({ session: null, command: 'x' })
    const argv = await ranAs({ program: { type: 'argv', argv: ['a'] }, cwd: undefined })
    expect(argv).toMatchObject({ session: null, argv: ['a'], cwd: null })
    expect(argv).not.toHaveProperty('command')
  })

  it('in a folder whose name is not UTF-8 has it in base64 too', async () => {
    expect(await ranAs({ cwd: Uint8Array.of(0x2f, 0xff) })).toMatchObject({ cwd: '/\ufffd', cwd_base64: 'L/8=' })
  })
})

describe('a command of a sandbox', () => {
  it('is listed and read in the encoding that is asked for', async () => {
    const list = vi.fn(async () => ({ items: [aCommand({ stdout: undefined })], nextCursor: null }))
    expect((await ask({ commands: { list } }, 'GET', `${COMMANDS}?limit=2&cursor=c`)).body).toMatchObject({
      items: [{ id: COMMAND_ID, stdout: null }],
      next_cursor: null,
    })
    expect(list).toHaveBeenCalledWith('x', { limit: 2, cursor: 'c' })
    const get = vi.fn(async () => aCommand())
    expect((await ask({ commands: { get } }, 'GET', `${COMMANDS}/y?encoding=base64`)).body).toMatchObject({
      stdout: 'aGkK',
    })
    expect(get).toHaveBeenCalledWith('x', 'y')
  })

  it('is killed and signalled with 204', async () => {
    const kill = vi.fn(async () => undefined)
    const signal = vi.fn(async () => undefined)
    expect((await ask({ commands: { kill } }, 'DELETE', `${COMMANDS}/y`)).status).toBe(204)
    expect((await ask({ commands: { signal } }, 'POST', `${COMMANDS}/y/signal`, { signal: 'TERM' })).status).toBe(204)
    expect(kill).toHaveBeenCalledWith('x', 'y')
    expect(signal).toHaveBeenCalledWith('x', 'y', 'TERM')
  })

  it('gives its output as bytes, from an offset on', async () => {
    const output = async () => Uint8Array.of(0, 1, 2, 255)
    const whole = await ask({ commands: { output } }, 'GET', `${COMMANDS}/y/output?stream=stdout`)
    const rest = await ask({ commands: { output } }, 'GET', `${COMMANDS}/y/output?stream=stderr&offset=2`)
    expect([whole.bytes, rest.bytes]).toEqual([Buffer.of(0, 1, 2, 255), Buffer.of(2, 255)])
  })

  it('takes bytes of any type on its standard input, and its end', async () => {
    const fed: [Uint8Array, boolean][] = []
    const writeStdin = async (_x: string, _y: string, bytes: Uint8Array, eof: boolean) => void fed.push([bytes, eof])
    expect((await ask({ commands: { writeStdin } }, 'POST', `${COMMANDS}/y/stdin?eof=true`, '{"a')).status).toBe(204)
    expect(Buffer.concat(fed.map(([bytes]) => bytes)).toString()).toBe('{"a')
    expect(fed.map(([, eof]) => eof)).toEqual([false, true])
  })

  it('is asked even by an empty standard input whether it takes any', async () => {
    const writeStdin = vi.fn(async () => undefined)
    await ask({ commands: { writeStdin } }, 'POST', `${COMMANDS}/y/stdin`)
    expect(writeStdin).toHaveBeenCalledExactlyOnceWith('x', 'y', new Uint8Array(), false)
  })
})

describe('a one-shot run', () => {
  it('takes a command and what its sandbox needs, and answers with the files', async () => {
    const files = new Map<string, Uint8Array | undefined>([
      ['a', Buffer.from('text')],
      ['__proto__', Uint8Array.of(255)],
      ['c', undefined],
    ])
    const runOnce = vi.fn<Core['runOnce']>(async () => ({ command: aCommand(), files }))
    const { body } = await ask({ runOnce }, 'POST', '/v1/run', {
      argv: ['cc', 'a.c'],
      files: { 'a.c': { text: 'x' } },
      fetch: ['a', '__proto__', 'c'],
      limits: { cpu_ms: 1 },
      sandbox_limits: { pids: 2 },
      timeout_ms: 3,
    })
    expect(runOnce).toHaveBeenCalledWith({
      argv: ['cc', 'a.c'],
      files: new Map([['a.c', Buffer.from('x')]]),
      fetch: ['a', '__proto__', 'c'],
      limits: { cpuMs: 1 },
      sandboxLimits: { pids: 2 },
      timeoutMs: 3,
    })
    expect(ranOnce.omit({ files: true }).strip().parse(body)).toBeDefined()
    const answered = Object.entries((body as { files: object }).files)
    expect(answered).toEqual([
      ['a', { text: 'text' }],
      ['__proto__', { base64: '/w==' }],
      ['c', null],
    ])
  })

  it.each([
    [{ argv: ['a'], session: 'main' }, 'session'],
    [{ argv: ['a'], background: true }, 'background'],
    [{ argv: ['a'], fetch: [''] }, 'fetch.0'],
  ])('refuses %j', async (payload, field) => {
    expect(await ask({}, 'POST', '/v1/run', payload)).toMatchObject({
      status: 400,
      body: { error: { details: { field } } },
    })
  })
})

describe('the node', () => {
  it('tells its load, its pool as a number, its versions and facts', async () => {
    const facts = { supervisor: '0.1.0', pid: 7, cgroup: null }
    const report = { driver: 'fake', sandboxes: 1, commandsRunning: 2, commandsWaiting: 3, pool: { ready: 4 }, facts }
    const { body } = await ask({ node: async () => report }, 'GET', '/v1/node')
    expect(body).toEqual({
      driver: 'fake',
      sandboxes: 1,
      commands_running: 2,
      commands_waiting: 3,
      pool: { ready: 4 },
      versions: { atoll: '0.0.0', node: process.versions.node },
      facts,
    })
  })
})
