//! Messages as types: what a declaration gives besides its table.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{Entry, Inner, Kind, Record, Ref, Shape, Value};
use crate::sensitive::Sensitive;

/// A message that is known by its type.
///
/// Its JSON is read and written by what is written once for all messages (`json`), over
/// [`Record`]: unknown members survive as the text that was received, and no number passes through
/// floating point. Members that the catalogue knows are written from their own fields only: what a
/// tolerant reader kept of an odd one in [`Record::extra`] never leaves the process as JSON again.
pub trait Object: Record + Serialize + DeserializeOwned + Clone + Default + PartialEq {
    /// The table of its fields.
    const SHAPE: &'static Shape;
}

/// An object inside another message.
impl<T: Object> Entry for T {
    const KIND: Kind = Kind::Object(T::SHAPE);

    fn get(&self) -> Ref<'_> {
        Ref::Object(self)
    }

    fn of(_: Value<'_>) -> Option<Self> {
        None
    }

    fn empty() -> Option<Self> {
        Some(Self::default())
    }

    fn record(&mut self) -> Option<&mut dyn Record> {
        Some(self)
    }

    fn inner(&mut self) -> Inner<'_> {
        Inner::Object(self)
    }
}

/// Visits every [`Sensitive`] field of a message, nested ones included.
pub trait VisitSensitive {
    /// Calls `visit` with each sensitive field.
    fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive));
}

impl<T: Object> VisitSensitive for T {
    fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {
        let record: &mut dyn Record = self;
        record.visit_sensitive(visit);
    }
}

/// Hands the traits that Rust code expects of a message to what is written once for all.
macro_rules! object {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::json::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut message = Self::default();
                serde::de::DeserializeSeed::deserialize(
                    $crate::json::Reading(&mut message),
                    deserializer,
                )?;
                Ok(message)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::record::is_same(self, other)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::record::show(self, f)
            }
        }
    };
}

pub(crate) use object;
