//! Messages to keep: an exact codec for whoever has to give the same message back later, after a
//! restart too.
//!
//! The wire says less than a message holds: parameters stand outside the body, a sensitive field must
//! be encrypted, and an odd value in [`Record::extra`] gives way to the field of that name. An archive
//! keeps all of it: what is read [is the same](trait.Record.html#method.is_same) as what was
//! written, and what is written of the same message is the same bytes.
//!
//! An archive is one JSON object with a member for each value that is there. The name of a member is
//! that of the field on the wire; a field outside of the body has its place before it (`path:code`), and
//! so has what the catalogue does not know (`extra:moon`), which is kept as the text of its JSON. A
//! sensitive field is `{"plain": …}` or `{"encrypted": …}`, the content of a file is base64.
//!
//! An archive outlives a version: what stands in one is readable by later versions. What a later version
//! wrote and this one does not know is an error and not left out, since it would not be the same
//! message. **It holds personal data and credentials in clear: whoever stores it seals it.**

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::json::{Target, read_single};
use crate::operation::{AnyAnswer, AnyEndpoint, Operation};
use crate::record::{Field, Kind, List, Place, Record, Ref, Slot, Value};
use crate::sensitive::Sensitive;

/// The place of a member that the catalogue does not know.
const EXTRA: &str = "extra";

/// Writes a message. The result holds personal data in clear.
#[expect(
    clippy::expect_used,
    reason = "texts, integers and truths go into memory, under keys that are texts"
)]
pub fn write(record: &dyn Record) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    serde_json::to_writer(&mut out, &Kept(record)).expect("memory takes every JSON");
    out
}

/// Reads an archive into an empty message. After a failure the message holds what came before it.
///
/// # Errors
///
/// Fails if the bytes are not the archive of such a message, or hold what this version does not know.
pub fn read(record: &mut dyn Record, bytes: &[u8]) -> Result<(), ArchiveError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Reading(record)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(ArchiveError::json)
}

/// Reads the archive of a request.
///
/// # Errors
///
/// As [`read`], and if there is no such operation.
pub fn read_request(
    operation_id: &str,
    bytes: &[u8],
) -> Result<Box<dyn AnyEndpoint>, ArchiveError> {
    let mut request = operation(operation_id)?.new_request();
    read(&mut *request, bytes)?;
    Ok(request)
}

/// Reads the archive of an answer.
///
/// # Errors
///
/// As [`read`], and if there is no such operation.
pub fn read_answer(operation_id: &str, bytes: &[u8]) -> Result<Box<dyn AnyAnswer>, ArchiveError> {
    let mut answer = operation(operation_id)?.new_answer();
    read(&mut *answer, bytes)?;
    Ok(answer)
}

fn operation(id: &str) -> Result<&'static Operation, ArchiveError> {
    Operation::find(id).ok_or(ArchiveError(Cause::Operation))
}

/// Archives a message that is a part of something else: `#[serde(with = "kabao_models::archive::boxed")]`.
pub mod boxed {
    use super::{
        DeserializeSeed as _, Deserializer, Kept, Reading, Record, Serialize as _, Serializer,
    };

    /// Writes the message.
    ///
    /// # Errors
    ///
    /// Those of the serialiser.
    #[expect(clippy::borrowed_box, reason = "what serde hands over")]
    pub fn serialize<M: Record, S: Serializer>(
        message: &Box<M>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Kept(&**message).serialize(serializer)
    }

    /// Reads the message.
    ///
    /// # Errors
    ///
    /// Those of the deserialiser, which may show values; and as [`read`](super::read).
    pub fn deserialize<'de, M: Record + Default, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<M>, D::Error> {
        let mut message = Box::<M>::default();
        Reading(&mut *message).deserialize(deserializer)?;
        Ok(message)
    }
}

/// Why an archive cannot be read. It tells places and never values.
#[derive(Debug)]
pub struct ArchiveError(Cause);

#[derive(Debug)]
enum Cause {
    Operation,
    Text { line: usize, column: usize },
    Content { line: usize, column: usize },
}

impl ArchiveError {
    /// Leaves the text of the error behind, which quotes what was read.
    #[expect(clippy::needless_pass_by_value, reason = "the end of the error")]
    fn json(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        Self(match error.classify() {
            serde_json::error::Category::Data => Cause::Content { line, column },
            _ => Cause::Text { line, column },
        })
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::Operation => f.write_str("the archive is of an operation that is not known"),
            Cause::Text { line, column } => write!(
                f,
                "the archive is not one whole JSON text (line {line}, column {column})"
            ),
            Cause::Content { line, column } => write!(
                f,
                "the archive does not fit the message that is known (line {line}, column {column})"
            ),
        }
    }
}

impl std::error::Error for ArchiveError {}

/// Where a field stands, as it is said in the name of its member.
fn place(field: &Field) -> Option<&'static str> {
    match field.place {
        Place::Body => None,
        Place::Path => Some("path"),
        Place::Query => Some("query"),
        Place::Part => Some("part"),
        Place::Filename => Some("filename"),
    }
}

/// The name of a member.
struct Name<'n> {
    place: Option<&'static str>,
    name: &'n str,
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}:")?;
        }
        f.write_str(self.name)
    }
}

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.place {
            None => serializer.serialize_str(self.name),
            Some(_) => serializer.collect_str(self),
        }
    }
}

/// A message to write.
struct Kept<'r>(&'r dyn Record);

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shape = self.0.shape();
        let mut map = serializer.serialize_map(None)?;
        let mut written = Ok(());
        self.0.each(&mut |index, value| {
            if let (Some(field), Ok(())) = (shape.fields.get(index), &written) {
                let name = Name {
                    place: place(field),
                    name: field.name,
                };
                written = map.serialize_entry(&name, &KeptValue(value));
            }
        });
        written?;
        for (name, json) in self.0.extra().iter() {
            let name = Name {
                place: Some(EXTRA),
                name,
            };
            map.serialize_entry(&name, json.get())?;
        }
        map.end()
    }
}

/// A sensitive field, whose state is a part of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State<'t> {
    Plain(Cow<'t, str>),
    Encrypted(Cow<'t, str>),
}

/// A value to write.
struct KeptValue<'r>(Ref<'r>);

impl Serialize for KeptValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            // Neither a field that is visited nor an entry of a list is absent.
            Ref::Absent => serializer.serialize_unit(),
            Ref::Text(text) | Ref::Word { text, .. } => serializer.serialize_str(text),
            Ref::Sensitive(Sensitive::Plain(text)) => {
                State::Plain(text.into()).serialize(serializer)
            }
            Ref::Sensitive(Sensitive::Encrypted(text)) => {
                State::Encrypted(text.into()).serialize(serializer)
            }
            Ref::Integer(number) => serializer.serialize_i64(number),
            Ref::Boolean(truth) => serializer.serialize_bool(truth),
            Ref::Bytes(content) => serializer.serialize_str(&STANDARD.encode(content)),
            Ref::Object(record) => Kept(record).serialize(serializer),
            Ref::List(list) => {
                serializer.collect_seq((0..list.len()).map(|index| KeptValue(list.get(index))))
            }
        }
    }
}

/// An empty message that is about to be read.
struct Reading<'r>(&'r mut dyn Record);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an archived message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let record = self.0;
        let fields = record.shape().fields;
        while let Some(key) = map.next_key::<String>()? {
            let (at, name) = match key.split_once(':') {
                Some((EXTRA, name)) => {
                    let json = map.next_value()?;
                    let taken = record.extra_mut().insert_json(name, json);
                    taken.map_err(|_| A::Error::custom("an unknown member is no JSON"))?;
                    continue;
                }
                Some((at, name)) => (Some(at), name),
                None => (None, key.as_str()),
            };
            let is_named = |field: &Field| field.name == name && place(field) == at;
            let known = fields.iter().enumerate().find(|(_, field)| is_named(field));
            let place = known.and_then(|(index, field)| Some((field, record.slot(index)?)));
            let Some((field, slot)) = place else {
                return Err(A::Error::custom("a member that is not known"));
            };
            map.next_value_seed(Filling { field, slot })?;
        }
        Ok(())
    }
}

/// The value of a field.
struct Filling<'r> {
    field: &'static Field,
    slot: &'r mut dyn Slot,
}

impl<'de> DeserializeSeed<'de> for Filling<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let kind = self.field.kind;
        if !self.field.is_list {
            let target = Target::Slot(self.slot);
            return Single { kind, target }.deserialize(deserializer);
        }
        let list = self.slot.list();
        let list = list.ok_or_else(|| D::Error::custom("no list is expected"))?;
        list.clear();
        deserializer.deserialize_seq(Entries { kind, list })
    }
}

/// The entries of a list.
struct Entries<'r> {
    kind: Kind,
    list: &'r mut dyn List,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let kind = self.kind;
        loop {
            let target = Target::List(&mut *self.list);
            if entries
                .next_element_seed(Single { kind, target })?
                .is_none()
            {
                return Ok(());
            }
        }
    }
}

/// A single value.
struct Single<'r> {
    kind: Kind,
    target: Target<'r>,
}

impl<'de> DeserializeSeed<'de> for Single<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value = match self.kind {
            Kind::Object(_) => {
                let record = self.target.object();
                let record = record.ok_or_else(|| D::Error::custom("no object is expected"))?;
                return Reading(record).deserialize(deserializer);
            }
            Kind::Sensitive => Value::Sensitive(match State::deserialize(deserializer)? {
                State::Plain(text) => Sensitive::Plain(text.into_owned()),
                State::Encrypted(text) => Sensitive::Encrypted(text.into_owned()),
            }),
            Kind::Bytes => {
                let content = STANDARD.decode(String::deserialize(deserializer)?);
                let content = content.map_err(|_| D::Error::custom("a file is no base64"))?;
                Value::Bytes(Bytes::from(content))
            }
            _ => return read_single(self.kind, self.target, deserializer),
        };
        self.target.put(value);
        Ok(())
    }
}
