#![allow(clippy::unwrap_used)]
//! The promises of a session, kept by the builtin in the host's own bash.

mod shell_support;

use shell_support::Shell;

#[test]
fn the_state_of_a_session_stays() {
    let shell = Shell::start();
    assert_eq!(
        shell
            .run("cd /tmp; export A=1; b=2; declare -A m=([k]='v w'); f() { echo \"f$1\"; }; alias l='echo al'")
            .status,
        0
    );
    let done = shell.run("pwd; env | grep ^A=; echo $b ${m[k]}; f x; l");
    assert_eq!(done.out(), "/tmp\nA=1\n2 v w\nfx\nal\n");
    assert_eq!(done.answer.cwd, "/tmp");
    assert_eq!(done.err(), "");
}

