//! The folder as a whole, and the files that are ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::{EtcError, Scratch, all_below};
use crate::etc::allow::{Reach, reach};
use crate::etc::{HOSTNAME, MAX_BYTES};

#[test]
fn modes_are_0644_or_0755_and_the_owner_is_the_caller() {
    let scratch = Scratch::new();
    scratch.file("etc/fonts/plain", 0o666, "");
    scratch.file("etc/fonts/tool", 0o6755, "");
    scratch.file("etc/fonts/dropbox/file", 0o444, "");
    fs::set_permissions(scratch.host().join("etc/fonts/dropbox"), Permissions::from_mode(0o1777)).unwrap();
    scratch.generate().unwrap();
    let mode = |path: &str| scratch.target().join(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode("."), 0o755);
    assert_eq!(mode("fonts/plain"), 0o644);
    assert_eq!(mode("fonts/tool"), 0o755);
    assert_eq!(mode("fonts/dropbox"), 0o755);
    assert_eq!(mode("fonts/dropbox/file"), 0o644);
    let caller = rustix::process::geteuid().as_raw();
    assert!(all_below(&scratch.target()).iter().all(|path| path.symlink_metadata().unwrap().uid() == caller));
}

#[test]
fn nothing_of_ours_is_also_on_the_list() {
    let scratch = Scratch::new();
    scratch.generate().unwrap();
    for path in all_below(&scratch.target()) {
        let name = path.strip_prefix(scratch.target()).unwrap().to_owned();
        assert_eq!(reach(&name), Reach::Outside, "{}", name.display());
    }
}

#[test]
fn the_users_of_a_sandbox_are_root_sandboxuser_and_nobody_and_none_has_a_password() {
    let scratch = Scratch::new();
    scratch.file("etc/passwd", 0o644, "alice:x:1001:1001::/home/alice:/bin/sh\n");
    scratch.generate().unwrap();
    let passwd = scratch.text("passwd").unwrap();
    let users: Vec<Vec<&str>> = passwd.lines().map(|line| line.split(':').collect()).collect();
    let names: Vec<&str> = users.iter().map(|user| user[0]).collect();
    assert_eq!(names, ["root", "sandboxuser", "nobody"]);
    assert!(users.iter().all(|user| user.len() == 7 && user[1] == "*"));
    assert_eq!(users[1][2..], ["1000", "1000", "", "/home/sandboxuser", "/bin/bash"]);
    assert!(!scratch.has("shadow"));
}

#[test]
fn no_name_server_of_the_host_is_told() {
    let scratch = Scratch::new();
    scratch.file("etc/resolv.conf", 0o644, "nameserver 10.0.0.1\n");
    scratch.file("etc/hosts", 0o644, "10.0.0.2 database.internal\n");
    scratch.generate().unwrap();
    assert!(scratch.text("resolv.conf").unwrap().lines().all(|line| line.starts_with('#')));
    assert!(!scratch.text("hosts").unwrap().contains("internal"));
    assert!(scratch.text("hosts").unwrap().contains(&format!("127.0.1.1 {}\n", HOSTNAME)));
    assert_eq!(scratch.text("hostname").unwrap().trim_end(), HOSTNAME);
}

#[test]
fn an_earlier_folder_and_the_remainder_of_a_crash_are_replaced() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.target().join("old")).unwrap();
    fs::create_dir_all(scratch.0.join("etc.new/half")).unwrap();
    scratch.generate().unwrap();
    scratch.generate().unwrap();
    assert!(scratch.has("passwd") && !scratch.has("old") && !scratch.has("half"));
    assert!(!scratch.0.join("etc.new").exists());
}

#[test]
fn too_much_content_is_an_error_that_names_the_file_and_leaves_the_target_alone() {
    let scratch = Scratch::new();
    scratch.generate().unwrap();
    scratch.file("etc/fonts/huge", 0o644, "");
    fs::File::create(scratch.host().join("etc/fonts/huge")).unwrap().set_len(MAX_BYTES + 1).unwrap();
    scratch.file("etc/magic", 0o644, "x");
    let error = scratch.generate().unwrap_err();
    assert!(matches!(&error, EtcError::TooLarge { path } if path == Path::new("fonts/huge")), "{error}");
    assert!(scratch.has("passwd") && !scratch.has("magic"));
    assert!(!scratch.0.join("etc.new").exists());
}

#[test]
fn a_host_without_etc_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    fs::remove_dir(scratch.host().join("etc")).unwrap();
    let error = scratch.generate().unwrap_err();
    assert!(matches!(&error, EtcError::File { path, .. } if path == Path::new("etc")), "{error}");
    assert!(!scratch.target().exists());
}
