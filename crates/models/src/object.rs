//! JSON objects: how generated messages are read and written.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _, MapAccess};
use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use crate::Extra;
use crate::tolerant::{Outcome, ReadJson, Reader};

/// A message that is one JSON object.
///
/// `serde`'s derives would need `flatten` to keep unknown members, which buffers
/// the whole object and turns large numbers into floating point. Generated
/// messages implement these two functions instead and get `Serialize`,
/// `Deserialize` and [`ReadJson`] from them.
///
/// Members that the catalogue knows are written from their own fields only: what a tolerant reader
/// kept of an odd one in [`Object::extra`] never leaves the process as JSON again.
pub trait Object:
    Serialize + ReadJson + Clone + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
    /// The names of the members that the catalogue knows.
    const MEMBERS: &'static [&'static str];

    /// Takes the member `name` from `members`; returns false, taking nothing, if it is unknown.
    ///
    /// # Errors
    ///
    /// Fails if the value has the wrong JSON type and `members` are read strictly.
    fn read_member<M: Members>(&mut self, name: &str, members: &mut M) -> Result<bool, M::Error>;

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

/// Where [`Object::read_member`] takes the value of a member from; decides how strictly it is read.
pub trait Members {
    /// Why a value cannot be taken.
    type Error;

    /// Takes the value of the present member; JSON `null` counts as absent.
    ///
    /// # Errors
    ///
    /// Fails if the value has the wrong JSON type and members are read strictly.
    fn take<T: ReadJson>(&mut self) -> Result<Option<T>, Self::Error>;

    /// The same for a member of which both numbers and texts are seen: both are read, also where
    /// members are read strictly.
    ///
    /// # Errors
    ///
    /// Fails if the value has yet another JSON type and members are read strictly.
    fn take_either<T: ReadJson>(&mut self) -> Result<Option<T>, Self::Error>;
}

/// Reads members strictly.
pub(crate) struct Strict<'m, 'de, A> {
    map: &'m mut A,
    input: PhantomData<&'de ()>,
}

impl<'m, A> Strict<'m, '_, A> {
    pub(crate) fn new(map: &'m mut A) -> Self {
        Self {
            map,
            input: PhantomData,
        }
    }
}

impl<'de, A: MapAccess<'de>> Members for Strict<'_, 'de, A> {
    type Error = A::Error;

    fn take<T: ReadJson>(&mut self) -> Result<Option<T>, A::Error> {
        self.map.next_value::<Option<T>>()
    }

    fn take_either<T: ReadJson>(&mut self) -> Result<Option<T>, A::Error> {
        let Some(json) = self.map.next_value::<Option<Box<RawValue>>>()? else {
            return Ok(None);
        };
        let mut reader = Reader::default();
        match T::read_json(&json, &mut reader) {
            Outcome::Whole(value) if reader.saw_only_either() => Ok(Some(value)),
            _ => Err(A::Error::custom("neither a number nor a text")),
        }
    }
}

/// Parses a JSON object into a message.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(json)
}

/// Implements `Serialize`, `Deserialize` and [`ReadJson`] for an [`Object`].
macro_rules! object {
    ($($name:ty),* $(,)?) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $crate::Object::write_members(self, &mut map)?;
                for (name, value) in $crate::Object::extra(self).iter() {
                    if !<Self as $crate::Object>::MEMBERS.contains(&name) {
                        map.serialize_entry(name, value)?;
                    }
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
                            let mut member = $crate::object::Strict::new(&mut map);
                            if !$crate::Object::read_member(&mut object, &name, &mut member)? {
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

        impl $crate::ReadJson for $name {
            const EXPECTED: &'static str = "an object";

            fn read_json(
                json: &serde_json::value::RawValue,
                reader: &mut $crate::Reader,
            ) -> $crate::Outcome<Self> {
                $crate::tolerant::object(json, reader)
            }
        }
    )*};
}

pub(crate) use object;
