//! Writing.

use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use crate::record::{List, Record, Ref};

/// A message that is about to be written.
pub(crate) struct Written<'r>(pub(crate) &'r dyn Record);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (record, shape) = (self.0, self.0.shape());
        let mut map = serializer.serialize_map(None)?;
        for (name, index) in shape.members.iter().zip(shape.first_member()..) {
            match record.get(index) {
                Ref::Absent => {}
                value => map.serialize_entry(name, &Single(value))?,
            }
        }
        for (name, value) in record.extra().iter() {
            if !shape.members.contains(&name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

struct Single<'r>(Ref<'r>);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Ref::Text(text) | Ref::Word { text, .. } => serializer.serialize_str(text),
            Ref::Sensitive(value) => value.serialize(serializer),
            Ref::Integer(number) => serializer.serialize_i64(number),
            Ref::Boolean(truth) => serializer.serialize_bool(truth),
            Ref::Object(record) => Written(record).serialize(serializer),
            Ref::List(list) => write_list(list, serializer),
            Ref::Absent => serializer.serialize_none(),
            Ref::Bytes(_) => Err(S::Error::custom("a file is no member of a JSON object")),
        }
    }
}

fn write_list<S: Serializer>(list: &dyn List, serializer: S) -> Result<S::Ok, S::Error> {
    let mut entries = serializer.serialize_seq(Some(list.len()))?;
    for index in 0..list.len() {
        entries.serialize_element(&Single(list.get(index)))?;
    }
    entries.end()
}
