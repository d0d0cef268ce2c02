//! The JSON of messages, read strictly and written, once for all of them.
//!
//! `serde`'s derives would need `flatten` to keep unknown members, which buffers each object and turns
//! large numbers into floating point; and they would be compiled once a message. These walk the
//! table of a message instead.

mod read;
mod write;

use crate::record::Record;

pub(crate) use self::read::Reading;
pub(crate) use self::write::Written;

/// Reads a JSON object into an empty message. After a failure the message holds what came before it.
pub(crate) fn read(record: &mut dyn Record, json: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    serde::de::DeserializeSeed::deserialize(Reading(record), &mut deserializer)?;
    deserializer.end()
}

/// Writes a message.
pub(crate) fn write(record: &dyn Record) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Written(record))
}
