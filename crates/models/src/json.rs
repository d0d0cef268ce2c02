//! The JSON of messages, read strictly and written, once for all of them.
//!
//! `serde`'s derives would need `flatten` to keep unknown members, which buffers each object and turns
//! large numbers into floating point; and they would be compiled once a message. These walk the
//! table of a message instead.

use serde::ser::Error as _;
use serde::{Serialize as _, Serializer};
use serde_json::value::RawValue;

use crate::error::DecodeError;
use crate::record::Record;
use crate::tolerant::{self, Deviation};

mod read;
mod write;

pub(crate) use self::read::{Reading, Target, read_single};

/// Reads a JSON object into an empty message. After a failure the message holds what came before it.
pub(crate) fn read(record: &mut dyn Record, json: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    serde::de::DeserializeSeed::deserialize(Reading(record), &mut deserializer)?;
    deserializer.end()
}

/// Reads a new message: strictly if that works, else tolerantly. The deviations are empty if it does.
///
/// # Errors
///
/// Fails if the body is not one JSON object.
pub(crate) fn read_received<M>(
    new: impl Fn() -> M,
    record: impl Fn(&mut M) -> &mut dyn Record,
    body: &[u8],
) -> Result<(M, Vec<Deviation>), DecodeError> {
    let mut message = new();
    if read(record(&mut message), body).is_ok() {
        return Ok((message, Vec::new()));
    }
    let mut message = new();
    let deviations = tolerant::read(record(&mut message), body)?;
    Ok((message, deviations))
}

/// Writes a message.
pub(crate) fn write(record: &dyn Record) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(128);
    write::write_object(record, &mut out)?;
    Ok(out)
}

/// Writes a message as a part of something else, which must be JSON.
pub(crate) fn serialize<S: Serializer>(
    record: &dyn Record,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let json = write(record).map_err(S::Error::custom)?;
    let json = String::from_utf8(json).map_err(S::Error::custom)?;
    RawValue::from_string(json)
        .map_err(S::Error::custom)?
        .serialize(serializer)
}
