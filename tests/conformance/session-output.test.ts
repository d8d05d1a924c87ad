import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Fields, SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

const KIB = 1024
const MIB = 1024 * KIB

const bytesOf = (base64: string | null): Buffer => Buffer.from(base64 ?? '', 'base64')

/** The kept output as bytes. */
async function outputOf(command: string | Fields): Promise<{ stdout: Buffer; stderr: Buffer; dropped: number }> {
  const fields = typeof command === 'string' ? { command } : command
  const { stdout, stderr, truncated } = await sandbox.run({ output: { encoding: 'base64' }, ...fields })
  return { stdout: bytesOf(stdout), stderr: bytesOf(stderr), dropped: truncated.stdout_bytes }
}

describe('output', () => {
  it('of both streams comes apart', async () => {
    expect(await sandbox.run('echo out; echo err >&2; echo out2')).toMatchObject({
      stdout: 'out\nout2\n',
      stderr: 'err\n',
    })
  })

  it('comes together in order when merged', async () => {
    const merged = await sandbox.run({ command: 'echo 1; echo 2 >&2; echo 3', output: { merge: true } })
    expect(merged).toMatchObject({ stdout: '1\n2\n3\n', stderr: '' })
  })

  it('is every byte as it was', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const { stdout, stderr } = await outputOf(
      'for i in {0..255}; do printf "\\\\x$(printf %x $i)"; done | tee /dev/stderr',
    )
    expect(stdout.toString('hex')).toEqual(every.toString('hex'))
    expect(stderr.toString('hex')).toEqual(every.toString('hex'))
  })

  it('of random bytes arrives unchanged', async () => {
    const { stdout } = await outputOf('head -c 65536 /dev/urandom | tee /tmp/random')
    expect(stdout).toEqual(await sandbox.get('/tmp/random'))
  })

  it('that is no UTF-8 shows U+FFFD, and never splits a character that is', async () => {
    expect((await sandbox.run("printf 'a\\xffb'")).stdout).toBe('a\ufffdb')
    expect((await sandbox.run("printf '\\xe2\\x82'; sleep 0.05; printf '\\xac'")).stdout).toBe('€')
  })

  it('without a newline at its end has none', async () => {
    expect((await sandbox.run('printf abc')).stdout).toBe('abc')
  })

  it('of one line that is a megabyte long is whole', async () => {
    const { stdout, truncated } = await sandbox.run(`head -c ${MIB} /dev/zero | tr '\\0' x`)
    expect(stdout).toBe('x'.repeat(MIB))
    expect(truncated).toEqual({ stdout_bytes: 0, stderr_bytes: 0 })
  })

  it('written right before the exit is not lost', async () => {
    for (let turn = 0; turn < 5; turn++) {
      const { stdout, dropped } = await outputOf(`head -c ${200 * KIB} /dev/zero; exit 3`)
      expect([stdout.length, dropped]).toEqual([200 * KIB, 0])
    }
  })

  it('to /dev/stdout, /dev/stderr and a process substitution works', async () => {
    expect(await sandbox.run('echo 1 >/dev/stdout; echo 2 >/dev/stderr; cat <(echo 3)')).toMatchObject({
      stdout: '1\n3\n',
      stderr: '2\n',
    })
    expect(await sandbox.run('echo x | tee >(cat >&2) >/dev/null; wait')).toMatchObject({ stderr: 'x\n' })
  })
})

describe('output beyond what is kept', () => {
  it('of 10 MB of random bytes keeps head and tail, counts the rest and tells the exit code', async () => {
    const make = `head -c 10000000 /dev/urandom >/tmp/big; cat /tmp/big; exit 7`
    const command = await sandbox.run({ command: make, output: { encoding: 'base64' } })
    const kept = bytesOf(command.stdout)
    expect(command.outcome).toEqual({ type: 'exited', exit_code: 7 })
    expect(kept.length).toBe(MIB)
    expect(command.truncated).toEqual({ stdout_bytes: 10_000_000 - MIB, stderr_bytes: 0 })
    const whole = await sandbox.get('/tmp/big')
    const head = commonLength(kept, whole)
    expect(head).toBeGreaterThan(MIB / 4)
    expect(digest(kept.subarray(head))).toBe(digest(whole.subarray(whole.length - (kept.length - head))))
  })

  it.each([0, 1, 2, 100, 65_537])('of %d bytes at most keeps that many', async (max) => {
    const command = await sandbox.run({ command: 'seq 100000', output: { max_bytes: max } })
    const size = 588_895
    expect(command.stdout?.length).toBe(max)
    expect(command.truncated.stdout_bytes).toBe(size - max)
  })

  it('of exactly what is kept drops nothing', async () => {
    const command = await sandbox.run({ command: 'printf 12345', output: { max_bytes: 5 } })
    expect(command).toMatchObject({ stdout: '12345', truncated: { stdout_bytes: 0 } })
  })

  it('is cut on each stream by itself', async () => {
    const command = await sandbox.run({ command: 'printf 123456789; printf abc >&2', output: { max_bytes: 4 } })
    expect(command).toMatchObject({ stderr: 'abc', truncated: { stdout_bytes: 5, stderr_bytes: 0 } })
  })

  it('does not stop the command', async () => {
    const command = await sandbox.run({ command: 'yes | head -n 20000000; echo end', output: { max_bytes: 10 } })
    expect(command.stdout?.endsWith('end\n')).toBe(true)
    expect(command.truncated.stdout_bytes).toBe(40_000_004 - 10)
  })

  it('is also answered by the raw output', async () => {
    const { id } = await sandbox.run({ command: 'seq 1000; echo no >&2', output: { max_bytes: 40 } })
    const path = sandbox.path(`/commands/${id}/output`)
    const out = Buffer.from(await node.client.ask<Uint8Array>('GET', `${path}?stream=stdout`)).toString()
    expect(out).toHaveLength(40)
    expect(out.startsWith('1\n2\n')).toBe(true)
    expect(out.endsWith('999\n1000\n')).toBe(true)
    expect(Buffer.from(await node.client.ask<Uint8Array>('GET', `${path}?stream=stderr&offset=1`)).toString()).toBe(
      'o\n',
    )
  })
})

describe('a background job', () => {
  it('neither delays the answer nor gets into it', async () => {
    const begun = performance.now()
    const command = await sandbox.run('sleep 300 & echo hi')
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(command).toMatchObject({ stdout: 'hi\n', stderr: '', background_left: true })
  })

  it.each([
    'sleep 0.1 &',
    '{ sleep 0.1; echo late; echo late >&2; } &',
    'sleep 0.1 & kill $!',
    'sleep 60 & kill -9 $!',
    'sh -c "sleep 0.1; kill -SEGV \\$\\$" &',
  ])('shows its end in no later output: %s', async (text) => {
    await sandbox.run(text)
    for (const command of ['true', '/bin/sleep 0.2', 'echo x', 'ls / >/dev/null']) {
      expect(await sandbox.run(command)).toMatchObject({ stderr: '', stdout: command === 'echo x' ? 'x\n' : '' })
    }
  })

  it('that holds the output open for good does not hold the answer', async () => {
    const begun = performance.now()
    const { stdout } = await sandbox.run('nohup yes >/dev/null 2>&1 & (while sleep 1; do echo never; done) & echo now')
    expect(stdout).toBe('now\n')
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(await sandbox.text('echo later')).toBe('later\n')
  })

  it('can be waited for by a later command', async () => {
    await sandbox.run('sh -c "sleep 0.2; exit 6" &')
    expect((await sandbox.run('wait $!')).outcome).toEqual({ type: 'exited', exit_code: 6 })
  })
})

describe('standard input', () => {
  it.each(['cat', 'read x; echo "got $x"; true', 'python3 -c "import sys; print(len(sys.stdin.read()))"', 'bash -s'])(
    'is empty unless given: %s ends at once',
    async (text) => {
      const { outcome, duration_ms } = await sandbox.run({ command: text, timeout_ms: 5000 })
      expect(outcome).toEqual({ type: 'exited', exit_code: 0 })
      expect(duration_ms).toBeLessThan(3000)
    },
  )

  it('is what is given, as text or bytes, and then ends', async () => {
    expect(await sandbox.text({ command: 'cat; echo end', stdin: 'a\nb' })).toBe('a\nbend\n')
    const stdin = Buffer.from([0, 255, 10, 13])
    const { stdout } = await outputOf({ command: 'cat', stdin_base64: stdin.toString('base64') })
    expect(stdout).toEqual(stdin)
  })

  it('of 4 MB is whole, and one that nobody reads delays nothing', async () => {
    const stdin = 'line of input\n'.repeat(300_000)
    expect(await sandbox.text({ command: 'wc -c', stdin })).toBe(`${stdin.length}\n`)
    expect(await sandbox.text({ command: 'echo ignored', stdin })).toBe('ignored\n')
    expect(await sandbox.text('cat; echo empty again')).toBe('empty again\n')
  })

  it('is no part of the next command', async () => {
    expect(await sandbox.text({ command: 'head -n 1', stdin: 'echo 1\necho 2\n' })).toBe('echo 1\n')
    expect(await sandbox.text('cat')).toBe('')
  })
})

describe('text', () => {
  it('of 1 MB runs', async () => {
    const long = 'x'.repeat(MIB)
    expect(await sandbox.text(`v='${long}'; echo \${#v}`)).toBe(`${MIB}\n`)
    expect(await sandbox.text('echo ${#v}')).toBe(`${MIB}\n`)
  })

  it('of many lines, heredocs and comments runs as a script does', async () => {
    const script = "# a comment\ncat <<'END' # another\n$x `y`\nEND\nf() {\n  echo in f\n}\nf\n"
    expect(await sandbox.text(script)).toBe('$x `y`\nin f\n')
  })

  it('sees aliases of the lines before it', async () => {
    expect(await sandbox.text("shopt -s expand_aliases\nalias a='echo aliased'\na")).toBe('aliased\n')
  })

  it.each(['', ' ', '\n\n', '#', ';:', "echo 'é ☃ 🐚'", "printf %s $'\\x01\\x02'"])(
    '%j is taken as it is',
    async (text) => {
      const { outcome, stdout } = await sandbox.run(text)
      expect(outcome?.type).toBe('exited')
      if (text.startsWith('echo')) expect(stdout).toBe('é ☃ 🐚\n')
    },
  )
})

function commonLength(one: Buffer, other: Buffer): number {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  return length
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
