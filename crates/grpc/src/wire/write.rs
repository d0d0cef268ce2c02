//! Models to bytes.

use std::collections::BTreeMap;

use kabao_models::{Extra, Field, List, Record, Ref};
use prost::encoding::{WireType, encode_key, encode_varint};

use super::{Besides, EXTRA};

/// Writes a message: fields in the order of the table, which is that of their numbers, and `extra` last.
pub(super) fn write(record: &dyn Record, besides: Besides) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    message(record, besides.extra, &mut out);
    out
}

fn message(record: &dyn Record, has_extra: bool, out: &mut Vec<u8>) {
    let shape = record.shape();
    let mut told = Vec::new();
    for (index, field) in shape.fields.iter().enumerate() {
        // What has no number is a credential: it never stands in a message.
        if field.tag == 0 {
            continue;
        }
        match record.get(index) {
            Ref::List(list) => write_list(field, list, &mut told, out),
            value => single(
                field,
                field.has_presence(shape.usage),
                value,
                &mut told,
                out,
            ),
        }
    }
    if has_extra {
        write_extra(record.extra(), told, out);
    }
}

/// What a typed field cannot express of a member, as a JSON text.
struct Told {
    name: &'static str,
    json: String,
    /// Whether it stands in place of what was received of the member.
    replaces: bool,
}

/// Writes a single value. Without presence, an empty one is not written.
fn single(
    field: &'static Field,
    has_presence: bool,
    value: Ref<'_>,
    told: &mut Vec<Told>,
    out: &mut Vec<u8>,
) {
    let tag = field.tag;
    match value {
        Ref::Absent | Ref::List(_) => {}
        Ref::Text(text) if has_presence || !text.is_empty() => block(tag, text.as_bytes(), out),
        Ref::Sensitive(text) if has_presence || !text.expose().is_empty() => {
            block(tag, text.expose().as_bytes(), out);
        }
        Ref::Bytes(content) if has_presence || !content.is_empty() => block(tag, content, out),
        Ref::Integer(number) if has_presence || number != 0 => {
            varint(tag, number.cast_unsigned(), out);
        }
        Ref::Boolean(truth) if has_presence || truth => varint(tag, u64::from(truth), out),
        Ref::Word { text, number } => {
            if number == 0 {
                told.push(Told {
                    name: field.name,
                    json: serde_json::Value::from(text).to_string(),
                    replaces: true,
                });
            }
            if has_presence || number != 0 {
                varint(tag, i64::from(number).cast_unsigned(), out);
            }
        }
        Ref::Object(record) => nested(tag, out, |out| message(record, true, out)),
        Ref::Text(_) | Ref::Sensitive(_) | Ref::Bytes(_) | Ref::Integer(_) | Ref::Boolean(_) => {}
    }
}

/// Writes a list. One that is empty, or has a value that its enumeration does not know, stands in
/// `extra` as well, unless it stands there already as it was received, with odd entries.
fn write_list(field: &'static Field, list: &dyn List, told: &mut Vec<Told>, out: &mut Vec<u8>) {
    let tag = field.tag;
    let entries = || (0..list.len()).map(|index| list.get(index));
    let is_unknown = |entry| matches!(entry, Ref::Word { number: 0, .. });
    if list.len() == 0 || entries().any(is_unknown) {
        let texts: Vec<&str> = entries().filter_map(Ref::text).collect();
        told.push(Told {
            name: field.name,
            json: serde_json::Value::from(texts).to_string(),
            replaces: false,
        });
    }
    let bits = |entry| match entry {
        Ref::Integer(number) => Some(number.cast_unsigned()),
        Ref::Boolean(truth) => Some(u64::from(truth)),
        Ref::Word { number, .. } => Some(i64::from(number).cast_unsigned()),
        _ => None,
    };
    if entries().next().and_then(bits).is_some() {
        nested(tag, out, |out| {
            for bits in entries().filter_map(bits) {
                encode_varint(bits, out);
            }
        });
        return;
    }
    for entry in entries() {
        match entry {
            Ref::Text(text) => block(tag, text.as_bytes(), out),
            Ref::Sensitive(text) => block(tag, text.expose().as_bytes(), out),
            Ref::Bytes(content) => block(tag, content, out),
            Ref::Object(record) => nested(tag, out, |out| message(record, true, out)),
            Ref::Absent | Ref::Integer(_) | Ref::Boolean(_) | Ref::Word { .. } | Ref::List(_) => {}
        }
    }
}

/// Writes `extra`: the members that the catalogue does not know, and what fields could not express.
fn write_extra(extra: &Extra, told: Vec<Told>, out: &mut Vec<u8>) {
    if told.is_empty() {
        for (name, json) in extra.iter() {
            entry(name, json.get(), out);
        }
        return;
    }
    let received = extra.iter().map(|(name, json)| (name, json.get()));
    let mut texts: BTreeMap<&str, &str> = received.collect();
    for Told {
        name,
        json,
        replaces,
    } in &told
    {
        let text = texts.entry(name).or_insert(json);
        if *replaces {
            *text = json;
        }
    }
    for (name, json) in texts {
        entry(name, json, out);
    }
}

fn entry(name: &str, json: &str, out: &mut Vec<u8>) {
    nested(EXTRA, out, |out| {
        for (tag, text) in [(1, name), (2, json)] {
            if !text.is_empty() {
                block(tag, text.as_bytes(), out);
            }
        }
    });
}

fn varint(tag: u32, bits: u64, out: &mut Vec<u8>) {
    encode_key(tag, WireType::Varint, out);
    encode_varint(bits, out);
}

fn block(tag: u32, content: &[u8], out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(length(content.len()), out);
    out.extend_from_slice(content);
}

/// Writes what is as long as `content` makes it. Most is shorter than 128 bytes, so one byte is left
/// for the length; the rest moves if it takes more.
fn nested(tag: u32, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    encode_key(tag, WireType::LengthDelimited, out);
    let start = out.len();
    out.push(0);
    content(out);
    let length = length(out.len() - start - 1);
    match (u8::try_from(length), out.get_mut(start)) {
        (Ok(short @ ..128), Some(place)) => *place = short,
        _ => {
            let mut bytes = Vec::with_capacity(10);
            encode_varint(length, &mut bytes);
            out.splice(start..=start, bytes);
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
