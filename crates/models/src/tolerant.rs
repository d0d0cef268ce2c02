//! How answers and notifications are read when they are not quite what the documents say.
//!
//! WeChat writes `"balance": "0"`, `[]` for an empty object, a raw control character in a nickname.
//! What it says was verified or came over TLS, so one odd value must not hide the member of whom it
//! is told, and must not turn a confirmed write into one of unknown outcome. Reading therefore goes
//! on where the strict reader stops:
//!
//! - what can be read without loss is read: `"12"` and `12.0` where an integer is documented, `12`
//!   where a text is, `0`, `1` and `"true"` where a boolean is;
//! - a member of any other type counts as absent, and its JSON text is kept in [`crate::Extra`] of
//!   its own object;
//! - an odd entry of a list is left out of the list, and the JSON text of the whole list is kept in
//!   [`crate::Extra`], so that the places of the entries can still be told. A list of nothing but
//!   odd entries counts as odd itself;
//! - what is no text is repaired first, see [`json_text`].
//!
//! Nobody pays for this with a well-formed answer: the strict reader goes first, and the tolerant
//! one starts over only if it fails. Both fill the same tables, so there is no second description
//! of a message.
//!
//! Only members that the catalogue knows can be odd, so the paths of [`Deviation`]s are made of
//! names from the catalogue and may be logged.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::DecodeError;
use crate::record::{Field, Kind, List, Record, Slot};

mod deviation;
mod loose;
mod scalar;
mod text;

pub use self::deviation::{Deviation, DeviationKind};
pub use self::loose::LooseObject;
pub use self::text::json_text;

/// So many deviations of one message are told apart.
const MAX_DEVIATIONS: usize = 500;

/// What was made of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All of it was read.
    Whole,
    /// Entries of a list were left out.
    Part,
    /// It is of another type.
    Odd,
}

/// Where a tolerant reader is, and what it has seen.
#[derive(Debug, Default)]
struct Reader {
    path: String,
    deviations: Vec<Deviation>,
}

impl Reader {
    /// Notes a deviation of the value that is being read.
    fn note(&mut self, kind: DeviationKind, expected: &'static str) {
        match self.deviations.len() {
            MAX_DEVIATIONS => self
                .deviations
                .push(Deviation::new("", DeviationKind::More, "less")),
            0..MAX_DEVIATIONS => {
                self.deviations
                    .push(Deviation::new(self.path.as_str(), kind, expected));
            }
            _ => {}
        }
    }

    /// Tells whether nothing was noted but a number for a text or a text for a number.
    fn saw_only_either(&self) -> bool {
        self.deviations.iter().all(Deviation::is_either)
    }

    fn within<T>(&mut self, step: fmt::Arguments<'_>, read: impl FnOnce(&mut Self) -> T) -> T {
        use fmt::Write as _;

        let length = self.path.len();
        // Writing to a `String` does not fail.
        let _ = self.path.write_fmt(step);
        let value = read(self);
        self.path.truncate(length);
        value
    }

    fn within_member<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.within(format_args!("{dot}{name}"), read)
    }
}

/// Reads an empty message tolerantly and tells every deviation, `null` included.
///
/// # Errors
///
/// Fails if the body is not one JSON object.
pub(crate) fn read(message: &mut dyn Record, body: &[u8]) -> Result<Vec<Deviation>, DecodeError> {
    let text = json_text(body);
    let mut reader = Reader::default();
    if text.as_bytes() != body {
        reader.note(DeviationKind::NotText, "UTF-8 text");
    }
    let pairs: Pairs<'_> = serde_json::from_str(&text).map_err(DecodeError::json)?;
    fill(message, pairs, &mut reader);
    Ok(reader.deviations)
}

/// Reads a member of which both numbers and texts are seen, for a strict reader; returns false if it
/// is neither.
pub(crate) fn read_either(
    record: &mut dyn Record,
    index: usize,
    field: &Field,
    json: &RawValue,
) -> bool {
    let mut reader = Reader::default();
    match record.slot(index) {
        Some(slot) => {
            read_value(slot, field, json, &mut reader) == Outcome::Whole && reader.saw_only_either()
        }
        None => false,
    }
}

fn fill(message: &mut dyn Record, pairs: Pairs<'_>, reader: &mut Reader) {
    let shape = message.shape();
    for (name, value) in pairs.0 {
        let place = shape.members.iter().position(|member| *member == name);
        let index = place.map(|place| shape.first_member() + place);
        let known = index.and_then(|index| Some((shape.fields.get(index)?, message.slot(index)?)));
        let is_kept = match known {
            Some((field, slot)) => read_member(slot, field, value, reader),
            None => true,
        };
        if is_kept {
            message
                .extra_mut()
                .insert(name.into_owned(), value.to_owned());
        } else if !message.extra().is_empty() {
            // Of members with the same name the last one counts, as in the strict reader.
            message.extra_mut().remove(&name);
        }
    }
}

/// Reads a member that the catalogue knows; returns whether its JSON text must be kept.
fn read_member(slot: &mut dyn Slot, field: &Field, value: &RawValue, reader: &mut Reader) -> bool {
    let before = reader.deviations.len();
    let outcome = reader.within_member(field.name, |reader| {
        if value.get() == "null" {
            reader.note(DeviationKind::Null, field.expected());
            slot.clear();
            return Outcome::Whole;
        }
        let outcome = read_value(slot, field, value, reader);
        if outcome == Outcome::Odd {
            reader.note(DeviationKind::Odd, field.expected());
            slot.clear();
        }
        outcome
    });
    if field.is_either {
        for deviation in reader.deviations.iter_mut().skip(before) {
            deviation.is_seen = deviation.is_either();
        }
    }
    outcome != Outcome::Whole
}

fn read_value(slot: &mut dyn Slot, field: &Field, json: &RawValue, reader: &mut Reader) -> Outcome {
    if field.is_list {
        return match slot.list() {
            Some(list) => read_list(list, field.kind, json, reader),
            None => Outcome::Odd,
        };
    }
    let is_read = match object(field.kind, json) {
        Some(pairs) => match (pairs, slot.object()) {
            (Some(pairs), Some(record)) => {
                fill(record, pairs, reader);
                true
            }
            _ => false,
        },
        None => scalar::read(field.kind, json, reader).is_some_and(|value| slot.set(value)),
    };
    if is_read {
        Outcome::Whole
    } else {
        Outcome::Odd
    }
}

/// Splits an object; `None` if none is expected.
fn object(kind: Kind, json: &RawValue) -> Option<Option<Pairs<'_>>> {
    matches!(kind, Kind::Object(_)).then(|| serde_json::from_str(json.get()).ok())
}

fn read_list(list: &mut dyn List, kind: Kind, json: &RawValue, reader: &mut Reader) -> Outcome {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json.get()) else {
        return Outcome::Odd;
    };
    let before = reader.deviations.len();
    let mut is_whole = true;
    list.clear();
    list.reserve(items.len());
    for (index, item) in items.iter().enumerate() {
        is_whole &= reader.within(format_args!("[{index}]"), |reader| {
            if item.get() == "null" {
                reader.note(DeviationKind::Null, kind.expected());
                return false;
            }
            let is_read = match object(kind, item) {
                Some(Some(pairs)) => match list.push_object() {
                    Some(record) => {
                        fill(record, pairs, reader);
                        true
                    }
                    None => false,
                },
                Some(None) => false,
                None => scalar::read(kind, item, reader).is_some_and(|value| list.push(value)),
            };
            if !is_read {
                reader.note(DeviationKind::Odd, kind.expected());
            }
            is_read
        });
    }
    if is_whole {
        Outcome::Whole
    } else if list.len() == 0 && items.iter().any(|item| item.get() != "null") {
        // Told once, for the list.
        reader.deviations.truncate(before);
        Outcome::Odd
    } else {
        Outcome::Part
    }
}

/// The members of an object, their values not yet read.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    pairs.push((name.0, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// A name, borrowed where it holds no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
