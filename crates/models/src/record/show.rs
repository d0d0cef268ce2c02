//! Printing and comparing.

use std::fmt;

use super::{Field, Kind, List, Place, Record, Ref};
use crate::private::{Personal, Secret};

/// Prints a message. What is private shows nothing of itself.
pub(crate) fn show(record: &dyn Record, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shape = record.shape();
    let mut out = f.debug_struct(shape.name);
    for (index, field) in shape.fields.iter().enumerate() {
        out.field(
            field.name,
            &Shown {
                field,
                value: record.get(index),
            },
        );
    }
    out.field("extra", record.extra()).finish()
}

struct Shown<'a> {
    field: &'a Field,
    value: Ref<'a>,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Ref::Absent => f.write_str("None"),
            _ if self.field.place == Place::Path => self.bare().fmt(f),
            _ => f.debug_tuple("Some").field(&self.bare()).finish(),
        }
    }
}

impl<'a> Shown<'a> {
    fn bare(&self) -> Bare<'a> {
        Bare {
            kind: self.field.kind,
            value: self.value,
        }
    }
}

struct Bare<'a> {
    kind: Kind,
    value: Ref<'a>,
}

impl fmt::Debug for Bare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Ref::Absent => f.write_str("None"),
            Ref::Text(text) => match self.kind {
                Kind::Personal => Personal::show(text, f),
                Kind::Secret => Secret::show(text, f),
                _ => text.fmt(f),
            },
            Ref::Sensitive(value) => value.fmt(f),
            Ref::Integer(number) => number.fmt(f),
            Ref::Boolean(truth) => truth.fmt(f),
            Ref::Bytes(content) => write!(f, "[{} bytes]", content.len()),
            Ref::Word { text, .. } => text.fmt(f),
            Ref::Object(record) => record.fmt(f),
            Ref::List(list) => {
                let entries = (0..list.len()).map(|index| Self {
                    kind: self.kind,
                    value: list.get(index),
                });
                f.debug_list().entries(entries).finish()
            }
        }
    }
}

/// Compares two messages: the same shape, the same values, the same unknown members.
pub(crate) fn is_same(one: &dyn Record, other: &dyn Record) -> bool {
    let (shape, fields) = (one.shape(), one.shape().fields.len());
    shape.name == other.shape().name
        && fields == other.shape().fields.len()
        && (0..fields).all(|index| is_same_value(one.get(index), other.get(index)))
        && one.extra() == other.extra()
}

fn is_same_value(one: Ref<'_>, other: Ref<'_>) -> bool {
    match (one, other) {
        (Ref::Absent, Ref::Absent) => true,
        (Ref::Text(one), Ref::Text(other)) => one == other,
        (Ref::Sensitive(one), Ref::Sensitive(other)) => one == other,
        (Ref::Integer(one), Ref::Integer(other)) => one == other,
        (Ref::Boolean(one), Ref::Boolean(other)) => one == other,
        (Ref::Bytes(one), Ref::Bytes(other)) => one == other,
        (Ref::Word { text: one, .. }, Ref::Word { text: other, .. }) => one == other,
        (Ref::Object(one), Ref::Object(other)) => is_same(one, other),
        (Ref::List(one), Ref::List(other)) => is_same_list(one, other),
        _ => false,
    }
}

fn is_same_list(one: &dyn List, other: &dyn List) -> bool {
    one.len() == other.len()
        && (0..one.len()).all(|index| is_same_value(one.get(index), other.get(index)))
}
