//! Writing files, as the user that the tests run as.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use atoll_box::wire::files::{EntryKind, FileOp, FileReply, SLICE_BYTES};
use files_support::{Scratch, append, begin, code, content, entry, own_files, put};
use serde_bytes::ByteBuf;

#[test]
fn the_reply_tells_what_was_placed() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let placed = entry(put(&mut files, scratch.at("file"), b"four"));
    assert_eq!(placed.path, scratch.at("file"));
    assert_eq!((placed.kind, placed.size_bytes, placed.mode), (EntryKind::File, 4, 0o644));
    assert_eq!(placed.link_target, None);
    assert_eq!(entry(files_support::stat(&mut files, scratch.at("file"))), placed);
}

#[test]
fn a_put_onto_a_folder_or_a_path_that_ends_in_a_slash_is_refused() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir(scratch.path("folder")).unwrap();
    for name in ["folder", "folder/", "new/"] {
        assert_eq!(code(put(&mut files, scratch.at(name), b"x")), "file.is_directory", "{name}");
    }
    assert_eq!(scratch.names(), [b"folder"]);
}

#[test]
fn a_put_through_a_symlink_to_nowhere_makes_nothing() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    symlink("nowhere", scratch.path("link")).unwrap();
    assert_eq!(code(put(&mut files, scratch.at("link/file"), b"x")), "file.not_found");
    assert_eq!(code(put(&mut files, scratch.at("link"), b"x")), "file.not_regular");
    assert_eq!(scratch.names(), [b"link"]);
}

#[test]
fn a_put_below_a_file_is_not_a_folder() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), "old").unwrap();
    assert_eq!(code(put(&mut files, scratch.at("file/below"), b"x")), "file.not_directory");
}

#[test]
fn the_mode_is_the_one_asked_for_or_the_old_files_or_0644() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let mut put_with = |name: &str, mode| {
        let op = FileOp::Put { path: scratch.at(name), mode, bytes: ByteBuf::new(), last: true };
        assert_eq!(entry(files.perform(op)).mode, scratch.mode(name));
        scratch.mode(name)
    };
    assert_eq!(put_with("plain", None), 0o644);
    assert_eq!(put_with("asked", Some(0o700)), 0o700);
    assert_eq!(put_with("asked", None), 0o700);
    assert_eq!(put_with("asked", Some(0o6777)), 0o777);
    assert_eq!(put_with("asked", Some(0o1000)), 0);
    fs::set_permissions(scratch.path("plain"), Permissions::from_mode(0o4755)).unwrap();
    assert_eq!(put_with("plain", None), 0o755);
}

#[test]
fn a_put_replaces_the_name_and_leaves_a_hard_link_as_it_was() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("base"), "base").unwrap();
    fs::hard_link(scratch.path("base"), scratch.path("link")).unwrap();
    entry(put(&mut files, scratch.at("link"), b"mine"));
    assert_eq!(fs::read(scratch.path("base")).unwrap(), b"base");
    assert_eq!(fs::read(scratch.path("link")).unwrap(), b"mine");
}

#[test]
fn a_closed_put_leaves_nothing_behind() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), "old").unwrap();
    let first = begin(&mut files, scratch.at("file"), b"half");
    begin(&mut files, scratch.at("other"), b"half");
    let temporaries = scratch.names().iter().filter(|name| name.starts_with(b".atoll-")).count();
    assert_eq!(temporaries, 2);
    assert_eq!(files.perform(FileOp::Close { handle: first }), FileReply::Done);
    assert_eq!(code(append(&mut files, first, b"x", true)), "file.handle_unknown");
    assert_eq!(files.perform(FileOp::CloseAll), FileReply::Done);
    assert_eq!(scratch.names(), [b"file"]);
    assert_eq!(fs::read(scratch.path("file")).unwrap(), b"old");
}

#[test]
fn a_target_that_turned_into_something_else_meanwhile_is_refused() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let handle = begin(&mut files, scratch.at("file"), b"half");
    symlink("/etc/passwd", scratch.path("file")).unwrap();
    assert_eq!(code(append(&mut files, handle, b"", true)), "file.not_regular");
    assert_eq!(scratch.names(), [b"file"]);
}

#[test]
fn many_puts_to_one_path_end_with_one_of_them_whole() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let handles: Vec<_> = (0..50).map(|n| begin(&mut files, scratch.at("file"), &[n; 100])).collect();
    for (n, handle) in handles.iter().enumerate().rev() {
        entry(append(&mut files, *handle, &[n as u8; 100], true));
    }
    assert_eq!(fs::read(scratch.path("file")).unwrap(), [0; 200]);
    assert_eq!(scratch.names(), [b"file"]);
}

#[test]
fn more_than_a_slice_in_one_message_is_refused_and_leaves_nothing() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let long = vec![0; SLICE_BYTES + 1];
    assert_eq!(code(put(&mut files, scratch.at("file"), &long)), "file.failed");
    let handle = begin(&mut files, scratch.at("file"), b"");
    assert_eq!(code(append(&mut files, handle, &long, true)), "file.failed");
    assert!(scratch.names().is_empty());
}

#[test]
fn malformed_paths_are_refused_by_every_operation() {
    let mut files = own_files();
    let long_name = [b"/tmp/".as_slice(), &[b'x'; 256]].concat();
    let long_path = b"/x".repeat(2048);
    let paths: [&[u8]; 7] = [b"", b"relative", b"./x", b"/tmp/a\0b", b"\0", &long_name, &long_path];
    for path in paths {
        let at = || ByteBuf::from(path);
        let mkdir = FileOp::Mkdir { path: at(), mode: None };
        let operations = [
            FileOp::Stat { path: at(), follow: true },
            FileOp::List { path: at(), depth: 1, after: None, limit: 1 },
            FileOp::Open { path: at(), offset: 0, length: None },
            FileOp::Put { path: at(), mode: None, bytes: ByteBuf::new(), last: true },
            FileOp::Remove { path: at(), recursive: true },
            FileOp::Move { from: at(), to: ByteBuf::from("/tmp/x"), overwrite: true },
            FileOp::Move { from: ByteBuf::from("/tmp"), to: at(), overwrite: true },
            mkdir,
        ];
        for op in operations {
            let told = format!("{op:?}");
            assert_eq!(code(files.perform(op)), "file.path_invalid", "{told}");
        }
    }
}

#[test]
fn hostile_names_are_only_names() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let names: [&[u8]; 11] = [
        b"a\r\nb",
        b"\x1b[2J",
        b"it's \"quoted\"",
        b"-rf",
        b"$(id)",
        b"; id",
        b" ",
        b"...",
        b"\xff\xfe",
        b"..\\x",
        b"%2e%2e%2f",
    ];
    for name in names {
        entry(put(&mut files, scratch.at(name), name));
        assert_eq!(content(&mut files, scratch.at(name)), name);
    }
    let mut sorted: Vec<_> = names.map(<[u8]>::to_vec).to_vec();
    sorted.sort();
    assert_eq!(scratch.names(), sorted);
}
