//! The catalogue as it is read from JSON.

mod field;
mod operation;
mod validation;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::Error;

pub(crate) use self::field::{Field, Kind, Place, Use};
pub(crate) use self::operation::{ErrorRow, Operation, Row, Safety, Upload};

/// The number of the field `extra` in every proto message; those of the catalogue are below it.
pub(crate) const EXTRA: u32 = 1000;

/// A JSON object in the order of its members.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }

        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}

/// One family.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) family: String,
    pub(crate) title: String,
    pub(crate) base_url: String,
    pub(crate) backup_base_url: Option<String>,
    pub(crate) enums: Ordered<Enumeration>,
    /// Rows of error tables that operations share, by name.
    pub(crate) errors: Ordered<ErrorRow>,
    /// The names of those that nearly every operation has: `COMMON`.
    pub(crate) common_errors: Vec<String>,
    pub(crate) messages: Ordered<Message>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) notifications: Vec<Notification>,
}

/// An open enumeration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enumeration {
    pub(crate) doc: String,
    pub(crate) values: Vec<Value>,
}

/// A documented value of an enumeration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Value {
    pub(crate) wire: String,
    pub(crate) number: i32,
    pub(crate) doc: String,
}

/// A shape of a JSON object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) doc: String,
    #[serde(rename = "use")]
    pub(crate) used: Use,
    /// The resource whose file holds it; `types` for shapes that several resources share.
    pub(crate) resource: String,
    pub(crate) fields: Vec<Field>,
}

/// One notification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notification {
    pub(crate) event_type: String,
    pub(crate) title: String,
    pub(crate) original_type: String,
    pub(crate) payload: String,
    pub(crate) docs: Vec<String>,
    pub(crate) notes: Vec<String>,
    #[serde(rename = "example")]
    _example: Option<serde_json::Value>,
}

impl Catalogue {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::at(path, error))?;
        let mut catalogue: Self =
            serde_json::from_str(&text).map_err(|error| Error::at(path, error))?;
        catalogue
            .spell_errors_out()
            .and_then(|()| catalogue.validate())
            .map_err(|error| Error::at(path, error))?;
        Ok(catalogue)
    }

    /// Puts shared rows in the place of their names.
    fn spell_errors_out(&mut self) -> Result<(), Error> {
        let shared: BTreeMap<&str, &ErrorRow> = self
            .errors
            .0
            .iter()
            .map(|(name, row)| (name.as_str(), row))
            .collect();
        let row = |name: &String| {
            let row = shared.get(name.as_str()).copied().cloned();
            row.ok_or_else(|| Error::new(format!("there is no error row {name}")))
        };
        for operation in &mut self.operations {
            for entry in &operation.rows {
                match entry {
                    Row::Common => {
                        for name in &self.common_errors {
                            operation.errors.push(row(name)?);
                        }
                    }
                    Row::Shared(name) => operation.errors.push(row(name)?),
                    Row::Own(own) => operation.errors.push(own.clone()),
                }
            }
        }
        Ok(())
    }

    /// Returns the last part of the proto package of the family.
    pub(crate) fn package(&self) -> String {
        self.family.replace('_', "")
    }

    /// Returns the resources in the order of the operations.
    pub(crate) fn resources(&self) -> Vec<&str> {
        let mut resources: Vec<&str> = Vec::new();
        for operation in &self.operations {
            if !resources.contains(&operation.resource.as_str()) {
                resources.push(&operation.resource);
            }
        }
        resources
    }

    pub(crate) fn messages_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Message)> {
        self.messages
            .0
            .iter()
            .filter(move |(_, message)| message.resource == resource)
            .map(|(name, message)| (name.as_str(), message))
    }

    pub(crate) fn operations_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = &'a Operation> {
        self.operations
            .iter()
            .filter(move |operation| operation.resource == resource)
    }

    pub(crate) fn message(&self, name: &str) -> Option<&Message> {
        self.messages
            .0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, message)| message)
    }

    /// Returns the operation that another one is a variant of.
    pub(crate) fn original(&self, variant: &Operation) -> Option<&Operation> {
        let id = variant.variant_of.as_deref()?;
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// Returns the messages of a resource that callers of gRPC see: all but the JSON parts of
    /// uploads, which the gateway makes itself.
    pub(crate) fn proto_messages_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Message)> {
        self.messages_of(resource).filter(|(name, _)| {
            let is_part = |field: &Field| field.kind() == Kind::Message(name);
            !self
                .operations
                .iter()
                .filter(|operation| operation.is_upload())
                .any(|operation| operation.request.iter().any(is_part))
        })
    }

    /// Returns the module of a message or enumeration.
    pub(crate) fn module_of(&self, name: &str) -> &str {
        self.message(name)
            .map_or("types", |message| message.resource.as_str())
    }
}
