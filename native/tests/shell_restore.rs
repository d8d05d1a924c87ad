//! The state that a new shell takes from the snapshot after its session's shell was killed.

#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod shell_support;

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use shell_support::{STATE_TOO_LARGE, Shell, With};

/// What `after` says in a shell restored from one that ran `before`; neither may complain.
fn restored(before: &str, after: &str) -> String {
    let shell = Shell::start();
    let first = shell.run(before);
    assert_eq!((first.status, first.err().as_str()), (0, ""), "{before}");
    let done = shell.restart().run(after);
    assert_eq!(done.err(), "", "{before}: {after}");
    done.out()
}

#[test]
fn variables_come_back_with_their_attributes() {
    let before = "a=1; export b='x  y'; declare -i c=5; declare -r d=ro; declare -u e=Up; declare -l f=Lo; declare -c g=cap; \
                  declare -n h=a; declare -rx i=both; declare -t t=1; declare j; export k; nl=$'a\\nb\\t\\x01\\xff'; empty=";
    let declared = "declare -p a b c d e f g h i t j k nl empty";
    let shell = Shell::start();
    shell.run(before);
    let was = shell.run(declared).stdout;
    assert!(!was.is_empty());
    let shell = shell.restart();
    assert_eq!(shell.run(declared).stdout, was);
    assert_eq!(shell.run("c=2+3; e=abc; echo $c $e $h; env | grep -c ^i=").out(), "5 ABC 1\n1\n");
    assert_eq!(shell.run("d=2").status, 1);
}

#[test]
fn arrays_come_back_sparse_and_with_any_key() {
    let before = "l=(a 'b c' [9]=$'\\n'); declare -A m=(['k 1']=v ['$(x)']='*' [\\]]=] ['\"']=q); declare -a none=(); declare -A nomap; declare -ai n=(1 2)";
    let after = "declare -p l n none nomap; for k in 'k 1' '$(x)' ']' '\"'; do echo \"${m[$k]}\"; done; echo ${#m[@]}; n[0]=2+2; echo $n";
    let shell = Shell::start();
    shell.run(before);
    let was = shell.run(after).out();
    shell.run("n[0]=1");
    assert_eq!(shell.restart().run(after).out(), was);
    assert!(was.ends_with("v\n*\n]\nq\n4\n4\n"), "{was}");
}

#[test]
fn functions_come_back_as_last_defined() {
    let before = "f() { echo old; }; g() { cat <<END\nhere $1\nEND\n}; shopt -s extglob\n h() { case $1 in +(a|b)) echo ext;; esac; }; \
                  export -f g; declare -fr h; function a-b { echo dash; }; u() { :; }; k() ( echo sub ) 2>&1; declare -ft k";
    let shell = Shell::start();
    shell.run(before);
    shell.run("f() { echo new; }; unset -f u");
    let shell = shell.restart();
    let done = shell.run("f; g x; h abab; a-b; k; type -t u; declare -F; bash -c 'g y'");
    assert_eq!(
        done.out(),
        "new\nhere x\next\ndash\nsub\ndeclare -f a-b\ndeclare -f f\ndeclare -fx g\ndeclare -fr h\ndeclare -ft k\nhere y\n"
    );
    assert_eq!(shell.run("h() { :; }").status, 1);
    assert_eq!(shell.restart().run("f; g z").out(), "new\nhere z\n");
}

#[test]
fn a_function_redefined_many_times_is_never_the_older_one() {
    let shell = Shell::start();
    for i in 0..50 {
        shell.run(&format!("f() {{ echo {i}; }}"));
    }
    assert_eq!(shell.restart().run("f").out(), "49\n");
    assert_eq!(restored("f() { echo 1; }; export -f f", "f() { echo 2; }; bash -c f"), "2\n");
}

#[test]
fn functions_of_odd_names_come_back() {
    let before = "function if { echo word; }; function echo:x { echo colon; }; @() { echo at; }; \
                  eval() { builtin eval \"$@\"; }; export() { echo mine; }";
    assert_eq!(restored(before, "\\if; echo:x; @; eval echo ev; export"), "word\ncolon\nat\nev\nmine\n");
}

#[test]
fn aliases_options_umask_parameters_cwd_and_status_come_back() {
    let shell = Shell::start();
    shell.run("alias a='echo al' if2='if :; then'; shopt -s nullglob dotglob; shopt -u sourcepath; set -o pipefail -o noglob -u; umask 037");
    shell.run("set -- 1 2 3 4 5 6 7 8 9 10 'eleven twelve'; cd /usr/lib; (exit 33)");
    let done = shell.restart().run("echo $?; a; umask; pwd; echo $# ${11}; shopt -q nullglob && shopt -q sourcepath; echo $? $-; set -o | grep pipe");
    assert_eq!(done.out(), "33\nal\n0037\n/usr/lib\n11 eleven twelve\n1 fhuB\npipefail       \ton\n");
    assert_eq!(done.answer.cwd, "/usr/lib");
}

#[test]
fn errexit_noexec_and_traps_do_not_come_back() {
    let shell = Shell::start();
    shell.run("trap 'exit 3' DEBUG; trap 'echo bye' EXIT; trap 'exit 4' ERR; set -e");
    assert_eq!(shell.restart().run("false; echo $-; trap -p; true").out(), "hB\n");
    let shell = Shell::start();
    shell.run("set -n");
    assert_eq!(shell.restart().run("echo $-").out(), "hB\n");
}

#[test]
fn posix_mode_comes_back_and_can_be_left() {
    assert_eq!(
        restored(
            "set -o posix",
            "shopt -qo posix; echo $? $POSIXLY_CORRECT; set +o posix; echo ${POSIXLY_CORRECT-gone}"
        ),
        "0 y\ngone\n"
    );
}

#[test]
fn variables_that_bash_keeps_itself_still_work() {
    let after = "echo $((PPID != $$)) $UID ${BASH_VERSINFO[0]} $BASHPID $$ $LINENO $SECONDS ${FUNCNAME-none}; \
                 [ $RANDOM$RANDOM != $RANDOM$RANDOM ] && echo random; echo $EPOCHSECONDS | grep -c .; x='a b'; set -- $x; echo $# ${#DIRSTACK[@]}";
    let shell = Shell::start();
    shell.run("x=$RANDOM$SECONDS; pushd /tmp >/dev/null; f() { :; }; f");
    let shell = shell.restart();
    let done = shell.run(after);
    let uid = rustix::process::getuid().as_raw();
    let pid = shell.pid();
    let lines: Vec<String> = done.out().lines().map(str::to_owned).collect();
    assert!(
        lines[0].starts_with(&format!("1 {uid} ")) && lines[0].ends_with(&format!(" {pid} {pid} 1 0 none")),
        "{done:?}"
    );
    assert_eq!(lines[1..], ["random", "1", "2 1"]);
}

#[test]
fn what_was_unset_stays_unset_and_ifs_stays_odd() {
    assert_eq!(
        restored("unset HOSTNAME PS4 HOME; IFS=x", "echo ${HOSTNAME-u}${PS4-u}${HOME-u}; v=1x2; echo $v"),
        "uuu\n1 2\n"
    );
    assert_eq!(restored("unset IFS", "v='1 2'; set -- $v; echo $# ${IFS-u}"), "2 u\n");
    assert_eq!(restored("unset PATH", "echo ${PATH-u}"), "u\n");
}

#[test]
fn the_state_is_that_of_the_start_of_the_killed_command() {
    let mut shell = Shell::start();
    shell.run("x=before; cd /tmp");
    drop(shell.begin("x=during; cd /usr; kill -9 $$"));
    shell.wait_end();
    assert_eq!(shell.kill_and_restart().run("echo $x; pwd").out(), "before\n/tmp\n");
}

#[test]
fn env_and_cwd_of_a_killed_command_do_not_come_back() {
    let shell = Shell::start();
    shell.run("A=own");
    let lent = With { cwd: "/usr", env: &["A=lent", "B=lent"], ..With::default() };
    shell.run_with("echo $A", lent);
    assert_eq!(shell.restart().run("echo $A ${B-unset}; pwd; env | grep -c ^A=").out(), "own unset\n/\n0\n");
}

#[test]
fn a_cwd_that_is_gone_leaves_the_shell_where_it_starts() {
    let shell = Shell::start();
    shell.run("d=$(mktemp -d); cd $d; rmdir $d");
    let done = shell.restart().run("pwd; echo $PWD; /bin/pwd");
    assert_eq!(done.out(), "/\n/\n/\n");
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_state() {
    let state = "declare -p a b IFS PATH m; f; alias; echo $#";
    let mut shell = Shell::start();
    shell.run("a=1; b=(1 2 3); declare -A m=([x]=y); f() { echo f; }; alias q=w; set -- p; for i in {1..300}; do declare v$i=$i; done");
    let whole = shell.run(state).out();
    for i in 0..40 {
        shell.run_inline("v7=7"); // the kill comes while this command's state is being saved, or soon after
        std::thread::sleep(std::time::Duration::from_micros(i % 8 * 10));
        shell = shell.kill_and_restart();
        assert_eq!(shell.run(state).out(), whole);
    }
}

#[test]
fn a_state_that_does_not_fit_is_told_and_the_last_that_did_comes_back() {
    let shell = Shell::start();
    shell.run("x=small");
    assert_eq!(shell.run("printf -v x '%*s' 40000000 ''").answer.flags & STATE_TOO_LARGE, 0);
    assert_eq!(shell.run("echo ${#x}").answer.flags & STATE_TOO_LARGE, STATE_TOO_LARGE);
    let shell = shell.restart();
    assert_eq!(shell.run("echo $x").out(), "small\n");
    shell.run("printf -v x '%*s' 20000000 ''");
    shell.run("x=${#x}");
    shell.run("true");
    assert_eq!(shell.run("true").answer.flags & STATE_TOO_LARGE, 0);
    let kept = std::os::unix::fs::MetadataExt::blocks(&shell.snapshot().metadata().unwrap()) * 512;
    assert!(kept < 8 << 20, "{kept} bytes are kept of a state that has shrunk");
    assert_eq!(shell.restart().run("echo $x").out(), "20000000\n");
}

fn copy_of(snapshot: &File, bytes: usize) -> (File, Vec<u8>) {
    let mut head = vec![0; bytes];
    snapshot.read_exact_at(&mut head, 0).unwrap();
    let copy = File::from(memfd_create("snapshot", MemfdFlags::CLOEXEC).unwrap());
    ftruncate(&copy, 64 << 20).unwrap();
    (copy, head)
}

#[test]
fn an_empty_or_garbled_snapshot_gives_a_fresh_shell() {
    let shell = Shell::start();
    let (empty, _) = copy_of(&shell.snapshot(), 1);
    assert_eq!(Shell::start_from(empty).1.status, 0);
    shell.run("a=(1 2); declare -A m=([k]=v); f() { :; }; alias x=y; set -- 1 2");
    shell.run("true");
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..60 {
        let slot = 4096 + ((64 << 20) - 4096) / 2;
        let (copy, mut head) = copy_of(&shell.snapshot(), slot + 8192);
        for _ in 0..=random(4) {
            let at = [0, 8, 4096, slot][random(4)] + random(4096) % 3000;
            head[at] = [0, 1, 0x7f, 0xff, random(256) as u8][random(5)];
        }
        copy.write_all_at(&head, 0).unwrap();
        let (shell, ready) = Shell::start_from(copy);
        assert!(ready.status == 0 || ready.status == 1);
        assert_eq!(shell.run("\\builtin echo ok").out(), "ok\n");
    }
}
