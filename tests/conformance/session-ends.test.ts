import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

/** State that a session must still have, and the command that shows it. */
const MAKE_STATE = `cd /tmp; plain=1; export exported=2; declare -A map=([k]="v w"); declare -i number=3
list=(a "b c"); f() { echo "f $1"; }; shopt -s expand_aliases; alias al='echo aliased'`
const SHOW_STATE = 'pwd; echo $plain "${map[k]}" $number "${list[1]}"; env | grep ^exported; f x; al'
const STATE = '/tmp\n1 v w 3 b c\nexported=2\nf x\naliased\n'

async function expectState(): Promise<void> {
  expect(await sandbox.run(SHOW_STATE)).toMatchObject({ stdout: STATE, stderr: '', outcome: { exit_code: 0 } })
}

describe('the state stays after', () => {
  const endings: readonly (readonly [text: string, status: number])[] = [
    ['exit 7', 7],
    ['exit', 0],
    ['false; exit', 1],
    ['exit 256', 0],
    ['exit -1', 255],
    ['f2() { exit 9; }; f2', 9],
    ['while true; do exit 5; done', 5],
    ['eval "exit 6"', 6],
    ['echo "exit 8" >/tmp/script; . /tmp/script', 8],
    ['true | exit 4', 4],
    ['set -e; false; echo unreached', 1],
    ['set -euo pipefail; false | true; echo unreached', 1],
    ['set -u; echo $undefined; echo unreached', 127],
    ['${undefined:?message}', 127],
    ['logout', 1],
    ['return 3', 1],
  ]
  it.each(endings.slice(0, 12))('%s', async (text, status) => {
    await sandbox.run(MAKE_STATE)
    const command = await sandbox.run(text)
    expect(command.outcome).toEqual({ type: 'exited', exit_code: status })
    expect(command.stdout).toBe('')
    await expectState()
  })
  it.each(endings.slice(12))('%s, which says so and fails', async (text) => {
    await sandbox.run(MAKE_STATE)
    const { outcome, stderr, stdout } = await sandbox.run(text)
    expect(outcome?.type).toBe('exited')
    expect(outcome?.exit_code).not.toBe(0)
    expect(stderr).not.toBe('')
    expect(stdout).toBe('')
    await expectState()
  })

  it.each([
    'echo "open',
    "echo 'open",
    'cat <<END\nnever closed',
    'if true; then',
    'for i in 1 2',
    'echo $(',
    '}',
    'case x in',
    '"',
    '((',
    'f() {',
    'echo `',
  ])('text that is no whole program: %j', async (text) => {
    await sandbox.run(MAKE_STATE)
    const command = await sandbox.run(text)
    expect(command.outcome?.type).toBe('exited')
    await expectState()
  })

  it('exec 0<&- 1>&- 2>&-', async () => {
    await sandbox.run(MAKE_STATE)
    expect(await sandbox.run('exec 0<&- 1>&- 2>&-')).toMatchObject({ outcome: { type: 'exited', exit_code: 0 } })
    await expectState()
  })

  it('exec >file, which holds for that command only', async () => {
    await sandbox.run(MAKE_STATE)
    expect(await sandbox.run('exec >/tmp/out 2>&1; echo hidden')).toMatchObject({ stdout: '', stderr: '' })
    await expectState()
    expect(await sandbox.text('cat /tmp/out')).toBe('hidden\n')
  })

  it('closing every descriptor that it can find', async () => {
    await sandbox.run(MAKE_STATE)
    const close = 'for fd in /proc/self/fd/* {3..300}; do fd=${fd##*/}; eval "exec $fd>&-" 2>/dev/null; done; true'
    expect((await sandbox.run(close)).outcome).toEqual({ type: 'exited', exit_code: 0 })
    await expectState()
  })

  it('a change made right before the exit', async () => {
    await sandbox.run('a=1; x=1')
    await sandbox.run("shopt -s expand_aliases; cd /usr; x=2; g() { echo g; }; alias h='echo h'; umask 077; exit 3")
    expect(await sandbox.text('pwd; echo $a $x; g; h; umask')).toBe('/usr\n1 2\ng\nh\n0077\n')
  })
})

describe('the session goes on from the start of the command after', () => {
  it.each([
    ['exec false', { type: 'exited', exit_code: 1 }],
    ['exec true', { type: 'exited', exit_code: 0 }],
    ['exec sh -c "exit 9"', { type: 'exited', exit_code: 9 }],
    ['kill -9 $$', { type: 'signalled', signal: 'SIGKILL' }],
    ['plain=2; kill -SEGV $$', { type: 'signalled', signal: 'SIGSEGV' }],
    ['plain=2; cd /; unset map; f() { :; }; kill -KILL $BASHPID', { type: 'signalled', signal: 'SIGKILL' }],
  ])('%s', async (text, outcome) => {
    await sandbox.run(MAKE_STATE)
    const command = await sandbox.run(text)
    expect(command.outcome).toEqual(outcome)
    expect(command.session_restarted).toBe(true)
    await expectState()
    expect((await sandbox.run('true')).session_restarted).toBe(false)
  })

  it('exec, with the output of the new program', async () => {
    expect(await sandbox.run('exec echo hi')).toMatchObject({ stdout: 'hi\n', session_restarted: true })
    expect(await sandbox.text('echo on')).toBe('on\n')
  })

  it('an exec of what is not there', async () => {
    await sandbox.run(MAKE_STATE)
    expect((await sandbox.run('exec nosuchprogram')).outcome).toEqual({ type: 'exited', exit_code: 127 })
    await expectState()
  })

  it('recursion without end', async () => {
    await sandbox.run(MAKE_STATE)
    const command = await sandbox.run({ command: 'r() { r; }; r', timeout_ms: 20_000 })
    expect(command.outcome).not.toEqual({ type: 'exited', exit_code: 0 })
    await expectState()
  })

  it('ten deaths in a row', async () => {
    await sandbox.run(MAKE_STATE)
    for (let death = 0; death < 10; death++) {
      expect((await sandbox.run('kill -9 $$')).outcome).toEqual({ type: 'signalled', signal: 'SIGKILL' })
    }
    await expectState()
  })
})
