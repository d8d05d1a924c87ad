import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'
import type { Command, Page } from '../support/wire.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

const background = (fields: Record<string, unknown>): Promise<Command> => sandbox.run({ ...fields, background: true })
const feed = (id: string, bytes: string | Uint8Array, eof: boolean) =>
  node.client.request('POST', sandbox.path(`/commands/${id}/stdin?eof=${eof}`), Buffer.from(bytes))

describe('a command in the background', () => {
  it('is answered at once with 201, and its end is told later', async () => {
    const begun = performance.now()
    const { status, body } = await node.client.request<Command>('POST', sandbox.path('/commands'), {
      command: 'sleep 0.5; echo done; exit 4',
      background: true,
    })
    expect(performance.now() - begun).toBeLessThan(400)
    expect(status).toBe(201)
    expect(body).toMatchObject({ state: 'running', outcome: null, background: true, session: 'main' })
    expect(await sandbox.ended(body.id)).toMatchObject({
      state: 'finished',
      outcome: { type: 'exited', exit_code: 4 },
      stdout: 'done\n',
    })
  })

  it('in a session starts from its present state and changes none of it', async () => {
    await sandbox.run('cd /tmp; x=1; f() { echo f; }')
    const { id } = await background({ command: 'pwd; echo $x; f; cd /; x=2' })
    expect((await sandbox.ended(id)).stdout).toBe('/tmp\n1\nf\n')
    expect(await sandbox.text('pwd; echo $x')).toBe('/tmp\n1\n')
  })

  it('does not hold its session, nor does it end with it', async () => {
    const { id } = await background({ command: 'sleep 0.8; echo bg' })
    expect(await sandbox.text('echo free')).toBe('free\n')
    await sandbox.run('kill -9 $$')
    await sandbox.run({ command: 'sleep 300', timeout_ms: 100 })
    expect(await sandbox.ended(id)).toMatchObject({ stdout: 'bg\n', outcome: { type: 'exited', exit_code: 0 } })
  })

  it('has a limit of its own, and partial output', async () => {
    const { id } = await background({ argv: ['sh', '-c', 'echo partial; sleep 300'], timeout_ms: 300 })
    expect(await sandbox.ended(id)).toMatchObject({
      stdout: 'partial\n',
      outcome: { type: 'timed_out', limit_ms: 300 },
    })
  })

  it('takes standard input until its end is said', async () => {
    const { id } = await background({ argv: ['cat'] })
    expect((await feed(id, 'one\n', false)).status).toBe(204)
    await sandbox.running('one\n')
    expect((await feed(id, 'two\n', true)).status).toBe(204)
    expect(await sandbox.ended(id)).toMatchObject({ stdout: 'one\ntwo\n', outcome: { type: 'exited', exit_code: 0 } })
    expect((await feed(id, 'three', false)).status).toBe(409)
  })

  it('takes 5 MB of standard input whole', async () => {
    const { id } = await background({ argv: ['sha256sum'] })
    const bytes = Buffer.alloc(5_000_000, 'abcdefg')
    expect((await feed(id, bytes, true)).status).toBe(204)
    const digest = await crypto.subtle.digest('SHA-256', bytes)
    expect((await sandbox.ended(id)).stdout).toBe(`${Buffer.from(digest).toString('hex')}  -\n`)
  })

  it('is killed with its whole tree', async () => {
    const { id } = await background({ command: 'setsid sleep 300 & echo up; sleep 300' })
    await sandbox.running('up\n')
    expect((await node.client.request('DELETE', sandbox.path(`/commands/${id}`))).status).toBe(204)
    expect((await sandbox.ended(id)).outcome).toMatchObject({ type: 'killed' })
    const { stdout } = await sandbox.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep [0-9]*'")
    expect(stdout).toBe('')
  })

  it('that has ended takes no signal, and none takes one that there is not', async () => {
    const { id } = await background({ argv: ['sleep', '60'] })
    const path = sandbox.path(`/commands/${id}/signal`)
    expect(await node.client.refusal('POST', path, { signal: 'NOSUCH' })).toMatchObject({ status: 400 })
    await node.client.ask('POST', path, { signal: 'SIGTERM' })
    expect((await sandbox.ended(id)).outcome).toEqual({ type: 'signalled', signal: 'SIGTERM' })
    expect(await node.client.refusal('POST', path, { signal: 'SIGTERM' })).toMatchObject({
      status: 409,
      code: 'command.finished',
    })
  })

  it('that floods its output neither grows the server nor delays its neighbours', async () => {
    const { id } = await background({ argv: ['sh', '-c', 'yes; true'], timeout_ms: 2500 })
    for (let turn = 0; turn < 10; turn++) expect(await sandbox.text('echo quick')).toBe('quick\n')
    const { truncated, stdout } = await sandbox.ended(id)
    expect(truncated.stdout_bytes).toBeGreaterThan(10_000_000)
    expect(stdout?.length).toBe(1024 ** 2)
  })
})

describe('the history', () => {
  it('lists the commands of a sandbox in order, page by page, without output', async () => {
    for (let index = 0; index < 5; index++) await sandbox.run(`echo ${index}`)
    const commands: string[] = []
    let cursor: string | null = ''
    do {
      const page: Page<Command> = await node.client.ask(
        'GET',
        sandbox.path(`/commands?limit=2${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`),
      )
      expect(page.items.length).toBeLessThanOrEqual(2)
      for (const { command, stdout } of page.items) {
        expect(stdout).toBeNull()
        commands.push(command ?? '')
      }
      cursor = page.next_cursor
    } while (cursor !== null)
    expect([...commands].sort()).toEqual(['echo 0', 'echo 1', 'echo 2', 'echo 3', 'echo 4'])
  })

  it('keeps the output of a finished command, in both encodings', async () => {
    const { id } = await sandbox.run("printf 'a\\xff'; exit 3")
    expect(await sandbox.command(id)).toMatchObject({
      stdout: 'a\ufffd',
      encoding: 'utf8',
      outcome: { type: 'exited', exit_code: 3 },
    })
    const base64 = Buffer.from([0x61, 0xff]).toString('base64')
    expect(await node.client.ask('GET', sandbox.path(`/commands/${id}?encoding=base64`))).toMatchObject({
      stdout: base64,
      encoding: 'base64',
    })
  })

  it('is bounded: the oldest outputs make room and say so', async () => {
    const { id } = await sandbox.run('head -c 1000000 /dev/zero | tr "\\0" x')
    for (let index = 0; index < 20; index++) await sandbox.run('head -c 1000000 /dev/zero | tr "\\0" y')
    expect(await node.client.refusal('GET', sandbox.path(`/commands/${id}/output?stream=stdout`))).toMatchObject({
      status: 410,
      code: 'output.dropped',
    })
    const record = await node.client.request<Command>('GET', sandbox.path(`/commands/${id}`))
    if (record.status === 200)
      expect(record.body).toMatchObject({ stdout: null, outcome: { type: 'exited', exit_code: 0 } })
    else expect(record.status).toBe(410)
  })

  it('of one sandbox is not reached through another', async () => {
    const other = await node.client.create()
    const { id } = await sandbox.run('echo secret')
    expect(await node.client.refusal('GET', other.path(`/commands/${id}`))).toMatchObject({
      status: 404,
      code: 'command.not_found',
    })
    await other.delete()
  })
})
