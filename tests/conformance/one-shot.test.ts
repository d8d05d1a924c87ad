import { describe, expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'
import type { RanOnce } from '../support/wire.ts'

const node = await nodeForFile()
// Sandboxes of one-shot runs are removed behind their answers: a later look could still see one.
const before = node.residue()
const run = (body: unknown) => node.client.ask<RanOnce>('POST', '/v1/run', body)

describe('a one-shot run', () => {
  it('of an argv answers its outcome and output, and leaves nothing', async () => {
    expect(await run({ argv: ['sh', '-c', 'echo out; echo err >&2; exit 3'] })).toMatchObject({
      outcome: { type: 'exited', exit_code: 3 },
      stdout: 'out\n',
      stderr: 'err\n',
      session: null,
      files: {},
    })
    await expect.poll(() => node.residue(), { timeout: 5000 }).toEqual(before)
    expect(await node.client.ask('GET', '/v1/sandboxes')).toEqual({ items: [], next_cursor: null })
  })

  it('of shell text, with standard input, env and cwd', async () => {
    const body = { command: 'pwd; echo $A; cat', stdin: 'in', env: { A: 'a' }, cwd: '/tmp' }
    expect((await run(body)).stdout).toBe('/tmp\na\nin')
  })

  it('takes files in and gives files back, as text or base64, null where there is none', async () => {
    const { files, stdout } = await run({
      command:
        "cat in/a.txt; printf '\\xff\\x00' >out.bin; echo text >/tmp/out.txt; mkfifo pipe; ln -s /etc/hostname link",
      files: { 'in/a.txt': { text: 'é' }, 'in/b.bin': { base64: Buffer.from([0, 255]).toString('base64') } },
      fetch: [
        'out.bin',
        '/tmp/out.txt',
        'in/b.bin',
        'nosuch',
        'pipe',
        '/dev/zero',
        '../workspace/in/a.txt',
        '/root/secret',
      ],
    })
    expect(stdout).toBe('é')
    expect(files).toEqual({
      'out.bin': { base64: Buffer.from([0xff, 0]).toString('base64') },
      '/tmp/out.txt': { text: 'text\n' },
      'in/b.bin': { base64: Buffer.from([0, 255]).toString('base64') },
      nosuch: null,
      pipe: null,
      '/dev/zero': null,
      '../workspace/in/a.txt': { text: 'é' },
      '/root/secret': null,
    })
  })

  it('gives files back whatever the outcome, and keeps the partial output of a time-out', async () => {
    const body = { command: 'echo partial; echo kept >f; setsid sleep 300 & sleep 300', timeout_ms: 300, fetch: ['f'] }
    const begun = performance.now()
    expect(await run(body)).toMatchObject({
      outcome: { type: 'timed_out', limit_ms: 300 },
      stdout: 'partial\n',
      files: { f: { text: 'kept\n' } },
    })
    expect(performance.now() - begun).toBeLessThan(1500)
  })

  it('may bound its sandbox, its command and its output', async () => {
    const MIB = 1024 ** 2
    const body = {
      argv: ['python3', '-c', 'x = bytearray(300 * 1024 * 1024)'],
      sandbox_limits: { memory_bytes: 64 * MIB, disk_bytes: MIB },
    }
    expect(await run(body)).toMatchObject({ outcome: { type: 'out_of_memory', limit_bytes: 64 * MIB }, oom: true })
    expect((await run({ argv: ['sh', '-c', 'ulimit -n'], limits: { nofile: 40 } })).stdout).toBe('40\n')
    expect(await run({ argv: ['seq', '1000'], output: { max_bytes: 10 } })).toMatchObject({
      truncated: { stdout_bytes: 3883 },
    })
    expect((await run({ argv: ['id', '-u'], user: 'root' })).stdout).toBe('0\n')
  })

  it('is by itself: thirty at once share nothing', async () => {
    const all = Array.from({ length: 30 }, (_, index) =>
      run({ command: `ls -A; echo ${index} >mine; cat mine; echo $$` }),
    )
    expect((await Promise.all(all)).map(({ stdout }) => stdout?.split('\n')[0])).toEqual(
      all.map((_, index) => String(index)),
    )
    await expect.poll(() => node.residue(), { timeout: 5000 }).toEqual(before)
  })

  it('that asks for what there is not is refused and leaves nothing', async () => {
    for (const body of [
      {},
      { argv: ['true'], session: 'main' },
      { argv: ['true'], background: true },
      { argv: ['true'], template: 'nosuch' },
      { argv: ['true'], files: { 'a\0b': { text: '' } } },
    ]) {
      expect(await node.client.refusal('POST', '/v1/run', body)).toMatchObject({ status: 400, code: 'request.invalid' })
    }
    expect(
      (await node.client.refusal('POST', '/v1/run', { argv: ['true'], files: { '/etc/x': { text: '' } } })).status,
    ).toBe(403)
    await expect.poll(() => node.residue(), { timeout: 5000 }).toEqual(before)
  })
})
