//! The program `atoll-box`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use atoll_box::supervisor::{self, Options};

const USAGE: &str = "\
usage: atoll-box supervisor --data-dir DIR [--orphan-ttl-ms MS]

The supervisor owns the sandboxes of one data folder. The server starts it; it prints `ready` when it serves,
or `error: …`, and ends by itself MS milliseconds (default 600000) after its last server went away.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("atoll-box: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match supervisor::run(&options, announce) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started us reads it there until `ready` was said; afterwards the log has it.
            let _ = writeln!(io::stdout(), "error: {error}");
            eprintln!("atoll-box: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says `ready` and lets go of standard output: its reader shall see the end of file.
fn announce() -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(b"ready\n")?;
    stdout.flush()?;
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(&null)?)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut words = arguments.iter();
    match words.next().map(String::as_str) {
        Some("supervisor") => {}
        Some(other) => return Err(format!("unknown subcommand {other}")),
        None => return Err("a subcommand is missing".to_owned()),
    }
    let mut data_dir = None;
    let mut orphan_ttl_ms = 600_000;
    while let Some(flag) = words.next() {
        let value = words.next().ok_or_else(|| format!("{flag} wants a value"))?;
        match flag.as_str() {
            "--data-dir" => data_dir = Some(PathBuf::from(value)),
            "--orphan-ttl-ms" => {
                orphan_ttl_ms = value.parse().map_err(|_| format!("--orphan-ttl-ms wants a number, not {value}"))?;
            }
            other => return Err(format!("unknown flag {other}")),
        }
    }
    let data_dir = data_dir.ok_or("--data-dir is missing")?;
    Ok(Options { data_dir, orphan_ttl_ms })
}
