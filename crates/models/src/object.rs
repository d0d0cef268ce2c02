//! Messages as types: what a declaration gives besides its table.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{Record, Shape};

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
