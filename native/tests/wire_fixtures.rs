//! The frames in `spec/box-protocol/` are what this code makes, and cover all there is between server and supervisor.
//! `ATOLL_UPDATE_FIXTURES=1` writes them anew.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test fails by panicking")]

mod wire_support;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use atoll_box::wire::files::{EntryKind, FileOp, FileReply};
use atoll_box::wire::frame::{FrameReader, HEADER_BYTES, MAX_SERVER_FRAME, decode, encode};
use atoll_box::wire::server::{Outcome, Program, Reply, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use wire_support::inside::{from_init, to_init};
use wire_support::readable::readable;
use wire_support::refused::{Side, refused};
use wire_support::replies::replies;
use wire_support::requests::requests;
use wire_support::{Named, hex};

/// Channels of one, two and four bytes.
const CHANNELS: [u32; 4] = [1, 300, 70_000, u32::MAX];

fn frame_of(channel: u32, message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut bytes, channel, message);
    bytes
}

fn fixtures<T: Serialize>(side: Side, messages: &[Named<T>]) -> Json {
    let fixture = |(number, (name, message)): (usize, &Named<T>)| {
        let channel = CHANNELS[number % CHANNELS.len()];
        let frame = hex(&frame_of(channel, message));
        json!({ "name": name, "side": side.name(), "channel": channel, "frame": frame, "message": readable(message) })
    };
    messages.iter().enumerate().map(fixture).collect()
}

fn refused_fixtures() -> Json {
    let fixture = |(side, (name, frame)): (Side, Named<Vec<u8>>)| json!({ "name": name, "side": side.name(), "frame": hex(&frame) });
    refused().into_iter().map(fixture).collect()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Fails where the file is not just `content`.
fn keep(path: &str, content: &[u8]) {
    let file = repository(path);
    if std::env::var_os("ATOLL_UPDATE_FIXTURES").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, content).unwrap();
    }
    assert!(std::fs::read(&file).unwrap_or_default() == content, "{path} is not what the code makes");
}

/// One fixture a line.
fn keep_json(path: &str, fixtures: &Json) {
    let lines: Vec<_> = fixtures.as_array().unwrap().iter().map(Json::to_string).collect();
    keep(path, format!("[\n  {}\n]\n", lines.join(",\n  ")).as_bytes());
}

#[test]
fn the_fixtures_are_what_the_code_makes() {
    keep_json("spec/box-protocol/requests.json", &fixtures(Side::Server, &requests()));
    keep_json("spec/box-protocol/replies.json", &fixtures(Side::Supervisor, &replies()));
    keep_json("spec/box-protocol/refused.json", &refused_fixtures());
}

fn keep_corpus<T: Serialize>(target: &str, messages: &[Named<T>]) {
    for (name, message) in messages {
        let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        keep(&format!("native/fuzz/corpus/{target}/{name}"), &frame_of(0, message)[HEADER_BYTES..]);
    }
}

#[test]
fn the_fuzzers_start_from_what_the_code_makes() {
    keep_corpus("request", &requests());
    keep_corpus("reply", &replies());
    keep_corpus("to_init", &to_init());
    keep_corpus("from_init", &from_init());
    let stream: Vec<u8> = replies().iter().flat_map(|(_, reply)| frame_of(1, reply)).collect();
    keep("native/fuzz/corpus/frames/replies", &stream);
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(messages: Vec<Named<T>>) {
    for (name, message) in messages {
        let mut reader = FrameReader::new(MAX_SERVER_FRAME);
        reader.push(&frame_of(7, &message));
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!(frame.channel, 7);
        assert_eq!(decode::<T>(frame.body).unwrap(), message, "{name}");
    }
}

#[test]
fn every_message_comes_back_as_it_was() {
    round_trip(requests());
    round_trip(replies());
    round_trip(to_init());
    round_trip(from_init());
}

#[test]
fn the_fixtures_have_names_of_their_own() {
    let names: Vec<_> = requests().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let names: Vec<_> = replies().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

/// The names that a decoder says it would have taken.
fn variants<T: DeserializeOwned + Debug>() -> BTreeSet<String> {
    let error = decode::<T>(b"\xa1?").unwrap_err().to_string();
    let names: BTreeSet<_> = error.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(names.len() > 1, "{error}");
    names
}

/// The tags, or bare names, found under `key` anywhere; under no key: those of the messages themselves.
fn tags(json: &Json, key: Option<&str>) -> BTreeSet<String> {
    let own = |value: &Json| value.get("type").unwrap_or(value).as_str().map(str::to_owned);
    let mut found = BTreeSet::new();
    for fixture in json.as_array().unwrap() {
        let message = &fixture["message"];
        match key {
            None => found.extend(own(message)),
            Some(key) => collect(message, &mut |name, value| {
                if name == key {
                    found.extend(own(value));
                }
            }),
        }
    }
    found
}

fn collect(json: &Json, visit: &mut impl FnMut(&str, &Json)) {
    match json {
        Json::Object(fields) => fields.iter().for_each(|(key, value)| {
            visit(key, value);
            collect(value, visit);
        }),
        Json::Array(items) => items.iter().for_each(|item| collect(item, visit)),
        _ => {}
    }
}

#[test]
fn every_variant_has_a_fixture() {
    let requests = fixtures(Side::Server, &requests());
    let replies = fixtures(Side::Supervisor, &replies());
    assert_eq!(tags(&requests, None), variants::<Request>());
    assert_eq!(tags(&requests, Some("op")), variants::<FileOp>());
    assert_eq!(tags(&requests, Some("program")), variants::<Program>());
    assert_eq!(tags(&replies, None), variants::<Reply>());
    assert_eq!(tags(&replies, Some("reply")), variants::<FileReply>());
    assert_eq!(tags(&replies, Some("program")), variants::<Program>());
    assert_eq!(tags(&replies, Some("outcome")), variants::<Outcome>());
    assert_eq!(tags(&replies, Some("kind")), variants::<EntryKind>());
}

fn is_refused<T: DeserializeOwned>(frame: &[u8]) -> bool {
    let mut reader = FrameReader::new(MAX_SERVER_FRAME);
    reader.push(frame);
    match reader.next_frame() {
        Err(_) => true,
        Ok(None) => panic!("the frame is not whole"),
        Ok(Some(frame)) => decode::<T>(frame.body).is_err(),
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for (side, (name, frame)) in refused() {
        let refused = match side {
            Side::Server => is_refused::<Request>(&frame),
            Side::Supervisor => is_refused::<Reply>(&frame),
        };
        assert!(refused, "{}: {name}", side.name());
    }
}
