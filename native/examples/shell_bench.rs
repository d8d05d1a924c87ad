//! What a session's shell costs: round trips over the control socket, fresh pipes for each command.
//! `cargo run --release --example shell_bench` prints the median of each row, in microseconds.

#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

#[allow(dead_code, reason = "each test file uses its part")]
#[path = "../tests/shell_support/mod.rs"]
mod shell_support;

use std::time::{Duration, Instant};

use shell_support::{Answered, Shell};

const ROUNDS: usize = 4000;

fn main() {
    let shell = Shell::start();
    row("echo hi", ROUNDS, || shell.run_inline("echo hi"), b"hi\n", 0);
    row("exit 7", ROUNDS, || shell.run_inline("exit 7"), b"", 7);
    row("/bin/true", ROUNDS / 10, || shell.run_inline("/bin/true"), b"", 0);
    shell.run("for i in {1..100}; do declare v$i=some_value_of_variable_$i; done");
    row("echo hi, 100 variables", ROUNDS, || shell.run_inline("echo hi"), b"hi\n", 0);
    shell.run("for i in {1..200}; do eval \"f$i() { local x=\\$1; echo \\$x; }\"; done");
    row("echo hi, 200 functions", ROUNDS, || shell.run_inline("echo hi"), b"hi\n", 0);
    restarts();
}

/// Runs the command `rounds` times, checks each answer, prints the median.
fn row(name: &str, rounds: usize, mut command: impl FnMut() -> Answered, stdout: &[u8], status: i32) {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            let answered = command();
            let took = start.elapsed();
            assert_eq!((answered.stdout.as_slice(), answered.status), (stdout, status));
            took
        })
        .collect();
    print_median(name, &mut times);
}

fn restarts() {
    let mut shell = Shell::start();
    shell.run("for i in {1..100}; do declare v$i=some_value_of_variable_$i; done");
    let mut times = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        shell = shell.kill_and_restart();
        assert_eq!(shell.run_inline("echo $v7").stdout, b"some_value_of_variable_7\n");
        times.push(start.elapsed());
    }
    print_median("kill, restart, first command", &mut times);
}

fn print_median(name: &str, times: &mut [Duration]) {
    times.sort();
    println!("{name:32} p50 {:8.1} us", times[times.len() / 2].as_secs_f64() * 1e6);
}
