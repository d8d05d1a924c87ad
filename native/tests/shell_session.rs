//! What stays in a session from command to command, and what a command's own env and cwd leave behind.

#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod shell_support;

use shell_support::{Shell, With};

fn with_env<'a>(env: &'a [&'a str]) -> With<'a> {
    With { env, ..With::default() }
}

fn with_cwd(cwd: &str) -> With<'_> {
    With { cwd, ..With::default() }
}

/// Runs the texts one after the other and gives the last one's standard output; nothing may be said on standard error.
fn last_output(texts: &[&str]) -> String {
    let shell = Shell::start();
    let mut output = String::new();
    for text in texts {
        let done = shell.run(text);
        assert_eq!(done.err(), "", "{text}");
        output = done.out();
    }
    output
}

#[test]
fn cwd_variables_arrays_functions_and_aliases_stay() {
    let shell = Shell::start();
    let text =
        "cd /tmp; export A=1; b=2; declare -A m=([k]='v w'); i=(x [7]=y); f() { echo \"f$1\"; }; alias l='echo al'";
    assert_eq!(shell.run(text).status, 0);
    let done = shell.run("pwd; env | grep ^A=; echo $b ${m[k]} ${!i[@]}; f x; l");
    assert_eq!(done.out(), "/tmp\nA=1\n2 v w 0 7\nfx\nal\n");
    assert_eq!(done.answer.cwd, "/tmp");
}

#[test]
fn options_umask_positional_parameters_and_traps_stay() {
    let before = "shopt -s nullglob; set -o pipefail; umask 027; set -- 'a b' c; trap 'echo got' USR1";
    let output =
        last_output(&[before, "shopt -q nullglob && umask; set -o | grep pipefail; echo $# \"$1\"; kill -USR1 $$"]);
    assert_eq!(output, "0027\npipefail       \ton\n2 a b\ngot\n");
}

#[test]
fn the_status_of_a_command_is_the_next_ones_question_mark() {
    let shell = Shell::start();
    assert_eq!(shell.run("(exit 42)").status, 42);
    assert_eq!(shell.run("echo $?").out(), "42\n");
    assert_eq!(shell.run("nosuchcommand").status, 127);
    assert_eq!(shell.run("echo $?").out(), "127\n");
}

#[test]
fn every_command_starts_at_line_1() {
    let shell = Shell::start();
    shell.run("true\ntrue\nexit 3");
    assert_eq!(shell.run("echo $LINENO\necho $LINENO").out(), "1\n2\n");
    assert_eq!(shell.run("\nnosuch").err(), "bash: line 2: nosuch: command not found\n");
}

#[test]
fn nothing_in_the_session_tells_of_the_builtin() {
    let shell = Shell::start();
    let done = shell.run("env; set; declare -p; enable -a; compgen -b; caller; echo $BASH_COMMAND");
    let said = done.out().to_lowercase();
    for trace in ["atoll", "preload", "execution_string", "session.so"] {
        assert!(!said.contains(trace), "{trace} in {said}");
    }
    assert_eq!(shell.run("type atoll_session").status, 1);
    assert_eq!(shell.run("help atoll_session").status, 1);
}

#[test]
fn a_new_session_looks_like_a_fresh_bash() {
    let output = last_output(&["echo $0 $- $SHLVL $# $? $BASH_SUBSHELL ${#FUNCNAME[@]}; shopt expand_aliases"]);
    assert_eq!(output, "bash hB 1 0 0 0 0\nexpand_aliases \ton\n");
    assert_eq!(last_output(&["env | sort | grep -v ^_="]), "HOME=/tmp\nPATH=/usr/bin:/bin\nPWD=/\nSHLVL=1\n");
}

#[test]
fn the_builtin_loaded_again_by_the_user_is_refused_without_harm() {
    let shell = Shell::start();
    let load = "for f in /proc/$PPID/fd/*; do [[ $(readlink $f) == *session.so* ]] && enable -f $f atoll_session; done";
    assert_eq!(shell.run(load).err(), "");
    let done = shell.run("type -t atoll_session; atoll_session 0; atoll_session; (atoll_session 241)");
    assert_eq!((done.out().as_str(), done.status), ("builtin\n", 1));
    assert!(done.err().contains("atoll_session: not here"), "{done:?}");
    shell.run("enable -d atoll_session");
    assert_eq!(shell.run("echo ok").out(), "ok\n");
}

#[test]
fn a_background_job_does_not_delay_the_answer_and_its_death_is_no_later_commands_news() {
    let shell = Shell::start();
    let (answer, running) = shell.run_leaving("sleep 300 & echo hi");
    assert_eq!(answer.status, 0);
    let killed = shell.run("kill -9 $!; sleep 0.1; echo quiet");
    assert_eq!((killed.out().as_str(), killed.err().as_str()), ("quiet\n", ""));
    assert_eq!(running.collect().0, b"hi\n");
    let after = shell.run("sleep 0.1; true | true");
    assert_eq!((after.out().as_str(), after.err().as_str()), ("", ""));
}

#[test]
fn a_job_that_dies_between_commands_is_no_news_either() {
    let shell = Shell::start();
    let (_, running) = shell.run_leaving("sleep 300 & kill -9 $!");
    running.collect();
    let done = shell.run("sleep 0.1; echo quiet");
    assert_eq!((done.out().as_str(), done.err().as_str()), ("quiet\n", ""));
}

#[test]
fn jobs_stay_and_can_be_waited_for() {
    let shell = Shell::start();
    shell.run("(sleep 0.2; exit 5) >/dev/null 2>&1 &");
    assert!(shell.run("jobs").out().contains("Running"));
    assert_eq!(shell.run("wait %1").status, 5);
    shell.run("sleep 300 >/dev/null 2>&1 &");
    assert_eq!(shell.run("kill -9 %1; wait %1").status, 137);
    shell.run("sleep 300 >/dev/null 2>&1 & kill $!");
    assert_eq!(shell.run("wait $!").status, 143);
}

#[test]
fn env_holds_for_its_command_and_is_put_back() {
    let shell = Shell::start();
    shell.run("A=own; declare -ai LIST=(1 2); export E=exported");
    let done = shell
        .run_with("env | grep -E '^(A|LIST|E|NEW)=' | sort", with_env(&["A=lent", "LIST=x", "E=other", "NEW=n=m"]));
    assert_eq!(done.out(), "A=lent\nE=other\nLIST=x\nNEW=n=m\n");
    let after = shell.run("declare -p A LIST E; echo ${NEW-unset}; env | grep -c ^A=");
    assert_eq!(
        after.out(),
        "declare -- A=\"own\"\ndeclare -ai LIST=([0]=\"1\" [1]=\"2\")\ndeclare -x E=\"exported\"\nunset\n0\n"
    );
}

#[test]
fn what_the_command_does_to_its_env_itself_stays() {
    let shell = Shell::start();
    shell.run("A=own; B=own");
    shell.run_with("A=changed; unset B; NEW=changed", with_env(&["A=lent", "B=lent", "NEW=lent"]));
    assert_eq!(shell.run("echo $A ${B-unset} $NEW").out(), "changed unset changed\n");
}

#[test]
fn env_is_put_back_after_an_exit_and_a_name_given_twice_means_the_last() {
    let shell = Shell::start();
    shell.run("A=own");
    assert_eq!(shell.run_with("echo $A; exit 3", with_env(&["A=1", "A=2"])).out(), "2\n");
    assert_eq!(shell.run("echo $A").out(), "own\n");
}

#[test]
fn variables_that_bash_reads_itself_can_be_lent() {
    let shell = Shell::start();
    let done = shell.run_with("x=a:b; echo $x; echo $RANDOM", with_env(&["IFS=:", "RANDOM=7", "PATH=/nowhere"]));
    assert_eq!(done.out(), "a b\n7\n");
    let after = shell.run("x='a b'; set -- $x; echo $#; ls / >/dev/null && [ \"$RANDOM$RANDOM\" != 77 ] && echo back");
    assert_eq!(after.out(), "2\nback\n");
}

#[test]
fn a_readonly_variable_and_a_bad_name_in_env_are_refused_on_the_commands_stderr() {
    let shell = Shell::start();
    shell.run("readonly R=1; A=own");
    let done = shell.run_with("echo ran", with_env(&["A=lent", "R=2"]));
    assert_eq!((done.status, done.out().as_str(), done.err().as_str()), (1, "", "bash: R: readonly variable\n"));
    assert_eq!(shell.run("echo $A $R").out(), "own 1\n");
    assert_eq!(shell.run_with("echo ran", with_env(&["a-b=2"])).status, 1);
    assert_eq!(shell.run_with("echo ran", with_env(&["UID=2"])).status, 1);
}

#[test]
fn cwd_holds_for_its_command_and_is_put_back() {
    let shell = Shell::start();
    shell.run("cd /tmp");
    let done = shell.run_with("pwd; /bin/pwd; echo $PWD", with_cwd("/usr/lib/"));
    assert_eq!(done.out(), "/usr/lib\n/usr/lib\n/usr/lib\n");
    assert_eq!(done.answer.cwd, "/tmp");
    assert_eq!(shell.run("pwd; /bin/pwd; echo $PWD; cd -").out(), "/tmp\n/tmp\n/tmp\n/\n");
}

#[test]
fn a_cd_of_the_command_itself_outlives_its_cwd() {
    let shell = Shell::start();
    let done = shell.run_with("cd bin", with_cwd("/usr"));
    assert_eq!(done.answer.cwd, "/usr/bin");
    assert_eq!(shell.run("pwd; echo $PWD $OLDPWD").out(), "/usr/bin\n/usr/bin /usr\n");
}

#[test]
fn a_cwd_that_is_not_there_is_status_1_and_a_message() {
    let shell = Shell::start();
    let done = shell.run_with("echo ran", with_cwd("/no/such"));
    assert_eq!((done.status, done.out().as_str()), (1, ""));
    assert_eq!(done.err(), "bash: /no/such: No such file or directory\n");
    assert_eq!(shell.run("pwd").out(), "/\n");
}

#[test]
fn a_deleted_cwd_does_not_stop_the_session() {
    let shell = Shell::start();
    shell.run("d=$(mktemp -d); cd $d; rmdir $d");
    assert_eq!(shell.run("echo ok").out(), "ok\n");
    assert_eq!(shell.run_with("pwd", with_cwd("/usr")).out(), "/usr\n");
    assert_eq!(shell.run("cd /; pwd").out(), "/\n");
}

#[test]
fn a_megabyte_of_text_and_of_env_runs() {
    let shell = Shell::start();
    let text = format!("{}echo end", "true # a line of text that does nothing\n".repeat(26_000));
    assert!(text.len() > 1_000_000);
    assert_eq!(shell.run(&text).out(), "end\n");
    let big = format!("BIG={}", "x".repeat(200_000));
    assert_eq!(shell.run_with("echo ${#BIG}", with_env(&[&big])).out(), "200000\n");
}

#[test]
fn a_text_with_a_nul_byte_is_refused_whole() {
    let shell = Shell::start();
    let done = shell.run("echo ran\0echo more");
    assert_eq!((done.status, done.out().as_str()), (1, ""));
    assert_eq!(done.err(), "bash: the command text holds a NUL byte\n");
}
