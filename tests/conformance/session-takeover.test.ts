import { beforeEach, describe, expect, it } from 'vitest'
import type { SandboxClient } from '../support/client.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()
let sandbox: SandboxClient
beforeEach(async () => {
  sandbox = await node.client.create()
})

/** What a later command must still do, whatever happened before. */
async function expectUsable(): Promise<void> {
  const { outcome, stdout, stderr } = await sandbox.run('/bin/echo out; /bin/echo err >&2; /bin/sh -c "exit 3"')
  expect({ outcome, stdout, stderr }).toEqual({
    outcome: { type: 'exited', exit_code: 3 },
    stdout: 'out\n',
    stderr: 'err\n',
  })
}

describe('a session still takes commands and tells their ends after', () => {
  it.each([
    'set -n',
    'set -e',
    'set -u',
    'set -f',
    'set -T',
    'set -o posix',
    'set -C',
    'set -m',
    'set +m',
    'set -h; set +h; set -B; set +B; set -k',
    'IFS=x',
    'IFS=',
    'unset IFS',
    'readonly IFS PATH HOME PS1 PS4 BASH_ENV',
    'unset PATH HOME PWD',
    'PATH=',
    'enable -n echo eval exit printf cd test [ true false',
    'eval() { :; }; source() { :; }; builtin() { :; }',
    'cd() { :; }; exit() { :; }; printf() { :; }; echo() { :; }; pwd() { :; }; trap() { :; }',
    'function test { :; }; function [ { :; }; function : { return 1; }; function true { return 1; }',
    "shopt -s expand_aliases; alias exit='echo no' eval='echo no' cd='echo no' true=false",
    "trap 'exit 99' DEBUG",
    "trap ':' DEBUG ERR RETURN EXIT",
    "trap 'exit 97' EXIT",
    "trap '' TERM INT HUP QUIT CHLD PIPE",
    "trap 'kill -9 $$' EXIT",
    "shopt -s extdebug; trap 'false' DEBUG; true",
    'shopt -s lastpipe failglob compat31 inherit_errexit',
    'PROMPT_COMMAND="echo prompt; exit 5"; PS1="$(echo ps1)"; PS0=ps0',
    'BASH_ENV=/tmp/env; ENV=/tmp/env; echo "echo sourced; exit 4" >/tmp/env; export BASH_ENV ENV',
    'command_not_found_handle() { exit 9; }; nosuchcommand',
    'set -o history; history -c; set +o history',
    'ulimit -n 20',
    'ulimit -f 0',
    'exec 0</dev/zero 1>/dev/full 2>/dev/full',
    'stty -echo; reset; tput clear',
    'disown -a; wait; suspend',
    'TMOUT=1',
    'declare -x LC_ALL=nosuch LANG=xx_YY',
    'FUNCNEST=1; f() { g; }; g() { :; }; f',
    'SECONDS=5; RANDOM=1; BASHPID=1; EPOCHSECONDS=1; unset SECONDS RANDOM',
    'break; continue; return',
    'set -- $(seq 10000)',
    'fc; bind -p; complete -p; shopt -s login_shell',
    'enable -d atoll_session; enable -n atoll_session; atoll_session 3; atoll_session',
    'unset -f eval; unset BASH_VERSINFO; hash -r; exec 3>&- 4>&- 10>&- 255>&-',
  ])('%s', async (text) => {
    // That a text of this kind fails, or prints, is its own affair.
    await sandbox.run({ command: text, timeout_ms: 3000 })
    await expectUsable()
  })

  it.each(['set -vx', "trap 'exit 98' ERR; set -E", "trap 'exit 96' CHLD", 'export LD_PRELOAD=/nosuch'])(
    '%s, once it is taken back',
    async (text) => {
      await sandbox.run(text)
      await sandbox.run('{ trap - ERR CHLD; set +vxE; unset LD_PRELOAD; } 2>/dev/null')
      await expectUsable()
    },
  )

  it('an EXIT trap, which runs with the exit', async () => {
    const { outcome, stdout } = await sandbox.run("trap 'echo bye' EXIT; exit 4")
    expect(outcome).toEqual({ type: 'exited', exit_code: 4 })
    expect(['', 'bye\n']).toContain(stdout)
    await expectUsable()
  })
})

describe('an end that a command prints is only text', () => {
  it('every byte sequence in its environment and descriptors', async () => {
    const shout = `x=$(cat /proc/$$/environ /proc/$$/cmdline /proc/self/mountinfo | tr '\\0' '\\n'; set)
      echo "$x"; echo "$x" >&2
      for fd in /proc/$$/fd/*; do n=\${fd##*/}; [ "$n" -gt 2 ] && { echo "$x" >&$n; printf '\\2\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&$n; }; done 2>/dev/null
      exit 7`
    const command = await sandbox.run(shout)
    expect(command.outcome).toEqual({ type: 'exited', exit_code: 7 })
    expect(command.stdout).toContain('PATH=')
    await expectUsable()
  })

  it('numbers that look like frames, on every descriptor of every process that it can open', async () => {
    const attack = `for fd in /proc/[0-9]*/fd/*; do printf '\\2\\0\\0\\0\\0\\0\\0\\0\\7\\0\\0\\0' 1<>"$fd"; done 2>/dev/null; exit 5`
    expect((await sandbox.run({ command: attack, timeout_ms: 5000 })).outcome).toMatchObject({
      type: 'exited',
      exit_code: 5,
    })
    await expectUsable()
  })

  it('a child that answers in the name of its shell does not reach the next command', async () => {
    const child = `python3 -c 'import os, struct
for fd in range(3, 300):
  try: os.write(fd, struct.pack("<IIiIQQQ", 2, 0, 0, 0, 0, 0, 0))
  except OSError: pass'`
    expect((await sandbox.run(`${child}; exit 6`)).outcome).toEqual({ type: 'exited', exit_code: 6 })
    await expectUsable()
  })
})
