//! The encoded descriptor set: what the compiler writes, without the places that carry no comment.

use prost::Message as _;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};

use crate::Error;

/// Drops the source locations that carry no comment: most of them, and three quarters of the size. All else stays byte
/// for byte.
pub(crate) fn commented(set: &[u8]) -> Result<Vec<u8>, Error> {
    const FILE: u32 = 1;
    const SOURCE_CODE_INFO: u32 = 9;
    const LOCATION: u32 = 1;
    fields(set, &mut |tag, file| {
        let in_file = &mut |tag, info: &[u8]| {
            let has_comment = &mut |tag, location: &[u8]| {
                if tag != LOCATION {
                    return Ok(Some(location.to_vec()));
                }
                let place = prost_types::source_code_info::Location::decode(location)
                    .map_err(|error| Error::new(error.to_string()))?;
                let is_told = place.leading_comments.is_some()
                    || place.trailing_comments.is_some()
                    || !place.leading_detached_comments.is_empty();
                Ok(is_told.then(|| location.to_vec()))
            };
            if tag == SOURCE_CODE_INFO {
                fields(info, has_comment).map(Some)
            } else {
                Ok(Some(info.to_vec()))
            }
        };
        if tag == FILE {
            fields(file, in_file).map(Some)
        } else {
            Ok(Some(file.to_vec()))
        }
    })
}

/// What becomes of a length-delimited field.
type Keep<'a> = dyn FnMut(u32, &[u8]) -> Result<Option<Vec<u8>>, Error> + 'a;

/// Writes a message again with what `keep` makes of each length-delimited field; `None` drops it.
fn fields(mut message: &[u8], keep: &mut Keep<'_>) -> Result<Vec<u8>, Error> {
    let fault = |error: prost::DecodeError| Error::new(error.to_string());
    let mut out = Vec::with_capacity(message.len());
    while !message.is_empty() {
        let start = message;
        let (tag, kind) = decode_key(&mut message).map_err(fault)?;
        if kind == WireType::LengthDelimited {
            let length = decode_varint(&mut message).map_err(fault)?;
            let length = usize::try_from(length).map_err(|error| Error::new(error.to_string()))?;
            let (content, rest) = message
                .split_at_checked(length)
                .ok_or_else(|| Error::new("a descriptor ends in its middle".to_owned()))?;
            message = rest;
            if let Some(content) = keep(tag, content)? {
                encode_key(tag, kind, &mut out);
                let length = u64::try_from(content.len());
                encode_varint(
                    length.map_err(|error| Error::new(error.to_string()))?,
                    &mut out,
                );
                out.extend_from_slice(&content);
            }
        } else {
            skip_field(kind, tag, &mut message, DecodeContext::default()).map_err(fault)?;
            let (copied, _) = start.split_at(start.len() - message.len());
            out.extend_from_slice(copied);
        }
    }
    Ok(out)
}
