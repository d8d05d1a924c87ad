//! Compiles bash's builtin of ours, `shell/`, to `$OUT_DIR/session.so`; the program carries it inside.
//!
//! It is loaded by the host's own bash, so the host's compiler makes it whatever the crate's target is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

const BASH_HEADERS: &str = "/usr/include/bash";
const FLAGS: &[&str] =
    &["-shared", "-fPIC", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror=implicit-function-declaration"];

fn main() {
    println!("cargo::rerun-if-changed=shell");
    println!("cargo::rerun-if-changed={BASH_HEADERS}/version.h");
    if !Path::new(BASH_HEADERS).join("builtins.h").exists() {
        fail("bash's headers are missing; install them with: apt-get install bash-builtins");
    }
    let out = PathBuf::from(variable("OUT_DIR")).join("session.so");
    let status = Command::new(compiler())
        .args(FLAGS)
        .args(["-isystem", BASH_HEADERS, "-isystem"])
        .arg(Path::new(BASH_HEADERS).join("include"))
        .args(sources())
        .arg("-o")
        .arg(&out)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("shell/ does not compile: {status}")),
        Err(error) => fail(&format!("the C compiler does not start: {error}")),
    }
}

fn compiler() -> PathBuf {
    let host = variable("HOST");
    cc::Build::new().host(&host).target(&host).opt_level(2).cargo_metadata(false).get_compiler().path().to_path_buf()
}

fn sources() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("shell") else { fail("the folder shell/ is missing") };
    let mut sources: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    sources
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo sets no {name}")))
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    exit(1)
}
