//! Reading files, as the user that the tests run as.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod files_support;

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, symlink};
use std::os::unix::net::UnixListener;

use atoll_box::wire::files::{FileOp, FileReply, MAX_HANDLES, SLICE_BYTES};
use files_support::{Dice, Scratch, append, begin, code, content, entry, open, own_files, put, range};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_bytes::ByteBuf;

#[test]
fn what_was_put_in_slices_is_read_in_slices_byte_for_byte() {
    let (scratch, mut files, mut dice) = (Scratch::new(), own_files(), Dice(1));
    let whole: Vec<u8> = (0..3 * SLICE_BYTES + 17).map(|_| dice.roll(256) as u8).collect();
    let handle = begin(&mut files, scratch.at("a/b/file"), &whole[..10]);
    let mut slices = whole[10..].chunks(SLICE_BYTES).peekable();
    while let Some(slice) = slices.next() {
        let last = slices.peek().is_none();
        let reply = append(&mut files, handle, slice, last);
        if last {
            assert_eq!(entry(reply).size_bytes, whole.len() as u64);
        } else {
            assert_eq!(reply, FileReply::Put { handle: Some(handle), entry: None });
            assert!(!fs::exists(scratch.path("a/b/file")).unwrap());
        }
    }
    assert_eq!(content(&mut files, scratch.at("a/b/file")), whole);
    assert_eq!(fs::read_dir(scratch.path("a/b")).unwrap().count(), 1);
    assert_eq!(scratch.mode("a"), 0o755);
}

#[test]
fn a_file_of_whole_slices_needs_no_empty_slice_at_its_end() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("one"), vec![1; SLICE_BYTES]).unwrap();
    fs::write(scratch.path("two"), vec![2; 2 * SLICE_BYTES]).unwrap();
    assert_eq!(range(&mut files, scratch.at("one"), 0, None), (vec![1; SLICE_BYTES], None));
    let (_, handle) = range(&mut files, scratch.at("two"), 0, None);
    let data = files.perform(FileOp::Next { handle: handle.unwrap() });
    assert_eq!(data, FileReply::Data { bytes: ByteBuf::from(vec![2; SLICE_BYTES]), eof: true });
    assert_eq!(code(files.perform(FileOp::Next { handle: handle.unwrap() })), "file.handle_unknown");
}

#[test]
fn a_range_is_cut_at_the_end_of_the_file() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), b"0123456789").unwrap();
    let at = || scratch.at("file");
    assert_eq!(range(&mut files, at(), 3, Some(4)), (b"3456".to_vec(), None));
    assert_eq!(range(&mut files, at(), 8, Some(u64::MAX)), (b"89".to_vec(), None));
    for beyond in [10, 11, u64::MAX] {
        assert_eq!(range(&mut files, at(), beyond, None), (Vec::new(), None));
    }
    assert_eq!(range(&mut files, at(), 2, Some(0)), (Vec::new(), None));
}

#[test]
fn a_file_that_shrinks_while_it_is_read_ends_early() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), vec![1; 3 * SLICE_BYTES]).unwrap();
    let (_, handle) = range(&mut files, scratch.at("file"), 0, None);
    File::options().write(true).open(scratch.path("file")).unwrap().set_len(SLICE_BYTES as u64 + 5).unwrap();
    let data = files.perform(FileOp::Next { handle: handle.unwrap() });
    assert_eq!(data, FileReply::Data { bytes: ByteBuf::from(vec![1; 5]), eof: true });
}

#[test]
fn a_file_that_grows_or_is_replaced_while_it_is_read_is_read_as_it_was() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("file"), vec![1; SLICE_BYTES + 1]).unwrap();
    let (_, handle) = range(&mut files, scratch.at("file"), 0, None);
    let file = File::options().write(true).open(scratch.path("file")).unwrap();
    file.write_at(&[2; 100], SLICE_BYTES as u64 + 1).unwrap();
    entry(put(&mut files, scratch.at("file"), b"another"));
    let data = files.perform(FileOp::Next { handle: handle.unwrap() });
    assert_eq!(data, FileReply::Data { bytes: ByteBuf::from(vec![1]), eof: true });
}

#[test]
fn a_sparse_terabyte_is_read_where_it_is_asked_for() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let size = 1 << 40;
    File::create(scratch.path("sparse")).unwrap().set_len(size).unwrap();
    let (bytes, handle) = range(&mut files, scratch.at("sparse"), size - 3, None);
    assert_eq!((bytes, handle), (vec![0; 3], None));
    let (bytes, handle) = range(&mut files, scratch.at("sparse"), 0, None);
    assert_eq!(bytes.len(), SLICE_BYTES);
    assert_eq!(files.perform(FileOp::Close { handle: handle.unwrap() }), FileReply::Done);
}

#[test]
fn only_regular_files_are_opened_and_nothing_blocks() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    mknodat(CWD, scratch.path("fifo"), FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let _listener = UnixListener::bind(scratch.path("socket")).unwrap();
    symlink("fifo", scratch.path("to-fifo")).unwrap();
    symlink("/dev/zero", scratch.path("to-device")).unwrap();
    for name in ["fifo", "socket", "to-fifo", "to-device"] {
        assert_eq!(code(open(&mut files, scratch.at(name))), "file.not_regular", "{name}");
        assert_eq!(code(put(&mut files, scratch.at(name), b"x")), "file.not_regular", "{name}");
    }
    assert_eq!(code(open(&mut files, scratch.at(""))), "file.is_directory");
}

#[test]
fn a_writer_that_waits_at_a_fifo_is_not_woken() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    let fifo = scratch.path("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let writer = std::thread::spawn(move || OpenOptions::new().write(true).open(fifo));
    assert_eq!(code(open(&mut files, scratch.at("fifo"))), "file.not_regular");
    assert!(!writer.is_finished());
    let reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(scratch.path("fifo")).unwrap();
    writer.join().unwrap().unwrap();
    drop(reader);
}

#[test]
fn a_leased_file_is_refused_at_once() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("leased"), "x").unwrap();
    let holder = File::options().write(true).open(scratch.path("leased")).unwrap();
    // The breaking of the lease is told by a signal that would end this process.
    // SAFETY: integer arguments and a constant disposition.
    unsafe {
        libc::signal(libc::SIGIO, libc::SIG_IGN);
        assert_eq!(libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK), 0);
    }
    let FileReply::Error { code, errno, .. } = open(&mut files, scratch.at("leased")) else { panic!("opened") };
    assert_eq!((code.as_str(), errno.as_deref()), ("file.failed", Some("EAGAIN")));
}

#[test]
fn no_more_handles_are_given_than_allowed() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("long"), vec![0; SLICE_BYTES + 1]).unwrap();
    fs::write(scratch.path("short"), "x").unwrap();
    let handles: Vec<_> = (0..MAX_HANDLES).map(|_| range(&mut files, scratch.at("long"), 0, None).1).collect();
    assert!(handles.iter().all(Option::is_some));
    assert_eq!(code(open(&mut files, scratch.at("long"))), "file.too_many_open");
    let begun = FileOp::Put { path: scratch.at("new"), mode: None, bytes: ByteBuf::new(), last: false };
    assert_eq!(code(files.perform(begun)), "file.too_many_open");
    assert_eq!(content(&mut files, scratch.at("short")), b"x");
    entry(put(&mut files, scratch.at("whole"), b"needs none"));
    files.perform(FileOp::Close { handle: handles[0].unwrap() });
    assert_eq!(content(&mut files, scratch.at("long")).len(), SLICE_BYTES + 1);
    assert_eq!(scratch.names(), [b"long".to_vec(), b"short".to_vec(), b"whole".to_vec()]);
}

#[test]
fn a_handle_serves_only_what_it_was_opened_for() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    fs::write(scratch.path("long"), vec![0; SLICE_BYTES + 1]).unwrap();
    let reading = range(&mut files, scratch.at("long"), 0, None).1.unwrap();
    let writing = begin(&mut files, scratch.at("new"), b"");
    assert_eq!(code(append(&mut files, reading, b"x", false)), "file.handle_unknown");
    assert_eq!(code(files.perform(FileOp::Next { handle: writing })), "file.handle_unknown");
    assert_eq!(code(files.perform(FileOp::Next { handle: 12_345 })), "file.handle_unknown");
    assert_eq!(files.perform(FileOp::Close { handle: 12_345 }), FileReply::Done);
    assert!(matches!(files.perform(FileOp::Next { handle: reading }), FileReply::Data { eof: true, .. }));
    entry(append(&mut files, writing, b"", true));
}

#[test]
fn symlinks_in_a_circle_are_an_invalid_path() {
    let (scratch, mut files) = (Scratch::new(), own_files());
    symlink("b", scratch.path("a")).unwrap();
    symlink("a", scratch.path("b")).unwrap();
    assert_eq!(code(open(&mut files, scratch.at("a"))), "file.path_invalid");
    assert_eq!(code(put(&mut files, scratch.at("a/x"), b"x")), "file.path_invalid");
}
