//! Messages as JSON that people and other languages can read.
//!
//! A variant `Name { a, b }` is `{"type": "Name", "a": …, "b": …}`, bytes are `{"text": …}` or, where they are no
//! UTF-8, `{"hex": …}`, and what is absent is null.

use rmpv::Value;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::hex;

pub fn readable(message: &impl Serialize) -> Json {
    let mut packed = Vec::new();
    let mut serializer = rmp_serde::Serializer::new(&mut packed).with_struct_map();
    message.serialize(&mut serializer).unwrap();
    let value = rmpv::decode::read_value(&mut packed.as_slice()).unwrap();
    message_json(&value)
}

/// A message, which is a bare name where it has no fields.
fn message_json(value: &Value) -> Json {
    match value.as_str() {
        Some(name) => json!({ "type": name }),
        None => json_of(value),
    }
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(number) => number.as_u64().map_or_else(|| json!(number.as_i64()), |number| json!(number)),
        Value::String(text) => json!(text.as_str()),
        Value::Binary(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!({ "text": text }),
            Err(_) => json!({ "hex": hex(bytes) }),
        },
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::Map(entries) => map_json(entries),
        Value::F32(_) | Value::F64(_) | Value::Ext(..) => panic!("not in any message of ours: {value}"),
    }
}

fn map_json(entries: &[(Value, Value)]) -> Json {
    let name = |key: &Value| key.as_str().unwrap().to_owned();
    if let [(tag, Value::Map(fields))] = entries
        && name(tag).starts_with(|first: char| first.is_ascii_uppercase())
    {
        let mut tagged = Map::from_iter([("type".to_owned(), json!(name(tag)))]);
        tagged.extend(fields.iter().map(|(key, value)| field_json(name(key), value)));
        return Json::Object(tagged);
    }
    Json::Object(entries.iter().map(|(key, value)| field_json(name(key), value)).collect())
}

fn field_json(key: String, value: &Value) -> (String, Json) {
    let is_message = matches!(key.as_str(), "op" | "reply");
    let json = if is_message { message_json(value) } else { json_of(value) };
    (key, json)
}
