//! JSON objects: how generated messages are read and written.

use serde::de::{DeserializeOwned, MapAccess};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use crate::Extra;

/// A message that is one JSON object.
///
/// `serde`'s derives would need `flatten` to keep unknown members, which buffers
/// the whole object and turns large numbers into floating point. Generated
/// messages implement these two functions instead and get `Serialize` and
/// `Deserialize` from them.
pub trait Object:
    Serialize + DeserializeOwned + Clone + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
    /// The names of the members that the catalogue knows.
    const MEMBERS: &'static [&'static str];

    /// Reads the member `name` from `map`; returns false, reading nothing, if it is unknown.
    ///
    /// # Errors
    ///
    /// Fails if the value has the wrong JSON type.
    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
    ) -> Result<bool, A::Error>;

    /// Writes all present members.
    ///
    /// # Errors
    ///
    /// Fails if a value cannot be written, such as a sensitive field in clear.
    fn write_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    /// Returns the unknown members.
    fn extra(&self) -> &Extra;

    /// Returns the unknown members for a change.
    fn extra_mut(&mut self) -> &mut Extra;
}

/// Writes a member if it is present.
pub(crate) fn put<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &'static str,
    value: &Option<T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

/// Reads a member; JSON `null` counts as absent.
pub(crate) fn take<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
) -> Result<Option<T>, A::Error> {
    map.next_value::<Option<T>>()
}

/// Parses a JSON object into a message.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(json)
}

/// Implements `Serialize` and `Deserialize` for an [`Object`].
macro_rules! object {
    ($($name:ty),* $(,)?) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $crate::Object::write_members(self, &mut map)?;
                for (name, value) in $crate::Object::extra(self).iter() {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut object = <$name>::default();
                        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                            if !$crate::Object::read_member(&mut object, &name, &mut map)? {
                                let value = map.next_value::<Box<serde_json::value::RawValue>>()?;
                                $crate::Object::extra_mut(&mut object).insert(name.into_owned(), value);
                            }
                        }
                        Ok(object)
                    }
                }

                deserializer.deserialize_map(Visitor)
            }
        }
    )*};
}

pub(crate) use object;
