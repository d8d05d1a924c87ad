//! Texts that would end or spoil a shell: the answer is true, and the session goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod shell_support;

use std::os::unix::process::ExitStatusExt;

use shell_support::Shell;

/// The text gives this status; afterwards cwd, variable, function and alias are there and `echo ok` gives ok.
fn survives(text: &str, status: i32) {
    let shell = Shell::start();
    shell.run("cd /tmp; v=1; f() { echo f; }; alias a='echo a'; set -- p q");
    let done = shell.run(text);
    assert_eq!(done.status, status, "{text}: {done:?}");
    assert_eq!(shell.run("echo ok").out(), "ok\n", "{text}");
    let after = shell.run("\\builtin pwd; \\builtin echo $v $# $1; f; a");
    assert_eq!(after.out(), "/tmp\n1 2 p\nf\na\n", "{text}: {}", after.err());
    assert_eq!(shell.run("\\builtin \\exit 9").status, 9, "{text}");
}

#[test]
fn exit_gives_its_status_and_the_session_goes_on() {
    for (text, status) in [
        ("exit 7", 7),
        ("exit", 0),
        ("false; exit", 1),
        ("exit 300", 44),
        ("exit -1", 255),
        ("g() { local v=2; exit 7; }; g x y z", 7),
        ("eval 'exit 7'", 7),
        ("g() { eval 'exit 7'; }; for i in 1 2; do g x; done", 7),
        ("source <(echo 'exit 7') a b c", 7),
        ("{ exit 7; } >/dev/null", 7),
        ("v=2 eval 'exit 7'", 7),
        ("case x in x) while :; do exit 7; done;; esac", 7),
    ] {
        survives(text, status);
    }
}

#[test]
fn what_was_changed_before_the_exit_stays_changed() {
    let shell = Shell::start();
    shell.run("cd /usr; x=1; g() { echo g; }; umask 077; shopt -s dotglob; declare -A m=([a]=b); exit 7");
    assert_eq!(
        shell.run("echo $? $x ${m[a]}; pwd; g; umask; shopt -q dotglob; echo $?").out(),
        "7 1 b\n/usr\ng\n0077\n0\n"
    );
}

#[test]
fn errors_that_end_a_script_end_only_the_text() {
    for (text, status) in [
        ("set -u; echo $nothing; echo not reached", 1),
        ("echo ${nothing:?gone}; echo not reached", 1),
        ("echo 'open", 2),
        ("echo \"open", 2),
        ("echo $(open", 2),
        ("if true; then", 2),
        ("fi", 2),
        (") (", 2),
        ("cat <<END\nopen heredoc", 0),
        ("echo $((1/0))", 1),
        ("readonly r=1; r=2", 1),
        ("return 4", 2),
        ("shift 1 2 3", 1),
        ("exec nosuchcommand", 127),
        ("exec /etc/passwd", 126),
        (". /no/such/file", 1),
        ("g() { g; }; FUNCNEST=20; g", 1),
        ("logout", 1),
    ] {
        survives(text, status);
    }
}

#[test]
fn options_that_stop_a_shell_do_not_stop_the_session() {
    for (text, status) in [
        ("set -e; false; echo not reached", 1),
        ("set -e; g() { false; }; g x", 1),
        ("set -e; eval 'g() { (exit 3); }; g x'", 3),
        ("set -e; echo 'open", 2),
        ("set -e -o pipefail; exit 5 | true", 5),
        ("set -eu; echo $nothing", 1),
        ("set -n; echo hi", 0),
        ("set -n\necho hi", 0),
        ("set -t; true", 0),
        ("set -o posix; exit 7", 7),
        ("set -o posix; echo ${nothing:?gone}", 1),
        ("set -o posix; readonly r=1; r=2", 1),
        ("set -o posix; set -o nosuch", 2),
        ("set -m; exit 7", 7),
        ("set -f -h -k -C -P; exit 7", 7),
    ] {
        survives(text, status);
    }
}

#[test]
fn errexit_stays_set_and_ends_each_text_that_fails() {
    let shell = Shell::start();
    assert_eq!(shell.run("set -e").status, 0);
    assert_eq!(shell.run("false; echo not reached").out(), "");
    assert_eq!(shell.run("echo ok").out(), "ok\n");
    assert_eq!(shell.run("if false; then :; fi; echo fine").out(), "fine\n");
}

#[test]
fn names_redefined_by_the_user_do_not_reach_the_loop() {
    for text in [
        "eval() { exit 1; }; cd() { exit 1; }; exit() { echo no; }; printf() { exit 1; }; builtin() { exit 1; }; unset -f builtin",
        "alias echo='echo ok #' exit=false eval=false; unalias echo",
        "IFS=x",
        "readonly IFS PATH PWD OLDPWD HOME PS4 SHELLOPTS _",
        "enable -n exit eval cd printf set trap; enable exit",
        "unset PATH PWD IFS OPTIND BASH_VERSION HOSTNAME",
        "unset -f f; f() { echo f; }; declare -fr f",
        "POSIXLY_CORRECT=1",
        "BASH_ENV=/nowhere ENV=/nowhere PROMPT_COMMAND='exit 1' PS0='$(exit 1)' PS4='$(exit 1)'",
        "BASH_XTRACEFD=1; set -x; set +x; unset BASH_XTRACEFD",
        "shopt -s failglob nullglob extglob globstar nocasematch localvar_inherit lastpipe execfail",
        "LC_ALL=nosuch.UTF-8 2>/dev/null; export LANG=C",
    ] {
        survives(text, 0);
    }
}

#[test]
fn a_disabled_echo_does_not_matter_to_the_loop() {
    let shell = Shell::start();
    shell.run("enable -n echo");
    assert_eq!(shell.run("type -t echo; echo ok").out(), "file\nok\n");
}

#[test]
fn traps_that_print_exit_or_veto_leave_the_bookkeeping_alone() {
    for (text, status) in [
        ("trap 'exit 3' ERR", 0),
        ("trap 'exit 3' ERR; false", 3),
        ("set -E; trap 'exit 3' ERR; g() { false; }; g; trap - ERR", 3),
        ("trap 'exit 3' DEBUG", 0),
        ("trap 'exit 3' DEBUG; true", 3),
        ("shopt -s extdebug; trap exit DEBUG", 0),
        ("shopt -s extdebug; trap 'false' DEBUG; exit 4", 0),
        ("trap 'exit 3' RETURN; source /dev/null", 3),
        ("trap 'exit 3' USR1; kill -USR1 $$", 3),
        ("trap '' INT TERM; kill -INT $$; kill -TERM $$", 0),
        ("trap 'true' CHLD PIPE; /bin/true", 0),
        ("trap 'exit 4' EXIT; exit 3", 4),
    ] {
        survives(text, status);
    }
}

#[test]
fn an_exit_trap_runs_once_and_only_at_an_exit() {
    let shell = Shell::start();
    assert_eq!(shell.run("x=1; trap 'echo bye $x' EXIT").out(), "");
    assert_eq!(shell.run("echo hi").out(), "hi\n");
    let done = shell.run("exit 3");
    assert_eq!((done.out().as_str(), done.status), ("bye 1\n", 3));
    assert_eq!(shell.run("exit 4").out(), "");
    assert_eq!(shell.run("g() { local l=in; exit 5; }; trap 'echo $l' EXIT; g").out(), "in\n");
    assert_eq!(shell.run("(trap 'echo sub' EXIT); echo main").out(), "sub\nmain\n");
    assert_eq!(shell.run("set -e; trap 'echo bye $?' EXIT; false").out(), "bye 1\n");
}

#[test]
fn a_debug_trap_works_in_its_own_command_and_is_gone_in_the_next() {
    let shell = Shell::start();
    assert_eq!(shell.run("trap 'echo D' DEBUG; echo a; trap - ERR").out(), "D\na\nD\n");
    assert_eq!(shell.run("echo b; trap -p DEBUG").out(), "b\n");
}

#[test]
fn an_interrupt_ends_the_text_and_not_the_shell() {
    let shell = Shell::start();
    shell.run("v=1; trap 'echo bye' EXIT");
    for text in
        ["while :; do kill -INT $$; done", "kill -INT $$; echo not reached", "bash -c 'kill -INT $PPID $$'; echo no"]
    {
        let done = shell.run(text);
        assert_eq!((done.status, done.out().as_str()), (130, ""), "{text}: {done:?}");
    }
    assert_eq!(shell.run("echo $? $v; trap -p EXIT").out(), "130 1\ntrap -- 'echo bye' EXIT\n");
    assert_eq!(shell.run("trap 'echo caught' INT; kill -INT $$; echo on").out(), "caught\non\n");
    assert_eq!(shell.run("trap - INT; kill -INT $$").status, 130);
    assert_eq!(shell.run("trap '' INT; kill -INT $$; echo ignored").out(), "ignored\n");
}

#[test]
fn an_interrupt_while_nothing_runs_is_forgotten() {
    let shell = Shell::start();
    shell.run("true");
    rustix::process::kill_process(rustix::process::Pid::from_raw(shell.pid()).unwrap(), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(shell.run("echo ok").out(), "ok\n");
}

#[test]
fn a_text_that_replaces_or_kills_its_shell_is_told_by_the_kernel() {
    for (text, code, signal) in [
        ("exec false", Some(1), None),
        ("exec sh -c 'exit 6'", Some(6), None),
        ("kill -9 $$", None, Some(9)),
        ("kill $$", None, Some(15)),
    ] {
        let mut shell = Shell::start();
        shell.run("v=1");
        let _running = shell.begin(text);
        let status = shell.wait_end();
        assert_eq!((status.code(), status.signal()), (code, signal), "{text}");
        assert_eq!(shell.kill_and_restart().run("echo $v").out(), "1\n");
    }
}

#[test]
fn a_failing_redirection_in_a_function_that_exits_keeps_no_pipe_open() {
    let shell = Shell::start();
    for text in [
        "set -e; g() { false; }; g >/dev/null 2>&1",
        "set -e; eval 'g() { false; }; g >/dev/null' 2>&1",
        "trap : EXIT; g() { exit 3; }; eval 'g >/dev/null' 2>/dev/null",
        "set -e; exec {keep}>/dev/null; { false; } >&$keep",
    ] {
        shell.run(text); // ends at end of file: whoever still held the pipe would hang it
    }
    assert_eq!(shell.run("set +e; ls /proc/$$/fd | grep -c '^1[0-9]$'").out(), "1\n");
}

#[test]
fn an_expansion_error_in_a_subshell_ends_the_subshell_only() {
    let shell = Shell::start();
    let done = shell.run("set -u; (echo $nothing) 2>/dev/null; x=$(echo $nothing) 2>/dev/null; echo ${nothing:?} 2>/dev/null & wait; echo one");
    assert_eq!(done.out(), "one\n");
    assert_eq!(shell.run("echo two").out(), "two\n");
}
