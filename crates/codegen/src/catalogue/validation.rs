//! What a catalogue must not say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalogue, EXTRA, Field, Kind, Operation, Place};
use crate::Error;

impl Catalogue {
    pub(super) fn validate(&self) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        for name in self
            .enums
            .0
            .iter()
            .map(|(n, _)| n)
            .chain(self.messages.0.iter().map(|(n, _)| n))
        {
            if !names.insert(name.as_str()) {
                return Err(Error::new(format!("{name} is defined twice")));
            }
        }
        for (name, enumeration) in &self.enums.0 {
            unique(
                name,
                enumeration
                    .values
                    .iter()
                    .map(|value| i64::from(value.number)),
            )?;
        }
        for (name, message) in &self.messages.0 {
            self.validate_fields(name, &message.fields)?;
        }
        let mut ids = BTreeMap::new();
        for operation in &self.operations {
            if ids.insert(operation.id.as_str(), ()).is_some() {
                return Err(Error::new(format!("{} is defined twice", operation.id)));
            }
            self.validate_variant(operation)?;
            self.validate_fields(&operation.id, &operation.request)?;
            if !operation.answer.is_empty() && self.message(&operation.answer).is_none() {
                return Err(Error::new(format!(
                    "{}: no message {}",
                    operation.id, operation.answer
                )));
            }
            if operation.money && operation.effect != "write" {
                return Err(Error::new(format!(
                    "{}: what only reads moves no money",
                    operation.id
                )));
            }
            if operation.repeat.is_some()
                && (operation.effect == "read" || operation.request_number.is_some())
            {
                return Err(Error::new(format!(
                    "{}: reads and numbered writes are safe to repeat by themselves",
                    operation.id
                )));
            }
            if !operation.is_upload()
                && !operation
                    .request
                    .is_sorted_by_key(|field| field.place == Place::Body)
            {
                return Err(Error::new(format!(
                    "{}: the members of the body come last",
                    operation.id
                )));
            }
            if operation.is_upload() != operation.upload.is_some() {
                return Err(Error::new(format!(
                    "{}: a multipart body and the limits of a file go together",
                    operation.id
                )));
            }
            if operation.request.iter().any(|field| field.number < 2) {
                return Err(Error::new(format!(
                    "{}: field 1 is the account",
                    operation.id
                )));
            }
        }
        for notification in &self.notifications {
            if self.message(&notification.payload).is_none() {
                return Err(Error::new(format!(
                    "{}: no message",
                    notification.event_type
                )));
            }
        }
        Ok(())
    }

    fn validate_fields(&self, owner: &str, fields: &[Field]) -> Result<(), Error> {
        // Messages are written in the order of the table, and canonically in that of the numbers.
        if !fields.is_sorted_by(|one, next| one.number < next.number) {
            return Err(Error::new(format!("{owner}: the numbers must ascend")));
        }
        let mut names = BTreeSet::new();
        for field in fields {
            if !names.insert(&field.name) {
                return Err(Error::new(format!("{owner}: {} stands twice", field.name)));
            }
            let known = match field.kind() {
                Kind::Enumeration(name) => self.enums.0.iter().any(|(key, _)| key == name),
                Kind::Message(name) => self.message(name).is_some(),
                _ => true,
            };
            if !known {
                return Err(Error::new(format!(
                    "{owner}.{}: unknown type {}",
                    field.name, field.type_
                )));
            }
            if field.number == 0 || field.number >= EXTRA {
                return Err(Error::new(format!(
                    "{owner}.{}: number out of range",
                    field.name
                )));
            }
        }
        Ok(())
    }

    /// A variant may lack members of its original, and has no others.
    fn validate_variant(&self, variant: &Operation) -> Result<(), Error> {
        let Some(id) = &variant.variant_of else {
            return Ok(());
        };
        let Some(original) = self.original(variant) else {
            return Err(Error::new(format!("{}: no operation {id}", variant.id)));
        };
        let foreign = variant.request.iter().find(|field| {
            original
                .request
                .iter()
                .all(|other| other.name != field.name)
        });
        match foreign {
            Some(field) => Err(Error::new(format!(
                "{}: {id} has no {}",
                variant.id, field.name
            ))),
            None if variant.answer != original.answer => Err(Error::new(format!(
                "{}: {id} has another answer",
                variant.id
            ))),
            None => Ok(()),
        }
    }
}

fn unique(owner: &str, numbers: impl Iterator<Item = i64>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for number in numbers {
        if !seen.insert(number) {
            return Err(Error::new(format!("{owner}: number {number} stands twice")));
        }
    }
    Ok(())
}
