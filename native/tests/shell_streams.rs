//! A command's own descriptors, what it can and cannot do to the shell's, and what it cost.

#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod shell_support;

use shell_support::{PROCSUB_LEFT, Shell, With};

#[test]
fn stdout_and_stderr_come_apart_byte_for_byte() {
    let shell = Shell::start();
    let all: Vec<u8> = (0..=255).collect();
    let text = "for i in {0..255}; do printf -v x '\\\\x%x' $i; printf $x; done; head -c 70000 /dev/zero; echo err >&2";
    let done = shell.run(text);
    assert_eq!(&done.stdout[..256], all.as_slice());
    assert_eq!(done.stdout.len(), 70256);
    assert_eq!(done.err(), "err\n");
}

#[test]
fn ten_megabytes_of_binary_output_arrive_whole_and_the_status_is_right() {
    let shell = Shell::start();
    let done = shell.run("head -c 10000000 /dev/urandom; exit 6");
    assert_eq!((done.stdout.len(), done.status), (10_000_000, 6));
}

#[test]
fn standard_input_is_empty_unless_given() {
    let shell = Shell::start();
    let done = shell.run("cat; read x; echo $?; bash -s; wc -c");
    assert_eq!((done.out().as_str(), done.status), ("1\n0\n", 0));
    let given = With { stdin: Some(b"one\ntwo\n\0three"), ..With::default() };
    assert_eq!(shell.run_with("read x; echo \"[$x]\"; cat", given).stdout, b"[one]\ntwo\n\0three");
    assert_eq!(shell.run("read x; echo $?").out(), "1\n");
}

#[test]
fn closed_and_redirected_descriptors_are_fresh_in_the_next_command() {
    let shell = Shell::start();
    for text in [
        "exec 0<&- 1>&- 2>&-; echo lost; cat; nosuch",
        "exec >/dev/full; echo lost",
        "exec >/dev/null 2>&1 </etc/passwd; echo lost",
        "exec 1<&0 2>&1; echo lost",
        "echo -n lost; exec 1>&-",
        "exec 3>&1 1>&2 2>&3; exec 3>&-",
    ] {
        shell.run(text);
        let done = shell.run("cat; echo out; echo err >&2");
        assert_eq!((done.out().as_str(), done.err().as_str()), ("out\n", "err\n"), "{text}");
    }
}

#[test]
fn a_descriptor_that_the_user_opens_stays_open() {
    let shell = Shell::start();
    shell.run("exec 7</etc/passwd 200>/dev/null {named}<<<here");
    assert_eq!(shell.run("read -u 7 line; echo ${line%%:*}; flock 200 && cat <&$named").out(), "root\nhere\n");
}

#[test]
fn bytes_written_to_every_descriptor_are_never_taken_for_an_answer() {
    let shell = Shell::start();
    let fake = "printf '\\2\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0%024d' 0";
    let text = format!(
        "for fd in {{3..300}}; do {fake} >&$fd; {fake} >/dev/fd/$fd; {fake} >/proc/$$/fd/$fd; {fake} | cat >&$fd; done 2>/dev/null; exit 5"
    );
    assert_eq!(shell.run(&text).status, 5);
    let read = "for fd in {3..300}; do read -t 0.01 -N 8 -u $fd x && echo $fd $x; done 2>/dev/null; exit 6";
    let done = shell.run(read);
    assert_eq!((done.status, done.out().as_str()), (6, ""));
}

#[test]
fn closing_and_overwriting_every_descriptor_does_not_reach_the_shells_own() {
    let shell = Shell::start();
    shell.run("for fd in {3..300}; do eval \"exec $fd>&-\"; done");
    assert_eq!(shell.run("echo ok").out(), "ok\n");
    shell.run(
        "for fd in {3..300}; do eval \"exec $fd>/dev/null\"; done; for fd in {3..300}; do eval \"exec $fd<&0\"; done",
    );
    assert_eq!(shell.run("echo ok").out(), "ok\n");
    shell.run("for fd in /proc/$$/fd/*; do eval \"exec ${fd##*/}>&-\"; done");
    assert_eq!(shell.run("echo ok").out(), "ok\n");
}

#[test]
fn children_and_subshells_have_descriptors_0_to_2_only() {
    let shell = Shell::start();
    assert_eq!(shell.run("ls /proc/self/fd | tr '\\n' ' '").out(), "0 1 2 3 "); // 3: the listing itself
    assert_eq!(shell.run("(for fd in /proc/$BASHPID/fd/*; do echo -n \"${fd##*/} \"; done; echo)").out(), "0 1 2 3 \n");
    let lent = With { cwd: "/usr", stdin: Some(b""), ..With::default() };
    assert_eq!(shell.run_with("(ls /proc/$BASHPID/fd; true) | tr '\\n' ' '", lent).out(), "0 1 2 ");
    assert_eq!(shell.run("(grep -c memfd:snapshot /proc/$BASHPID/maps; true)").out(), "0\n");
}

#[test]
fn a_trace_goes_to_its_own_commands_stderr() {
    let shell = Shell::start();
    let done = shell.run("set -x; echo a");
    assert_eq!((done.out().as_str(), done.err().as_str()), ("a\n", "+ echo a\n"));
    let done = shell.run("echo b; set +x");
    assert_eq!((done.out().as_str(), done.err().as_str()), ("b\n", "+ echo b\n+ set +x\n"));
    assert_eq!(shell.run("echo c").err(), "");
}

#[test]
fn a_process_substitution_that_still_runs_is_told_once() {
    let shell = Shell::start();
    let done = shell.run("cat <(echo in)");
    assert_eq!((done.out().as_str(), done.answer.flags & PROCSUB_LEFT), ("in\n", 0));
    let (answer, running) = shell.run_leaving("echo late > >(sleep 0.3; cat)");
    assert_eq!(answer.flags & PROCSUB_LEFT, PROCSUB_LEFT);
    assert_eq!(shell.run("true").answer.flags & PROCSUB_LEFT, 0);
    assert_eq!(running.collect().0, b"late\n");
}

#[test]
fn the_receipt_counts_cpu_and_the_largest_childs_memory() {
    let shell = Shell::start();
    let busy = shell.run("for ((i = 0; i < 100000; i++)); do :; done");
    assert!(busy.answer.cpu_us > 20_000, "{busy:?}");
    let large = shell.run("head -c 60000000 /dev/zero | tail -c 60000000 | wc -c");
    assert!(large.answer.max_rss_bytes > 60_000_000, "{large:?}");
    let small = shell.run("/bin/true");
    assert!(small.answer.max_rss_bytes < 20_000_000, "{small:?}");
    assert!(small.answer.cpu_us < 20_000, "{small:?}");
}

#[test]
fn a_command_that_ignores_sigpipe_or_traps_children_does_not_stop_the_session() {
    let shell = Shell::start();
    assert_eq!(shell.run("yes | head -1").out(), "y\n");
    assert_eq!(shell.run("trap 'echo child' CHLD; /bin/true; trap - CHLD").out(), "child\n");
    assert_eq!(shell.run("trap '' PIPE; (yes; echo $? >&2) 2>/dev/null | head -1").out(), "y\n");
    assert_eq!(
        shell.run("coproc cat; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x; kill $COPROC_PID").out(),
        "hi\n"
    );
    assert_eq!(shell.run("echo ok").out(), "ok\n");
}
