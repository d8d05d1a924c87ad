//! Frames that are no messages, although each looks much like one.

use atoll_box::wire::frame::MAX_SERVER_FRAME;
use rmpv::Value;

use super::Named;

/// Whose words they claim to be.
#[derive(Clone, Copy)]
pub enum Side {
    Server,
    Supervisor,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Supervisor => "supervisor",
        }
    }
}

pub fn refused() -> Vec<(Side, Named<Vec<u8>>)> {
    let both = [Side::Server, Side::Supervisor];
    let framing = both.into_iter().flat_map(|side| framing().map(|named| (side, named)));
    let garbled = both.into_iter().flat_map(|side| garbled().map(|(name, body)| (side, (name, frame(&body)))));
    let server = from_server().into_iter().map(|named| (Side::Server, named));
    let supervisor = from_supervisor().into_iter().map(|named| (Side::Supervisor, named));
    let values = server.chain(supervisor).map(|(side, (name, value))| (side, (name, frame(&packed(&value)))));
    framing.chain(garbled).chain(values).collect()
}

fn framing() -> [Named<Vec<u8>>; 4] {
    let length = |length: usize| (length as u32).to_le_bytes().to_vec();
    [
        ("a length beyond the longest frame", [length(MAX_SERVER_FRAME + 1), vec![0; 4]].concat()),
        ("the greatest length", [length(u32::MAX as usize), vec![0; 4]].concat()),
        ("a length without room for the channel", [length(3), vec![0; 4]].concat()),
        ("a length of nothing", [length(0), vec![0; 4]].concat()),
    ]
}

/// Refused whoever says it.
fn garbled() -> [Named<Vec<u8>>; 16] {
    let hello = packed(&tagged("Hello", vec![1.into(), 2.into(), "boot".into()]));
    let two_tags = Value::Map(vec![("Done".into(), Value::Array(vec![])), ("List".into(), Value::Array(vec![]))]);
    [
        ("an empty body", Vec::new()),
        ("a byte that MessagePack never uses", vec![0xc1]),
        ("nil", vec![0xc0]),
        ("a number", vec![7]),
        ("a bare array", vec![0x90]),
        ("a map without a tag", vec![0x80]),
        ("a map with two tags", packed(&two_tags)),
        ("a tag that is not known", packed(&tagged("Wish", vec![]))),
        ("a bare tag that is not known", packed(&"Wish".into())),
        ("a tag in the wrong case", packed(&"done".into())),
        ("a tag that is no UTF-8", vec![0xa4, b'D', b'o', b'n', 0xff]),
        ("text that is no UTF-8", [b"\x81\xa7Destroy\x91\xa1".as_slice(), &[0xff]].concat()),
        ("bytes behind the message", [b"\xa4Done".as_slice(), &[0xc0]].concat()),
        ("a message that ends early", hello[..hello.len() - 1].to_vec()),
        (
            "a list that is longer than its frame",
            vec![0x81, 0xa5, b'H', b'e', b'l', b'l', b'o', 0xdd, 255, 255, 255, 255],
        ),
        ("arrays in arrays", vec![0x91; 64]),
    ]
}

fn from_server() -> Vec<Named<Value>> {
    let file = |op| tagged("File", vec!["sbx".into(), op]);
    let path = || Value::from(b"/x".as_slice());
    vec![
        ("fields of no message", tagged("Status", vec![1.into()])),
        ("a message without its fields", "Destroy".into()),
        ("too few fields", tagged("Destroy", vec![])),
        ("too many fields", tagged("Destroy", vec!["sbx".into(), "sbx".into()])),
        ("too few fields in a struct", tagged("Create", vec!["sbx".into(), Value::Array(vec![1000.into()])])),
        ("a field that is not known", named("Hello", vec![("version", 1.into()), ("extra", 1.into())])),
        ("text where a number belongs", tagged("Hello", vec!["1".into()])),
        ("a fraction where a number belongs", tagged("Hello", vec![Value::F64(1.0)])),
        ("a negative number where a count belongs", tagged("Hello", vec![(-1).into()])),
        ("a number too great for its field", tagged("Hello", vec![(1u64 << 32).into()])),
        ("nil where text belongs", tagged("Destroy", vec![Value::Nil])),
        ("a file operation that is not known", file(tagged("Chmod", vec![path()]))),
        ("a file operation with too many fields", file(tagged("Next", vec![1.into(), 2.into()]))),
        ("a number where a boolean belongs", file(tagged("Stat", vec![path(), 1.into()]))),
        ("nil where a boolean belongs", file(tagged("Remove", vec![path(), Value::Nil]))),
    ]
}

fn from_supervisor() -> Vec<Named<Value>> {
    let file = |reply| tagged("File", vec![reply]);
    let path = || Value::from(b"/x".as_slice());
    let entry = |kind: &str| Value::Array(vec![path(), kind.into(), 0.into(), 0.into(), 0.into(), Value::Nil]);
    vec![
        ("fields of no message", tagged("Done", vec![1.into()])),
        ("a message without its fields", "Lost".into()),
        ("too few fields", tagged("Lost", vec!["sbx".into()])),
        ("too many fields", tagged("Lost", vec!["sbx".into(), "why".into(), "else".into()])),
        ("a field that is not known", named("Lost", vec![("sandbox", "sbx".into()), ("extra", 1.into())])),
        ("text where a number belongs", tagged("Hello", vec!["1".into(), 2.into(), "boot".into()])),
        ("a fraction where a number belongs", tagged("Hello", vec![Value::F64(1.0), 2.into(), "boot".into()])),
        ("a negative number where a count belongs", tagged("Hello", vec![1.into(), (-2).into(), "boot".into()])),
        ("nil where text belongs", tagged("Lost", vec!["sbx".into(), Value::Nil])),
        ("a list that is a number", tagged("Commands", vec![1.into()])),
        ("too few fields in a struct", tagged("Command", vec![Value::Array(vec!["cmd".into()])])),
        ("a file reply that is not known", file(tagged("Linked", vec![path()]))),
        ("a file kind that is not known", file(tagged("Entry", vec![entry("Door")]))),
        ("a number where a boolean belongs", file(tagged("Data", vec![path(), 1.into()]))),
        ("a file entry with too many fields", file(tagged("Entry", vec![longer(entry("File"))]))),
    ]
}

/// `{name: [fields…]}`
fn tagged(name: &str, fields: Vec<Value>) -> Value {
    Value::Map(vec![(name.into(), Value::Array(fields))])
}

/// `{name: {field: value…}}`
fn named(name: &str, fields: Vec<(&str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Value::Map(vec![(name.into(), Value::Map(fields))])
}

fn longer(array: Value) -> Value {
    let Value::Array(mut items) = array else { panic!("not an array: {array}") };
    items.push(Value::Nil);
    Value::Array(items)
}

fn packed(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

/// On channel 1.
fn frame(body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_le_bytes();
    [&length, &1u32.to_le_bytes(), body].concat()
}
