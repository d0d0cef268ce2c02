//! Writing, straight into bytes.

use serde::ser::Error as _;
use serde_json::Error;

use crate::record::{List, Record, Ref};
use crate::sensitive::Sensitive;

/// Writes a message.
pub(super) fn write_object(record: &dyn Record, out: &mut Vec<u8>) -> Result<(), Error> {
    let shape = record.shape();
    let mut before = b'{';
    let mut written = Ok(());
    record.each(&mut |index, value| {
        let place = index.checked_sub(shape.first_member());
        let name = place.and_then(|place| shape.members.get(place));
        if let (Some(name), Ok(())) = (name, &written) {
            out.push(before);
            before = b',';
            // Names of the catalogue are words, which need no escapes.
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            written = write_value(value, out);
        }
    });
    written?;
    for (name, json) in record.extra().iter() {
        if !shape.members.contains(&name) {
            out.push(before);
            before = b',';
            write_text(name, out)?;
            out.push(b':');
            out.extend_from_slice(json.get().as_bytes());
        }
    }
    if before == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

fn write_value(value: Ref<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Ref::Text(text) | Ref::Word { text, .. } => write_text(text, out),
        Ref::Sensitive(Sensitive::Encrypted(text)) => write_text(text, out),
        Ref::Integer(number) => serde_json::to_writer(out, &number),
        Ref::Boolean(truth) => {
            out.extend_from_slice(if truth { b"true" } else { b"false" });
            Ok(())
        }
        Ref::Object(record) => write_object(record, out),
        Ref::List(list) => write_list(list, out),
        Ref::Sensitive(Sensitive::Plain(_)) => Err(Error::custom(
            "a sensitive field was not encrypted before it was written",
        )),
        Ref::Absent | Ref::Bytes(_) => Err(Error::custom("a value has no JSON")),
    }
}

fn write_list(list: &dyn List, out: &mut Vec<u8>) -> Result<(), Error> {
    out.push(b'[');
    for index in 0..list.len() {
        if index > 0 {
            out.push(b',');
        }
        write_value(list.get(index), out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // No early end, so that many bytes are looked at at once.
    if text
        .bytes()
        .fold(false, |found, byte| found | needs_escape(byte))
    {
        return serde_json::to_writer(out, text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_written_as_serde_writes_them(text in ".*") {
            let mut out = Vec::new();
            write_text(&text, &mut out).unwrap();
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }
    }
}
