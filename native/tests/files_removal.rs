//! What removal must not take, and how much it can take.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};

use atoll_box::files::Files;
use atoll_box::wire::files::FileReply;
use files_support::inside::{as_user, inside, user_files};
use files_support::{code, entry, path, put, remove};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

#[test]
fn removing_stops_at_a_mount_point() {
    inside(|| {
        let mut files = user_files();
        entry(put(&mut files, path("/workspace/tree/mount/deep/file"), b"x"));
        for name in ["/workspace/tree", "/workspace/tree/mount", "/workspace/tree/mount/"] {
            assert_eq!(code(remove(&mut files, path(name))), "file.permission_denied", "{name}");
        }
        assert_eq!(fs::read("/workspace/tree/mount/kept").unwrap(), b"kept");
        assert!(fs::exists("/workspace/tree/mount/deep/file").unwrap());
    });
}

#[test]
fn the_root_cannot_be_removed_under_any_name() {
    inside(|| {
        let mut files = Files::new(0, 0);
        for name in ["/", "//", "/.", "/..", "/home/..", "/home/.", "/workspace/../", "/./."] {
            assert_eq!(code(remove(&mut files, path(name))), "file.path_invalid", "{name}");
        }
        assert!(fs::exists("/workspace").unwrap());
    });
}

#[test]
fn a_hundred_thousand_nested_folders_go() {
    inside(|| {
        let mut files = user_files();
        let open = |at: BorrowedFd<'_>, name| openat(at, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        entry(put(&mut files, path("/home/d/file"), b"x"));
        as_user(|| {
            let mut here = open(CWD, "/home/d");
            for _ in 0..100_000 {
                mkdirat(&here, "d", Mode::RWXU).unwrap();
                here = open(here.as_fd(), "d");
            }
        });
        assert_eq!(remove(&mut files, path("/home/d")), FileReply::Done);
        assert_eq!(fs::read_dir("/home").unwrap().count(), 0);
    });
}
