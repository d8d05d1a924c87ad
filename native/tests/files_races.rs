//! Paths that change under the hands of whoever uses them.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use atoll_box::files::Files;
use atoll_box::wire::files::FileReply;
use files_support::inside::{as_user, inside, user_files};
use files_support::{Scratch, bytes, entry, list, open, path, put, remove};
use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Attempts something many times while a command exchanges the folder `/workspace/there` with a symlink, as fast
/// as it can. Both are made again when they are gone.
fn while_exchanging(target: &Path, attempt: impl Fn(&mut Files) + Send + Sync) {
    std::thread::scope(|scope| {
        let attempts = scope.spawn(|| {
            let mut files = user_files();
            (0..5000).for_each(|_| attempt(&mut files));
        });
        as_user(|| {
            while !attempts.is_finished() {
                if renameat_with(CWD, "/workspace/there", CWD, "/workspace/link", RenameFlags::EXCHANGE).is_err() {
                    let _ = fs::create_dir_all("/workspace/there/child");
                    let _ = symlink(target, "/workspace/link");
                }
            }
        });
    });
}

#[test]
fn a_folder_exchanged_with_a_symlink_cannot_lead_out() {
    let host = Scratch::new();
    fs::write(host.path("file"), "canary").unwrap();
    fs::set_permissions(&host.0, PermissionsExt::from_mode(0o777)).unwrap();
    let mut out = b"../../../../../../../..".to_vec();
    out.extend_from_slice(&bytes(&host.0));
    let out = PathBuf::from(String::from_utf8(out).unwrap());
    inside(|| {
        while_exchanging(&out, |files| {
            put(files, path("/workspace/there/file"), b"put");
            if let FileReply::Opened { bytes, .. } = open(files, path("/workspace/there/file")) {
                assert_eq!(bytes.as_slice(), b"put");
            }
            remove(files, path("/workspace/there/file"));
        });
    });
    assert_eq!(host.names(), [b"file"]);
    assert_eq!(fs::read(host.path("file")).unwrap(), b"canary");
}

#[test]
fn a_folder_exchanged_with_a_symlink_does_not_lead_removal_elsewhere() {
    inside(|| {
        let mut files = user_files();
        entry(put(&mut files, path("/home/kept/folder/file"), b"kept"));
        while_exchanging(Path::new("/home/kept"), |files| {
            remove(files, path("/workspace/there"));
            assert!(fs::exists("/home/kept/folder/file").unwrap());
        });
    });
}

#[test]
fn a_folder_exchanged_with_a_symlink_does_not_lead_a_list_elsewhere() {
    inside(|| {
        let mut files = user_files();
        entry(put(&mut files, path("/home/kept/folder/file"), b"kept"));
        while_exchanging(Path::new("/home/kept"), |files| {
            let FileReply::Entries { entries, .. } = list(files, path("/workspace"), 3) else { panic!("not listed") };
            assert!(!entries.iter().any(|entry| entry.path.ends_with(b"/folder")));
        });
    });
}
