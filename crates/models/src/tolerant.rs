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
//! one starts over only if it fails. Both fill the same types through [`ReadJson`] and
//! [`crate::Object::read_member`], so there is no second description of a message.
//!
//! Only members that the catalogue knows can be odd, so the paths of [`Deviation`]s are made of
//! names from the catalogue and may be logged.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::endpoint::DecodeError;
use crate::object::{Members, Object};

mod deviation;
mod loose;
mod scalar;
mod text;

pub use self::deviation::{Deviation, DeviationKind};
pub use self::loose::LooseObject;
pub use self::text::json_text;

/// So many deviations of one message are told apart.
const MAX_DEVIATIONS: usize = 500;

/// A type whose JSON can be read strictly, by [`Deserialize`], and tolerantly.
pub trait ReadJson: DeserializeOwned {
    /// What the documents want, in words: `an integer`.
    const EXPECTED: &'static str;

    /// Reads as much of one JSON value as can be read without loss.
    fn read_json(json: &RawValue, reader: &mut Reader) -> Outcome<Self>;
}

/// What was made of a JSON value.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// All of it was read.
    Whole(T),
    /// Entries of a list were left out.
    Part(T),
    /// It is of another type.
    Odd,
}

/// Where a tolerant reader is, and what it has seen.
#[derive(Debug, Default)]
pub struct Reader {
    path: String,
    deviations: Vec<Deviation>,
}

impl Reader {
    /// Notes a deviation of the value that is being read.
    pub(crate) fn note(&mut self, kind: DeviationKind, expected: &'static str) {
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
    pub(crate) fn saw_only_either(&self) -> bool {
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

/// Reads a message: strictly if that works, else tolerantly. The deviations are empty if it does.
///
/// # Errors
///
/// Fails if the body is not one JSON object.
pub(crate) fn read<T: Object>(body: &[u8]) -> Result<(T, Vec<Deviation>), DecodeError> {
    match serde_json::from_slice(body) {
        Ok(message) => Ok((message, Vec::new())),
        Err(_) => read_tolerantly(body),
    }
}

/// Reads a message tolerantly and tells every deviation, `null` included.
///
/// # Errors
///
/// Fails if the body is not one JSON object.
pub(crate) fn read_tolerantly<T: Object>(body: &[u8]) -> Result<(T, Vec<Deviation>), DecodeError> {
    let text = json_text(body);
    let mut reader = Reader::default();
    if text.as_bytes() != body {
        reader.note(DeviationKind::NotText, "UTF-8 text");
    }
    let pairs: Pairs<'_> = serde_json::from_str(&text).map_err(DecodeError::json)?;
    let message = fill(pairs, &mut reader);
    Ok((message, reader.deviations))
}

/// Reads one object; used by the implementations of [`ReadJson`] for messages.
pub(crate) fn object<T: Object>(json: &RawValue, reader: &mut Reader) -> Outcome<T> {
    match serde_json::from_str::<Pairs<'_>>(json.get()) {
        Ok(pairs) => Outcome::Whole(fill(pairs, reader)),
        Err(_) => Outcome::Odd,
    }
}

fn fill<T: Object>(pairs: Pairs<'_>, reader: &mut Reader) -> T {
    let mut message = T::default();
    for (name, value) in pairs.0 {
        let mut member = Member {
            name: &name,
            value,
            reader,
            is_kept: false,
        };
        let Ok(is_known) = message.read_member(&name, &mut member);
        if !is_known || member.is_kept {
            message
                .extra_mut()
                .insert(name.into_owned(), value.to_owned());
        } else if !message.extra().is_empty() {
            // Of members with the same name the last one counts, as in the strict reader.
            message.extra_mut().remove(&name);
        }
    }
    message
}

/// One member of an object that is read tolerantly.
struct Member<'a> {
    name: &'a str,
    value: &'a RawValue,
    reader: &'a mut Reader,
    /// The JSON text must be kept.
    is_kept: bool,
}

impl Members for Member<'_> {
    type Error = Infallible;

    fn take<T: ReadJson>(&mut self) -> Result<Option<T>, Infallible> {
        let value = self.value;
        let outcome = self.reader.within_member(self.name, |reader| {
            if value.get() == "null" {
                reader.note(DeviationKind::Null, T::EXPECTED);
                return None;
            }
            let outcome = T::read_json(value, reader);
            if matches!(outcome, Outcome::Odd) {
                reader.note(DeviationKind::Odd, T::EXPECTED);
            }
            Some(outcome)
        });
        self.is_kept = matches!(outcome, Some(Outcome::Odd | Outcome::Part(_)));
        Ok(match outcome {
            Some(Outcome::Whole(value) | Outcome::Part(value)) => Some(value),
            Some(Outcome::Odd) | None => None,
        })
    }

    fn take_either<T: ReadJson>(&mut self) -> Result<Option<T>, Infallible> {
        let before = self.reader.deviations.len();
        let value = self.take()?;
        for deviation in self.reader.deviations.iter_mut().skip(before) {
            deviation.is_seen = deviation.is_either();
        }
        Ok(value)
    }
}

impl<T: ReadJson> ReadJson for Vec<T> {
    const EXPECTED: &'static str = "a list";

    fn read_json(json: &RawValue, reader: &mut Reader) -> Outcome<Self> {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json.get()) else {
            return Outcome::Odd;
        };
        let before = reader.deviations.len();
        let mut values = Self::with_capacity(items.len());
        let mut is_whole = true;
        for (index, item) in items.iter().enumerate() {
            let outcome = reader.within(format_args!("[{index}]"), |reader| {
                let outcome = match item.get() {
                    "null" => {
                        reader.note(DeviationKind::Null, T::EXPECTED);
                        return Outcome::Odd;
                    }
                    _ => T::read_json(item, reader),
                };
                if matches!(outcome, Outcome::Odd) {
                    reader.note(DeviationKind::Odd, T::EXPECTED);
                }
                outcome
            });
            match outcome {
                Outcome::Whole(value) => values.push(value),
                Outcome::Part(value) => {
                    values.push(value);
                    is_whole = false;
                }
                Outcome::Odd => is_whole = false,
            }
        }
        if is_whole {
            Outcome::Whole(values)
        } else if values.is_empty() && items.iter().any(|item| item.get() != "null") {
            // Told once, for the list.
            reader.deviations.truncate(before);
            Outcome::Odd
        } else {
            Outcome::Part(values)
        }
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
