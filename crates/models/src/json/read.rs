//! Strict reading: a value of another type than the documented one is an error.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::record::{Field, Kind, List, Record, Shape, Slot, Value};
use crate::sensitive::Sensitive;
use crate::tolerant;

/// An empty message that is about to be read.
pub(crate) struct Reading<'r>(pub(crate) &'r mut dyn Record);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let shape = self.0.shape();
        let record = self.0;
        let mut next = 0;
        while let Some(name) = map.next_key_seed(Name { shape, next })? {
            let place = match name {
                Named::Member(place) => place,
                Named::Unknown(name) => {
                    let value = map.next_value::<Box<RawValue>>()?;
                    record.extra_mut().insert(name, value);
                    continue;
                }
            };
            next = place + 1;
            let index = shape.first_member() + place;
            let Some(field) = shape.fields.get(index) else {
                continue;
            };
            if field.is_either {
                if let Some(json) = map.next_value::<Option<Box<RawValue>>>()? {
                    if !tolerant::read_either(record, index, field, &json) {
                        return Err(A::Error::custom("neither a number nor a text"));
                    }
                } else if let Some(slot) = record.slot(index) {
                    slot.clear();
                }
            } else if let Some(slot) = record.slot(index) {
                map.next_value_seed(Present { field, slot })?;
            }
        }
        Ok(())
    }
}

/// The name of a member. Names mostly come in the order of the catalogue, so the one after the last is
/// tried first.
struct Name {
    shape: &'static Shape,
    next: usize,
}

enum Named {
    /// The place in [`Shape::members`].
    Member(usize),
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Named, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Named, E> {
        let members = self.shape.members;
        if members.get(self.next) == Some(&name) {
            return Ok(Named::Member(self.next));
        }
        Ok(match members.iter().position(|member| *member == name) {
            Some(place) => Named::Member(place),
            None => Named::Unknown(name.to_owned()),
        })
    }
}

/// The value of a member that is there; `null` counts as absent.
struct Present<'r> {
    field: &'static Field,
    slot: &'r mut dyn Slot,
}

impl<'de> DeserializeSeed<'de> for Present<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Present<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.expected())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        self.slot.clear();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.slot.clear();
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let target: Target<'_> = match self.field.is_list {
            true => match self.slot.list() {
                Some(list) => {
                    list.clear();
                    return deserializer.deserialize_seq(Entries {
                        kind: self.field.kind,
                        list,
                    });
                }
                None => Target::Slot(self.slot),
            },
            false => Target::Slot(self.slot),
        };
        read_single(self.field.kind, target, deserializer)
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
        let (kind, list) = (self.kind, self.list);
        while entries.next_element_seed(Entry { kind, list })?.is_some() {}
        Ok(())
    }
}

struct Entry<'r> {
    kind: Kind,
    list: &'r mut dyn List,
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        read_single(self.kind, Target::List(self.list), deserializer)
    }
}

/// Where a single value goes.
pub(crate) enum Target<'r> {
    Slot(&'r mut dyn Slot),
    List(&'r mut dyn List),
}

impl<'r> Target<'r> {
    /// Puts a new, empty object there; `None` if none is taken.
    pub(crate) fn object(self) -> Option<&'r mut dyn Record> {
        match self {
            Self::Slot(slot) => slot.object(),
            Self::List(list) => list.push_object(),
        }
    }

    pub(crate) fn put(self, value: Value<'_>) {
        // Kinds and types come from one declaration, so nothing is refused.
        let _ = match self {
            Self::Slot(slot) => slot.set(value),
            Self::List(list) => list.push(value),
        };
    }
}

/// Reads a value that is no list.
pub(crate) fn read_single<'de, D: Deserializer<'de>>(
    kind: Kind,
    target: Target<'_>,
    deserializer: D,
) -> Result<(), D::Error> {
    match kind {
        Kind::Text | Kind::Personal | Kind::Secret | Kind::Word(_) => {
            return deserializer.deserialize_str(Text(target));
        }
        Kind::Object(_) => {
            return match target.object() {
                Some(record) => Reading(record).deserialize(deserializer),
                None => Err(D::Error::custom("no object is expected")),
            };
        }
        Kind::Sensitive => target.put(Value::Sensitive(Sensitive::deserialize(deserializer)?)),
        Kind::Integer => target.put(Value::Integer(i64::deserialize(deserializer)?)),
        Kind::Boolean => target.put(Value::Boolean(bool::deserialize(deserializer)?)),
        Kind::Bytes => return Err(D::Error::custom("a file is no member of a JSON object")),
    }
    Ok(())
}

/// A text, which nobody copies before it is known whether it is a word.
struct Text<'r>(Target<'r>);

impl Visitor<'_> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.put(Value::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_string<E>(self, text: String) -> Result<(), E> {
        self.0.put(Value::Text(Cow::Owned(text)));
        Ok(())
    }
}
