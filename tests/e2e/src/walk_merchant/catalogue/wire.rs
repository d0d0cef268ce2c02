//! As much of the protobuf encoding as the catalogue's messages use: varints and what has a length.

/// A field of an encoded message.
pub(super) enum Field {
    Integer,
    Bytes(Vec<u8>),
}

impl Field {
    /// The content of a text or a message.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Integer => panic!("an integer is no message"),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Returns the fields of an encoded message with their numbers.
pub(super) fn read(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = read_varint(&mut bytes);
        let field = match key & 7 {
            0 => {
                read_varint(&mut bytes);
                Field::Integer
            }
            2 => {
                let length = usize::try_from(read_varint(&mut bytes)).unwrap();
                let (content, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(content.to_vec())
            }
            kind => panic!("no message of Kabao has wire type {kind}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn read_varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a whole varint");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
    }
    panic!("a varint has at most ten bytes")
}

pub(super) fn write_text(out: &mut Vec<u8>, number: u64, text: &str) {
    write_bytes(out, number, text.as_bytes());
}

pub(super) fn write_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    write_varint(out, number << 3 | 2);
    write_varint(out, u64::try_from(bytes.len()).unwrap());
    out.extend_from_slice(bytes);
}

/// Writes an int64, a boolean or an enumeration: negative numbers take ten bytes.
pub(super) fn write_integer(out: &mut Vec<u8>, number: u64, value: i64) {
    write_varint(out, number << 3);
    write_varint(out, value.cast_unsigned());
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}
