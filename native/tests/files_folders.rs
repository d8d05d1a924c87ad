//! Folders, moves and removals, as the user that the tests run as.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::fs;
use std::os::unix::fs::symlink;

use atoll_box::wire::files::{EntryKind, FileOp, FileReply};
use files_support::{Scratch, code, entry, own_files, path, remove, stat};
use serde_bytes::ByteBuf;

fn mkdir(path: ByteBuf, mode: Option<u32>) -> FileOp {
    FileOp::Mkdir { path, mode }
}

fn rename(from: ByteBuf, to: ByteBuf, overwrite: bool) -> FileOp {
    FileOp::Move { from, to, overwrite }
}

#[test]
fn a_folder_is_made_with_those_above_it() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    assert_eq!(files.perform(mkdir(scratch.at("a/b/c"), Some(0o7700))), FileReply::Done);
    assert_eq!(["a", "a/b", "a/b/c"].map(|name| scratch.mode(name)), [0o755, 0o755, 0o700]);
    assert_eq!(files.perform(mkdir(scratch.at("unreadable/x"), Some(0))), FileReply::Done);
    assert_eq!(scratch.mode("unreadable/x"), 0);
}

#[test]
fn a_folder_that_is_there_already_is_done_and_stays_as_it_is() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir(scratch.path("there")).unwrap();
    symlink("there", scratch.path("link")).unwrap();
    let before = scratch.mode("there");
    for name in ["there", "there/", "there/.", "link", ""] {
        assert_eq!(files.perform(mkdir(scratch.at(name), Some(0o700))), FileReply::Done, "{name}");
    }
    assert_eq!(files.perform(mkdir(path("/"), None)), FileReply::Done);
    assert_eq!(scratch.mode("there"), before);
}

#[test]
fn a_folder_cannot_be_made_where_or_below_something_else_is() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), "x").unwrap();
    assert_eq!(code(files.perform(mkdir(scratch.at("file"), None))), "file.exists");
    assert_eq!(code(files.perform(mkdir(scratch.at("file/below"), None))), "file.not_directory");
}

#[test]
fn stat_tells_a_symlink_or_what_it_leads_to() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), "four").unwrap();
    symlink("file", scratch.path("link")).unwrap();
    let link = entry(stat(&mut files, scratch.at("link")));
    assert_eq!((link.kind, link.link_target.as_deref()), (EntryKind::Symlink, Some(&b"file".to_vec())));
    let target = entry(files.perform(FileOp::Stat { path: scratch.at("link"), follow: true }));
    assert_eq!((target.kind, target.size_bytes, target.link_target), (EntryKind::File, 4, None));
    assert_eq!(target.path, scratch.at("link"));
    assert_eq!(entry(stat(&mut files, path("/"))).kind, EntryKind::Directory);
    assert_eq!(entry(stat(&mut files, path("/dev/null"))).kind, EntryKind::Device);
    assert_eq!(code(stat(&mut files, scratch.at("nothing"))), "file.not_found");
}

#[test]
fn times_before_1970_are_told() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let file = fs::File::create(scratch.path("old")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH - std::time::Duration::from_millis(1500)).unwrap();
    assert_eq!(entry(stat(&mut files, scratch.at("old"))).modified_at_ms, -1500);
}

#[test]
fn a_folder_that_is_not_empty_wants_recursive() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir_all(scratch.path("full/child")).unwrap();
    let plain = |name: &str| FileOp::Remove { path: scratch.at(name), recursive: false };
    assert_eq!(code(files.perform(plain("full"))), "file.not_empty");
    assert_eq!(files.perform(plain("full/child/")), FileReply::Done);
    assert_eq!(files.perform(plain("full")), FileReply::Done);
    assert_eq!(code(files.perform(plain("full"))), "file.not_found");
    assert_eq!(code(remove(&mut files, scratch.at("full"))), "file.not_found");
}

#[test]
fn a_tree_goes_and_what_its_symlinks_lead_to_stays() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir_all(scratch.path("kept/folder")).unwrap();
    fs::write(scratch.path("kept/folder/file"), "kept").unwrap();
    for folder in 0..20 {
        fs::create_dir_all(scratch.path(format!("tree/{folder}/deeper/still"))).unwrap();
        for file in 0..20 {
            fs::write(scratch.path(format!("tree/{folder}/deeper/{file}")), "x").unwrap();
        }
        symlink(scratch.path("kept"), scratch.path(format!("tree/{folder}/link"))).unwrap();
        symlink("..", scratch.path(format!("tree/{folder}/up"))).unwrap();
    }
    symlink("tree", scratch.path("to-tree")).unwrap();
    assert_eq!(remove(&mut files, scratch.at("to-tree")), FileReply::Done);
    assert_eq!(remove(&mut files, scratch.at("tree")), FileReply::Done);
    assert_eq!(scratch.names(), [b"kept"]);
    assert_eq!(fs::read(scratch.path("kept/folder/file")).unwrap(), b"kept");
}

#[test]
fn a_folder_of_ten_thousand_files_goes() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir(scratch.path("wide")).unwrap();
    for number in 0..10_000 {
        fs::File::create(scratch.path(format!("wide/{number:0200}"))).unwrap();
    }
    assert_eq!(remove(&mut files, scratch.at("wide")), FileReply::Done);
    assert!(scratch.names().is_empty());
}

#[test]
fn a_move_takes_the_place_of_something_only_with_overwrite() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("from"), "new").unwrap();
    fs::write(scratch.path("to"), "old").unwrap();
    assert_eq!(code(files.perform(rename(scratch.at("from"), scratch.at("to"), false))), "file.exists");
    assert_eq!(fs::read(scratch.path("to")).unwrap(), b"old");
    assert_eq!(files.perform(rename(scratch.at("from"), scratch.at("to"), true)), FileReply::Done);
    assert_eq!(fs::read(scratch.path("to")).unwrap(), b"new");
    assert_eq!(files.perform(rename(scratch.at("to"), scratch.at("fresh"), false)), FileReply::Done);
    assert_eq!(scratch.names(), [b"fresh"]);
}

#[test]
fn a_move_takes_a_symlink_itself() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("target"), "kept").unwrap();
    symlink("target", scratch.path("link")).unwrap();
    fs::write(scratch.path("file"), "moved").unwrap();
    assert_eq!(files.perform(rename(scratch.at("file"), scratch.at("link"), true)), FileReply::Done);
    assert_eq!(fs::read(scratch.path("target")).unwrap(), b"kept");
    assert_eq!(scratch.names(), [b"link".to_vec(), b"target".to_vec()]);
}

#[test]
fn moves_that_cannot_be_say_why() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir_all(scratch.path("folder/child")).unwrap();
    fs::create_dir_all(scratch.path("other")).unwrap();
    fs::write(scratch.path("file"), "x").unwrap();
    let mut attempt = |from: &str, to: &str| code(files.perform(rename(scratch.at(from), scratch.at(to), true)));
    assert_eq!(attempt("nothing", "x"), "file.not_found");
    assert_eq!(attempt("file", "missing/x"), "file.not_found");
    assert_eq!(attempt("folder", "folder/child/inner"), "file.path_invalid");
    assert_eq!(attempt("other", "folder"), "file.not_empty");
    assert_eq!(attempt("other", "file"), "file.not_directory");
    assert_eq!(attempt("file", "other"), "file.is_directory");
    assert_eq!(attempt("folder/..", "x"), "file.path_invalid");
    assert_eq!(attempt("folder", "."), "file.path_invalid");
}
