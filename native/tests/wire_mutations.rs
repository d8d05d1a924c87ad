//! Frames that were tampered with, the same ones in every run. Each must be refused, or be a message that comes back
//! as it was; and no claim that a frame makes may take memory. The fuzzers in `native/fuzz/` go on from here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use atoll_box::wire::frame::{FrameReader, MAX_INSIDE_FRAME, decode, encode};
use atoll_box::wire::inside::{FromInit, ToInit};
use atoll_box::wire::server::{Reply, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire_support::Named;

const ROUNDS: usize = 20_000;
/// Lists reserve room for what they claim, up to 1 MiB, and are at most three deep. A list of bytes is as long as
/// what has arrived.
const MEMORY_BYTES: usize = 4 << 20;

/// Counts what is allocated, and how much it was at most.
struct Counting {
    now: AtomicUsize,
    peak: AtomicUsize,
}

// SAFETY: every call goes to the system's allocator as it came; the counters change nothing of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = self.now.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        self.peak.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.now.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting { now: AtomicUsize::new(0), peak: AtomicUsize::new(0) };

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn frames<T: Serialize>(messages: Vec<Named<T>>, all: &mut Vec<Vec<u8>>) {
    for (_, message) in messages {
        let mut frame = Vec::new();
        encode(&mut frame, 1, &message);
        all.push(frame);
    }
}

/// Bytes that mean a length, a nesting or another type to MessagePack.
const TELLING: [u8; 16] =
    [0x00, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xc0, 0xc1, 0xc6, 0xcf, 0xdb, 0xdd, 0xdf, 0xff];

fn tamper(frame: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.roll(frame.len());
    match dice.roll(7) {
        0 => frame[at] ^= 1 << dice.roll(8),
        1 => frame[at] = TELLING[dice.roll(TELLING.len())],
        2 => frame.insert(at, TELLING[dice.roll(TELLING.len())]),
        3 => drop(frame.drain(at..(at + 1 + dice.roll(4)).min(frame.len()))),
        4 => frame.truncate(at + 1),
        5 => drop(frame.splice(at.., other[dice.roll(other.len())..].to_vec())),
        _ => frame.splice(at..at, [0xdd, 0xff, 0xff, 0xff, dice.roll(256) as u8]).for_each(drop),
    }
}

/// Most tampered frames get the length that they have, so that their bodies are read.
fn with_its_length(frame: &mut [u8]) {
    let length = frame.len() as u32 - 4;
    if let Some(head) = frame.first_chunk_mut::<4>() {
        *head = length.to_le_bytes();
    }
}

/// Whether the body is a message.
fn is_taken<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) -> bool {
    let Ok(message) = decode::<T>(body) else { return false };
    let mut again = Vec::new();
    encode(&mut again, 1, &message);
    assert_eq!(decode::<T>(&again[8..]).unwrap(), message);
    true
}

/// How many messages of any kind the bytes were.
fn read(bytes: &[u8], dice: &mut Dice) -> usize {
    let mut reader = FrameReader::new(MAX_INSIDE_FRAME);
    let mut taken = 0;
    for piece in bytes.chunks(1 + dice.roll(bytes.len())) {
        reader.push(piece);
        while let Ok(Some(frame)) = reader.next_frame() {
            let kinds = [is_taken::<Request>, is_taken::<Reply>, is_taken::<ToInit>, is_taken::<FromInit>];
            taken += kinds.iter().filter(|is_taken| is_taken(frame.body)).count();
        }
    }
    taken
}

#[test]
fn tampered_frames_neither_break_the_reader_nor_take_memory() {
    let mut originals = Vec::new();
    frames(wire_support::requests::requests(), &mut originals);
    frames(wire_support::replies::replies(), &mut originals);
    frames(wire_support::inside::to_init(), &mut originals);
    frames(wire_support::inside::from_init(), &mut originals);
    let mut dice = Dice(1);
    let mut taken = 0;
    MEMORY.peak.store(0, Ordering::Relaxed);
    let before = MEMORY.now.load(Ordering::Relaxed);
    for _ in 0..ROUNDS {
        let mut frame = originals[dice.roll(originals.len())].clone();
        for _ in 0..=dice.roll(3) {
            tamper(&mut frame, &originals[dice.roll(originals.len())], &mut dice);
            if frame.len() < 8 {
                frame.resize(8, 0);
            }
        }
        if dice.roll(10) > 0 {
            with_its_length(&mut frame);
        }
        taken += usize::from(read(&frame, &mut dice) > 0);
    }
    let most = MEMORY.peak.load(Ordering::Relaxed).saturating_sub(before);
    assert!(most < MEMORY_BYTES, "{most} bytes");
    // Some tampering only changes a value; most must be noticed.
    assert!((ROUNDS / 100..ROUNDS / 2).contains(&taken), "{taken} of {ROUNDS}");
}
