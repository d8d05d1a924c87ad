//! File operations with the rights of init, in a root of their own. Everybody inside is an enemy.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::os::unix::fs::{MetadataExt, symlink};

use atoll_box::files::Files;
use atoll_box::sys::caps::{become_user, keep_only};
use atoll_box::wire::files::{EntryKind, FileOp, FileReply, SLICE_BYTES};
use files_support::inside::{USER, as_user, file_user, inside, user_files};
use files_support::{Scratch, code, content, entry, list, open, path, put, remove, stat};
use serde_bytes::ByteBuf;

#[test]
fn dot_dot_cannot_leave_the_root() {
    let host = Scratch::new();
    std::fs::write(host.path("canary"), "canary").unwrap();
    inside(|| {
        let mut files = user_files();
        let mut up = b"/workspace/../../../../../..".to_vec();
        up.extend_from_slice(&host.at("canary"));
        assert_eq!(code(open(&mut files, path(&up))), "file.not_found");
        entry(put(&mut files, path("/workspace/../../../home/put"), b"inside"));
        assert_eq!(std::fs::read("/home/put").unwrap(), b"inside");
    });
    assert_eq!(host.names(), [b"canary"]);
}

#[test]
fn symlinks_end_inside() {
    let host = Scratch::new();
    std::fs::write(host.path("canary"), "canary").unwrap();
    inside(|| {
        let mut files = user_files();
        as_user(|| {
            symlink(host.path("canary"), "/workspace/absolute").unwrap();
            symlink(host.path(""), "/workspace/folder").unwrap();
        });
        for name in ["/workspace/absolute", "/workspace/folder/canary"] {
            assert_eq!(code(open(&mut files, path(name))), "file.not_found", "{name}");
        }
        assert_eq!(code(put(&mut files, path("/workspace/absolute"), b"x")), "file.not_regular");
        assert_eq!(code(put(&mut files, path("/workspace/folder/new"), b"x")), "file.not_found");
        assert_eq!(remove(&mut files, path("/workspace/folder")), FileReply::Done);
    });
    assert_eq!(host.names(), [b"canary"]);
}

#[test]
fn the_links_of_proc_lead_nowhere() {
    inside(|| {
        let mut files = user_files();
        for name in ["/proc/self/root/workspace", "/proc/self/cwd", "/proc/thread-self/fd/0", "/proc/self/exe"] {
            assert_eq!(code(files.perform(FileOp::Stat { path: path(name), follow: true })), "file.path_invalid");
            assert_eq!(code(open(&mut files, path(name))), "file.path_invalid", "{name}");
        }
        let link = entry(stat(&mut files, path("/proc/thread-self/exe")));
        assert_eq!((link.kind, link.link_target), (EntryKind::Symlink, None));
    });
}

#[test]
fn proc_is_neither_read_nor_listed_nor_written_through_init() {
    inside(|| {
        let mut files = user_files();
        for name in ["/proc/thread-self/maps", "/proc/thread-self/environ", "/proc/meminfo"] {
            assert_eq!(code(open(&mut files, path(name))), "file.not_regular", "{name}");
        }
        for name in ["/proc", "/proc/thread-self/fd", "/proc/thread-self/"] {
            assert_eq!(code(list(&mut files, path(name), 1)), "file.permission_denied", "{name}");
        }
        let FileReply::Entries { entries, .. } = list(&mut files, path("/"), 9) else { panic!("not listed") };
        assert!(entries.iter().any(|entry| entry.path.as_slice() == b"/proc"));
        assert!(!entries.iter().any(|entry| entry.path.starts_with(b"/proc/")));
        let reply = put(&mut files, path("/proc/sys/kernel/hostname"), b"taken");
        assert!(matches!(reply, FileReply::Error { .. }), "{reply:?}");
    });
}

#[test]
fn operations_have_the_rights_of_the_user_and_no_more() {
    inside(|| {
        let mut files = user_files();
        assert_eq!(code(open(&mut files, path("/root/private"))), "file.permission_denied");
        assert_eq!(code(put(&mut files, path("/new"), b"x")), "file.permission_denied");
        assert_eq!(code(remove(&mut files, path("/home"))), "file.permission_denied");
        entry(put(&mut files, path("/workspace/made/file"), b"x"));
        let made = std::fs::metadata("/workspace/made/file").unwrap();
        assert_eq!((made.uid(), made.gid()), (USER, USER));
        assert_eq!(std::fs::metadata("/workspace/made").unwrap().uid(), USER);
    });
}

#[test]
fn root_in_the_namespace_has_no_power_over_the_files_of_others() {
    inside(|| {
        let private = FileOp::Put { path: path("/workspace/p"), mode: Some(0o600), bytes: ByteBuf::new(), last: true };
        entry(user_files().perform(private));
        let mut files = Files::new(0, 0);
        assert_eq!(content(&mut files, path("/root/private")), b"of root");
        assert_eq!(code(open(&mut files, path("/workspace/p"))), "file.permission_denied");
    });
}

#[test]
fn the_ids_of_init_are_back_after_every_operation() {
    inside(|| {
        let before = file_user();
        let mut files = user_files();
        stat(&mut files, path("/"));
        assert_eq!(file_user(), before);
        assert_eq!(code(open(&mut files, path("/nothing"))), "file.not_found");
        assert_eq!(file_user(), before);
        assert_ne!(before, USER);
    });
}

#[test]
fn without_the_right_to_be_the_user_nothing_is_done() {
    inside(|| {
        become_user(USER, USER).unwrap();
        keep_only(0).unwrap();
        let mut files = Files::new(USER + 1, USER + 1);
        assert_eq!(code(put(&mut files, path("/workspace/x"), b"x")), "file.failed");
        assert!(!std::fs::exists("/workspace/x").unwrap());
        entry(put(&mut user_files(), path("/workspace/x"), b"x"));
    });
}

#[test]
fn an_unfinished_file_goes_with_the_file_operations() {
    inside(|| {
        let mut files = user_files();
        let begin = FileOp::Put { path: path("/home/cut"), mode: None, bytes: ByteBuf::from("half"), last: false };
        assert!(matches!(files.perform(begin), FileReply::Put { handle: Some(_), .. }));
        drop(files);
        assert_eq!(std::fs::read_dir("/home").unwrap().count(), 0);
    });
}

#[test]
fn a_full_disk_leaves_the_old_content_and_no_remains() {
    inside(|| {
        let mut files = user_files();
        entry(put(&mut files, path("/workspace/file"), b"old"));
        let slice = ByteBuf::from(vec![7; SLICE_BYTES]);
        let begin = FileOp::Put { path: path("/workspace/file"), mode: None, bytes: ByteBuf::from("new"), last: false };
        let FileReply::Put { handle: Some(handle), .. } = files.perform(begin) else { panic!("no handle") };
        let append = || FileOp::Append { handle, bytes: slice.clone(), last: false };
        let failure = (0..100).map(|_| files.perform(append())).find(|reply| matches!(reply, FileReply::Error { .. }));
        assert_eq!(code(failure.unwrap()), "file.no_space");
        assert_eq!(code(files.perform(append())), "file.handle_unknown");
        assert_eq!(content(&mut files, path("/workspace/file")), b"old");
        assert_eq!(std::fs::read_dir("/workspace").unwrap().count(), 2);
        entry(put(&mut files, path("/workspace/file"), b"room again"));
    });
}

#[test]
fn a_read_only_mount_says_so() {
    inside(|| {
        let mut files = user_files();
        assert_eq!(code(put(&mut files, path("/sealed/file"), b"x")), "file.read_only");
        let mkdir = FileOp::Mkdir { path: path("/sealed/folder"), mode: None };
        assert_eq!(code(files.perform(mkdir)), "file.read_only");
    });
}
