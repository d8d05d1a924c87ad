//! Texts run once and for all, subshells that wait for their gate, and the end of the shell.

#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod shell_support;

use std::os::unix::process::ExitStatusExt;

use shell_support::{Shell, With, adopt_orphans};

fn once(text: &str) -> (Option<i32>, Option<i32>, String, String) {
    let (status, stdout, stderr) = Shell::start().once(text, With::default());
    (status.code(), status.signal(), stdout, stderr)
}

#[test]
fn a_text_run_once_ends_the_shell_as_bash_would() {
    for text in [
        "exit 7",
        "false",
        "echo hi",
        "kill -9 $$",
        "trap 'echo bye; exit 5' EXIT; exit 3",
        "set -e; false; echo no",
        "set -u; echo $nothing",
        "echo 'open",
        "nosuch",
        "exec sh -c 'kill -15 $$'",
        "sh -c 'kill -11 $$'",
        "trap 'echo caught' INT; kill -INT $$; echo on",
        "kill -INT $$; echo no",
        "sleep 300 >/dev/null 2>&1 & kill $!; wait $!",
        "echo $((1/0)); echo no",
        "cat; echo $- | tr -d c; echo $#",
        "f() { return 9; }; f",
    ] {
        let native = std::process::Command::new("/bin/bash")
            .args(["--norc", "--noprofile", "-c", text])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let (code, signal, stdout, stderr) = once(text);
        assert_eq!((code, signal), (native.status.code(), native.status.signal()), "{text}");
        assert_eq!(stdout, String::from_utf8(native.stdout).unwrap(), "{text}");
        let clean = |said: &str| said.replace("/bin/bash", "bash").replace(char::is_numeric, "");
        assert_eq!(clean(&stderr), clean(&String::from_utf8(native.stderr).unwrap()), "{text}");
    }
}

#[test]
fn a_text_run_once_has_its_env_cwd_and_input() {
    let with = With { cwd: "/usr", env: &["A=1"], stdin: Some(b"given") };
    let (status, stdout, _) = Shell::start().once("pwd; env | grep ^A; cat; ls /proc/self/fd | wc -l", with);
    assert_eq!((status.code(), stdout.as_str()), (Some(0), "/usr\nA=1\ngiven4\n"));
    let (status, _, stderr) = Shell::start().once("echo no", With { cwd: "/no/such", ..With::default() });
    assert_eq!((status.code(), stderr.as_str()), (Some(1), "bash: /no/such: No such file or directory\n"));
}

#[test]
fn a_background_text_waits_for_its_gate_and_its_status_is_the_kernels() {
    adopt_orphans();
    let shell = Shell::start();
    shell.run("x=1; f() { echo f $x; }; cd /tmp");
    let exits = shell.background("f; pwd; exit 7", With::default());
    assert_eq!(shell.run("x=2; echo free").out(), "free\n");
    let (status, stdout) = exits.open();
    assert_eq!((status.code(), stdout.as_str()), (Some(7), "f 1\n/tmp\n"));
    let (status, _) = shell.background("kill -9 $BASHPID", With::default()).open();
    assert_eq!(status.signal(), Some(9));
    let (status, _) = shell.background("set -e; false", With::default()).open();
    assert_eq!(status.code(), Some(1));
    let (status, stdout) = shell.background("trap 'echo bye' EXIT; echo 'open", With::default()).open();
    assert_eq!((status.code(), stdout.as_str()), (Some(2), ""));
}

#[test]
fn a_background_text_leaves_the_shell_as_it_was() {
    adopt_orphans();
    let shell = Shell::start();
    shell.run("sleep 300 >/dev/null 2>&1 & x=1; (exit 9)");
    let before = shell.run("echo $? $!; jobs -p").out();
    shell.run("(exit 9)");
    let apart = shell.background("x=2; cd /usr; jobs; trap -p; set -- a", With::default());
    assert_eq!(apart.open().1, "");
    assert_eq!(shell.run("echo $? $!; jobs -p").out(), before);
    assert_eq!(shell.run("echo $x $#; pwd; kill %1").out(), "1 0\n/\n");
}

#[test]
fn a_background_text_is_a_session_of_its_own_with_its_own_descriptors() {
    adopt_orphans();
    let shell = Shell::start();
    shell.run("trap 'echo outer' EXIT TERM; trap '' USR1");
    let text = "ps -o sid= -p $BASHPID | tr -d ' '; echo $BASHPID; ls /proc/$BASHPID/fd; cat; pwd; echo $A; trap -p";
    let with = With { cwd: "/usr", env: &["A=1"], stdin: Some(b"given\n") };
    let apart = shell.background(text, with);
    let pid = apart.pid;
    let (status, stdout) = apart.open();
    assert_eq!(status.code(), Some(0));
    assert_eq!(stdout, format!("{pid}\n{pid}\n0\n1\n2\ngiven\n/usr\n1\ntrap -- '' SIGUSR1\n"));
    assert_eq!(shell.run("pwd; echo ${A-unset}").out(), "/\nunset\n");
}

#[test]
fn an_end_of_the_socket_ends_the_shell_without_its_traps() {
    let shell = Shell::start();
    let file = std::env::temp_dir().join(format!("atoll-trap-{}", std::process::id()));
    shell.run(&format!("trap 'touch {}' EXIT HUP TERM", file.display()));
    assert!(shell.hang_up().code().is_some());
    assert!(!file.exists());
}

#[test]
fn a_message_that_does_not_add_up_ends_the_shell() {
    for nonsense in
        [&[0_u8; 3][..], &[9; 24], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 0]]
    {
        let mut shell = Shell::start();
        shell.send_nonsense(nonsense);
        assert!(shell.wait_end().code().is_some_and(|code| code != 0));
    }
}
