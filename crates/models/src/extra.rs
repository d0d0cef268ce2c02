//! Members that the catalogue does not know.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;

use serde_json::value::RawValue;

/// Unknown members of an object, kept as the JSON text that was received.
///
/// Nothing is parsed, so no number is rounded and no order is lost inside a value.
#[derive(Clone, Default)]
pub struct Extra(BTreeMap<String, Box<RawValue>>);

impl Extra {
    /// Returns true if there are no unknown members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of unknown members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a member.
    pub fn insert(&mut self, name: impl Into<String>, value: Box<RawValue>) {
        self.0.insert(name.into(), value);
    }

    /// Adds a member from its JSON text.
    ///
    /// # Errors
    ///
    /// Fails if `json` is not one JSON value.
    pub fn insert_json(
        &mut self,
        name: impl Into<String>,
        json: String,
    ) -> Result<(), serde_json::Error> {
        self.0.insert(name.into(), RawValue::from_string(json)?);
        Ok(())
    }

    /// Removes a member and returns it.
    pub fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.0.remove(name)
    }

    /// Returns the JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get())
    }

    /// Iterates over names and JSON texts, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_ref()))
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|((a, x), (b, y))| a == b && x.get() == y.get())
    }
}

impl Eq for Extra {}

impl IntoIterator for Extra {
    type Item = (String, Box<RawValue>);
    type IntoIter = btree_map::IntoIter<String, Box<RawValue>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Prints the names only: nobody knows whether an unknown member is personal data.
impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
