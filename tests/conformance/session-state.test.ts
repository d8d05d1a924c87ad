import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

describe('between commands', () => {
  /** What is done first, what is asked in a later command, what that prints. */
  const kept: readonly (readonly [name: string, first: string, then: string, printed: string])[] = [
    ['the working directory', 'mkdir -p /tmp/a/b; cd /tmp/a/b', 'pwd', '/tmp/a/b\n'],
    ['the folder before it', 'cd /tmp; cd /', 'cd -', '/tmp\n'],
    ['a plain variable', 'x="a b"', 'echo "$x"', 'a b\n'],
    ['an exported variable', 'export x=1', 'env | grep ^x=', 'x=1\n'],
    ['a variable that is not exported, unexported', 'x=1', 'env | grep -c ^x= || true', '0\n'],
    ['an array', 'a=(1 "2 3" 4)', 'echo "${#a[@]} ${a[1]}"', '3 2 3\n'],
    ['an associative array', 'declare -A m=([k]=v [l]="w x")', 'echo "${m[k]} ${m[l]} ${#m[@]}"', 'v w x 2\n'],
    ['a function', 'f() { echo "f $1"; }', 'f 1', 'f 1\n'],
    ['an alias', "shopt -s expand_aliases; alias ll='echo listed'", 'll', 'listed\n'],
    ['an option of shopt', 'shopt -s nullglob extglob', 'shopt nullglob extglob | cut -f2', 'on\non\n'],
    ['an option of set', 'set -o noclobber', 'set -o | grep noclobber | cut -f2', 'on\n'],
    ['the umask', 'umask 027', 'umask', '0027\n'],
    ['the status of the command before', 'false', 'echo $?', '1\n'],
    ['a status beyond 1', '(exit 42)', 'echo $?', '42\n'],
    ['positional parameters', 'set -- a "b c"', 'echo "$# $2"', '2 b c\n'],
    ['a trap', "trap 'echo usr1' USR1", 'kill -USR1 $$', 'usr1\n'],
    ['a read-only variable', 'readonly r=1', '(r=2) 2>&1 | grep -c readonly', '1\n'],
    ['an integer attribute', 'declare -i n', 'n=2+3; echo $n', '5\n'],
    ['a limit of the shell', 'ulimit -c 0; ulimit -n 100', 'ulimit -n', '100\n'],
    ['a background job', 'sleep 60 &', 'jobs -p | wc -l', '1\n'],
    ['the last background process', 'sleep 60 & p=$!', '[ $p = $! ] && kill -0 $! && echo same', 'same\n'],
    ['a descriptor that exec opened', 'exec 5>/tmp/five', 'echo hi >&5; cat /tmp/five', 'hi\n'],
    ['the directory stack', 'cd /; pushd /tmp >/dev/null', 'dirs', '/tmp /\n'],
    ['the hash of a command', 'hash -p /bin/true nosuch', 'nosuch; echo $?', '0\n'],
  ]
  it.each(kept)('%s stays', async (_name, first, then, printed) => {
    expect(await sandbox.run(first)).toMatchObject({ stdout: '', stderr: '' })
    expect(await sandbox.run(then)).toMatchObject({ stdout: printed, stderr: '', session_restarted: false })
  })

  it('the shell is one and the same process', async () => {
    expect(await sandbox.text('echo $$')).toBe(await sandbox.text('echo $$'))
  })

  it('a command is told where it ended', async () => {
    expect((await sandbox.run('cd /usr/bin')).cwd).toBe('/usr/bin')
    expect((await sandbox.run('true')).cwd).toBe('/usr/bin')
  })

  it('a folder that is gone leaves the session usable', async () => {
    await sandbox.run('mkdir /tmp/gone; cd /tmp/gone; rmdir /tmp/gone')
    expect(await sandbox.text('echo here; cd /; pwd')).toBe('here\n/\n')
  })
})

describe('a session', () => {
  it('starts in the workspace, as an ordinary user, with a small environment', async () => {
    expect(await sandbox.text('pwd; id -u; id -un; echo $HOME')).toBe(
      '/workspace\n1000\nsandboxuser\n/home/sandboxuser\n',
    )
    const names = await sandbox.text(
      "env | cut -d= -f1 | grep -vxE 'HOME|LANG|LC_ALL|LOGNAME|PATH|PWD|SHELL|SHLVL|USER|TERM|_|OLDPWD' || true",
    )
    expect(names).toBe('')
  })

  it('takes cwd and env of one command and puts them back afterwards', async () => {
    await sandbox.run('x=old; export y=old')
    const command = { command: 'pwd; echo $x $y $z', cwd: '/tmp', env: { x: 'new', y: 'new', z: 'new' } }
    expect(await sandbox.text(command)).toBe('/tmp\nnew new new\n')
    expect(await sandbox.text('pwd; echo $x $y ${z-unset}')).toBe('/workspace\nold old unset\n')
  })

  it('keeps what a command itself changed of its cwd and env', async () => {
    await sandbox.run({ command: 'cd /usr; y=changed', cwd: '/tmp', env: { x: 'new', y: 'new' } })
    expect(await sandbox.text('pwd; echo $y ${x-unset}')).toBe('/usr\nchanged unset\n')
  })

  it('opened beside main has a cwd, an environment and a state of its own', async () => {
    await sandbox.client.ask('POST', sandbox.path('/sessions'), { name: 'two', cwd: '/tmp', env: { A: '1' } })
    expect(await sandbox.text({ command: 'pwd; echo $A; A=2', session: 'two' })).toBe('/tmp\n1\n')
    expect(await sandbox.text('pwd; echo ${A-unset}')).toBe('/workspace\nunset\n')
    expect(await sandbox.text({ command: 'echo $A', session: 'two' })).toBe('2\n')
  })

  it('is listed, refused twice, and gone once closed', async () => {
    const sessions = sandbox.path('/sessions')
    await sandbox.client.ask('POST', sessions, { name: 'two' })
    expect(await sandbox.client.refusal('POST', sessions, { name: 'two' })).toMatchObject({
      status: 409,
      code: 'session.exists',
    })
    expect(await sandbox.client.ask('GET', sessions)).toMatchObject({ items: [{ name: 'main' }, { name: 'two' }] })
    await sandbox.client.ask('DELETE', `${sessions}/two`)
    const answer = await sandbox.client.refusal('POST', sandbox.path('/commands'), { command: 'true', session: 'two' })
    expect(answer).toMatchObject({ status: 404, code: 'session.not_found' })
    expect(await sandbox.client.refusal('DELETE', `${sessions}/two`)).toMatchObject({ status: 404 })
  })

  it('main begins afresh after it was closed', async () => {
    await sandbox.run('x=1; cd /tmp')
    await sandbox.client.ask('DELETE', sandbox.path('/sessions/main'))
    expect(await sandbox.text('echo ${x-unset}; pwd')).toBe('unset\n/workspace\n')
  })

  it('null is a fresh shell every time', async () => {
    await sandbox.run('x=1')
    expect(await sandbox.text({ command: 'echo ${x-unset}; x=2', session: null })).toBe('unset\n')
    expect(await sandbox.text({ command: 'echo ${x-unset}', session: null })).toBe('unset\n')
  })
})
