//! Lists, as the user that the tests run as.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use atoll_box::files::Files;
use atoll_box::wire::files::{Entry, EntryKind, FileOp, FileReply, MAX_ENTRIES};
use files_support::{Dice, Scratch, code, list, own_files, path};
use serde_bytes::ByteBuf;

fn page(files: &mut Files, folder: &ByteBuf, depth: u32, after: Option<ByteBuf>, limit: u32) -> (Vec<Entry>, bool) {
    match files.perform(FileOp::List { path: folder.clone(), depth, after, limit }) {
        FileReply::Entries { entries, more } => (entries, more),
        other => panic!("not listed: {other:?}"),
    }
}

/// All entries, by pages of `limit`.
fn paged(files: &mut Files, folder: &ByteBuf, depth: u32, limit: u32) -> Vec<Vec<u8>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (entries, more) = page(files, folder, depth, after, limit);
        assert!(entries.len() <= limit as usize);
        all.extend(entries.iter().map(|entry| entry.path.to_vec()));
        if !more {
            return all;
        }
        assert_eq!(entries.len(), limit as usize);
        after = entries.last().map(|entry| entry.path.clone());
    }
}

/// The paths below `folder`, no deeper than `depth`, by the standard library.
fn expected(folder: &Path, depth: u32) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        all.push(entry.path().as_os_str().as_bytes().to_vec());
        if depth > 1 && entry.file_type().unwrap().is_dir() {
            all.extend(expected(&entry.path(), depth - 1));
        }
    }
    all.sort();
    all
}

/// A tree whose names sort around the slash.
fn grow(folder: &Path, dice: &mut Dice, depth: u32) {
    for _ in 0..dice.roll(7) {
        let name: String = (0..=dice.roll(3)).map(|_| ['-', '0', 'a', '.', ' '][dice.roll(5)]).collect();
        let child = folder.join(format!("x{name}"));
        match dice.roll(3) {
            0 => drop(fs::write(child, "")),
            1 => drop(symlink(".", child)),
            _ if depth > 0 && fs::create_dir(&child).is_ok() => grow(&child, dice, depth - 1),
            _ => {}
        }
    }
}

#[test]
fn pages_of_any_size_give_all_paths_in_the_order_of_their_bytes() {
    for seed in 0..40 {
        let (scratch, mut files, mut dice) = (Scratch::new(), own_files(), Dice(seed));
        grow(&scratch.0, &mut dice, 4);
        for depth in [1, 2, 3, 9] {
            let expected = expected(&scratch.0, depth);
            for limit in [1, 2, 5, 1000] {
                assert_eq!(paged(&mut files, &scratch.at(""), depth, limit), expected, "{seed} {depth} {limit}");
            }
        }
    }
}

#[test]
fn a_folder_comes_before_names_that_only_go_on_and_its_children_after_them() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir(scratch.path("a")).unwrap();
    for name in ["a/c", "a-b", "a0"] {
        fs::write(scratch.path(name), "").unwrap();
    }
    let expected = ["a", "a-b", "a/c", "a0"].map(|name| scratch.at(name).into_vec());
    assert_eq!(paged(&mut files, &scratch.at(""), 2, 1000), expected);
}

#[test]
fn an_after_that_is_gone_or_was_never_there_still_has_its_place() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    for name in ["b/c", "d"] {
        fs::create_dir_all(scratch.path(name)).unwrap();
    }
    let mut behind = |name: &str| {
        let (entries, _) = page(&mut files, &scratch.at(""), 5, Some(scratch.at(name)), 10);
        entries
            .iter()
            .map(|entry| String::from_utf8(entry.path[scratch.0.as_os_str().len() + 1..].to_vec()).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(behind("a"), ["b", "b/c", "d"]);
    assert_eq!(behind("b/b/b/b"), ["b/c", "d"]);
    assert_eq!(behind("b/c/x"), ["d"]);
    assert_eq!(behind("z"), Vec::<String>::new());
}

#[test]
fn a_page_tells_what_its_entries_are() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir(scratch.path("folder")).unwrap();
    fs::write(scratch.path("file"), "four").unwrap();
    symlink("file", scratch.path("link")).unwrap();
    let (entries, more) = page(&mut files, &scratch.at(""), 1, None, 10);
    let kinds: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::File, EntryKind::Directory, EntryKind::Symlink]);
    assert_eq!(entries[0].size_bytes, 4);
    assert_eq!(entries[2].link_target.as_deref(), Some(&b"file".to_vec()));
    assert!(!more);
}

#[test]
fn whether_there_is_more_is_told_exactly() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    for name in ["a", "b"] {
        fs::write(scratch.path(name), "").unwrap();
    }
    let mut more = |limit| page(&mut files, &scratch.at(""), 1, None, limit).1;
    assert_eq!([0, 1, 2, 3].map(&mut more), [true, true, false, false]);
    assert_eq!(page(&mut files, &scratch.at(""), 0, None, 10), (Vec::new(), false));
}

#[test]
fn no_page_is_longer_than_allowed() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    for number in 0..=MAX_ENTRIES {
        fs::write(scratch.path(format!("{number}")), "").unwrap();
    }
    let (entries, more) = page(&mut files, &scratch.at(""), 1, None, u32::MAX);
    assert_eq!((entries.len(), more), (MAX_ENTRIES as usize, true));
    assert_eq!(paged(&mut files, &scratch.at(""), 1, 100), expected(&scratch.0, 1));
}

#[test]
fn long_paths_end_a_page_before_its_limit() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let mut deep = scratch.0.clone();
    while deep.as_os_str().len() < 3500 {
        deep.push("d".repeat(200));
    }
    fs::create_dir_all(&deep).unwrap();
    for number in 0..400 {
        fs::write(deep.join(format!("{number:0200}")), "").unwrap();
    }
    let folder = files_support::bytes(&deep);
    let (entries, more) = page(&mut files, &folder, 1, None, 1000);
    assert!(more && entries.len() < 200, "{}", entries.len());
    let last = entries.last().map(|entry| entry.path.clone());
    assert_eq!(page(&mut files, &folder, 1, last, 1).0[0].path, expected(&deep, 1)[entries.len()]);
}

#[test]
fn symlinks_are_listed_and_not_walked() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::create_dir_all(scratch.path("real/child")).unwrap();
    symlink("real", scratch.path("link")).unwrap();
    let paths = paged(&mut files, &scratch.at(""), 5, 1000);
    assert_eq!(paths, ["link", "real", "real/child"].map(|name| scratch.at(name).into_vec()));
    let (through, _) = page(&mut files, &scratch.at("link/"), 1, None, 10);
    assert_eq!(through[0].path, scratch.at("link/child"));
}

#[test]
fn only_folders_are_listed() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), "").unwrap();
    assert_eq!(code(list(&mut files, scratch.at("file"), 1)), "file.not_directory");
    assert_eq!(code(list(&mut files, scratch.at("nothing"), 1)), "file.not_found");
}

#[test]
fn the_root_is_listed_without_double_slashes() {
    let (entries, _) = page(&mut own_files(), &path("/"), 1, None, 1000);
    assert!(entries.iter().any(|entry| entry.path.as_slice() == b"/dev"));
}
