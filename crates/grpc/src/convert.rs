//! How family messages and models become each other.
//!
//! The conversions themselves are generated. A proto message cannot express everything that JSON
//! can: a member that this version does not know, a value that an enumeration does not know, a
//! list that is present but empty, a member of an answer that is not of its documented type. Those
//! travel in the field `extra` as JSON texts by member name, the first three in both directions, so
//! that nothing is lost.

use std::collections::BTreeMap;

use kabao_api::FieldViolation;
use kabao_models::{Endpoint, Extra, Object};
use serde_json::value::RawValue;

#[cfg(test)]
pub(crate) mod tests;

/// A request message of a family.
pub(crate) trait FamilyRequest: Sized {
    /// The operation that it requests.
    type Endpoint: Endpoint;

    /// Returns the field `account`.
    fn account(&self) -> &str;
}

/// The message of a chunk of an uploaded file.
pub(crate) trait UploadChunk {
    /// The operation that uploads it.
    type Endpoint: Endpoint;

    /// Makes the request of the whole file.
    fn endpoint(filename: String, file: bytes::Bytes) -> Self::Endpoint;
}

/// A proto message that can be read into a model.
pub(crate) trait IntoModel<M> {
    /// Reads the message; what it breaks goes to `reader`.
    fn into_model(self, reader: &mut Reader) -> M;
}

/// A proto message that can be written from a model.
pub(crate) trait FromModel<M> {
    /// Writes the message.
    fn from_model(model: M) -> Self;
}

/// An open enumeration whose known values have proto numbers.
pub(crate) trait Numbered: From<String> + AsRef<str> {
    /// The name of the enumeration.
    const NAME: &'static str;

    /// Returns the number, or `None` for an unknown value.
    fn number(&self) -> Option<i32>;

    /// Returns the value of a number.
    fn from_number(number: i32) -> Option<Self>;
}

/// Collects violations while a message is read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    path: String,
    violations: Vec<FieldViolation>,
}

impl Reader {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// Returns every violation: what the message cannot mean, and the documented limits that the
    /// request breaks.
    pub(crate) fn read<E: Endpoint>(message: impl IntoModel<E>) -> Result<E, Vec<FieldViolation>> {
        let mut reader = Self::default();
        let request = message.into_model(&mut reader);
        let mut violations = reader.violations;
        if violations.is_empty() {
            // The limits are checked where every caller passes, in front of the pipeline.
            return Ok(request);
        }
        for violation in request.violations() {
            // What could not be read is missing only because of that.
            if violations
                .iter()
                .all(|known| known.field != violation.field)
            {
                violations.push(violation.into());
            }
        }
        Err(violations)
    }

    /// Reads a message of any kind, without the limits of requests.
    pub(crate) fn read_any<M>(message: impl IntoModel<M>) -> Result<M, Vec<FieldViolation>> {
        let mut reader = Self::default();
        let model = message.into_model(&mut reader);
        if reader.violations.is_empty() {
            Ok(model)
        } else {
            Err(reader.violations)
        }
    }

    fn report(&mut self, name: &str, description: impl Into<String>) {
        let field = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        self.violations
            .push(FieldViolation::new(field, description));
    }

    /// Parses the field `extra`.
    pub(crate) fn extra(&mut self, texts: BTreeMap<String, String>) -> Extra {
        let mut extra = Extra::default();
        for (name, json) in texts {
            if extra.insert_json(name.as_str(), json).is_err() {
                self.report(&format!("extra[{name:?}]"), "must be a JSON text");
            }
        }
        extra
    }

    /// Refuses what is left of `extra` where it names members that have fields of their own.
    pub(crate) fn unknown<M: Object>(&mut self, extra: Extra) -> Extra {
        for name in M::SHAPE
            .members
            .iter()
            .filter(|name| extra.get(name).is_some())
        {
            self.report(
                &format!("extra[{name:?}]"),
                format!("has a field of its own; set `{name}` instead"),
            );
        }
        extra
    }

    /// Reads a nested message.
    pub(crate) fn object<P: IntoModel<M>, M>(
        &mut self,
        name: &str,
        message: Option<P>,
    ) -> Option<M> {
        message.map(|message| self.within(name, message))
    }

    /// Reads a list of messages.
    pub(crate) fn objects<P: IntoModel<M>, M>(
        &mut self,
        name: &str,
        messages: Vec<P>,
        extra: &mut Extra,
    ) -> Option<Vec<M>> {
        if messages.is_empty() {
            return explicit_empty(name, extra);
        }
        let read = |(index, message)| self.within(&format!("{name}[{index}]"), message);
        Some(messages.into_iter().enumerate().map(read).collect())
    }

    /// Reads a list of scalars.
    pub(crate) fn list<P, M>(
        &mut self,
        name: &str,
        values: Vec<P>,
        extra: &mut Extra,
        read: impl Fn(P) -> M,
    ) -> Option<Vec<M>> {
        if values.is_empty() {
            return explicit_empty(name, extra);
        }
        Some(values.into_iter().map(read).collect())
    }

    /// Reads a value of an enumeration: a number, or a text in `extra`.
    pub(crate) fn enumeration<E: Numbered>(
        &mut self,
        name: &str,
        number: Option<i32>,
        extra: &mut Extra,
    ) -> Option<E> {
        match number {
            None | Some(0) => {
                let text = extra.remove(name)?;
                let value = serde_json::from_str::<String>(text.get()).map(E::from);
                if value.is_err() {
                    self.report(&format!("extra[{name:?}]"), "must be a JSON string");
                }
                value.ok()
            }
            Some(number) => self.known(name, number),
        }
    }

    /// Reads a list of values of an enumeration: numbers, or a list of texts in `extra`.
    pub(crate) fn enumerations<E: Numbered>(
        &mut self,
        name: &str,
        numbers: Vec<i32>,
        extra: &mut Extra,
    ) -> Option<Vec<E>> {
        if let Some(texts) = extra.remove(name) {
            let values = serde_json::from_str::<Vec<String>>(texts.get());
            if values.is_err() {
                self.report(
                    &format!("extra[{name:?}]"),
                    "must be a JSON array of strings",
                );
            }
            return values
                .ok()
                .map(|values| values.into_iter().map(E::from).collect());
        }
        if numbers.is_empty() {
            return None;
        }
        let read = |(index, number)| self.known(&format!("{name}[{index}]"), number);
        Some(numbers.into_iter().enumerate().filter_map(read).collect())
    }

    fn known<E: Numbered>(&mut self, name: &str, number: i32) -> Option<E> {
        let value = E::from_number(number);
        if value.is_none() {
            self.report(
                name,
                format!(
                    "{number} is not a value of {}; send a newer value by its name in `extra`",
                    E::NAME
                ),
            );
        }
        value
    }

    fn within<P: IntoModel<M>, M>(&mut self, name: &str, message: P) -> M {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let model = message.into_model(self);
        self.path.truncate(length);
        model
    }
}

/// The text of a required field: empty is absent, so that a check reports it.
pub(crate) fn text(given: String) -> Option<String> {
    (!given.is_empty()).then_some(given)
}

/// The number of a required field that has no meaning as 0, which is absent then.
pub(crate) fn positive(given: i64) -> Option<i64> {
    (given != 0).then_some(given)
}

/// An empty list is absent unless `extra` says `[]`.
fn explicit_empty<M>(name: &str, extra: &mut Extra) -> Option<Vec<M>> {
    let text = extra.get(name)?;
    let is_empty = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))?
        .trim()
        .is_empty();
    if !is_empty {
        // Left where it is, it is refused: the field itself is the place for entries.
        return None;
    }
    extra.remove(name);
    Some(Vec::new())
}

/// Collects what typed fields cannot express while a message is written.
#[derive(Debug)]
pub(crate) struct ExtraOut(BTreeMap<String, String>);

impl ExtraOut {
    /// Starts with the unknown members of a model.
    pub(crate) fn new(extra: Extra) -> Self {
        let text = |(name, value): (String, Box<RawValue>)| (name, value.get().to_owned());
        Self(extra.into_iter().map(text).collect())
    }

    /// Returns the field `extra`.
    pub(crate) fn finish(self) -> BTreeMap<String, String> {
        self.0
    }

    /// Writes a value of an enumeration.
    pub(crate) fn enumeration<E: Numbered>(&mut self, name: &str, value: Option<E>) -> Option<i32> {
        let value = value?;
        Some(value.number().unwrap_or_else(|| {
            self.0.insert(
                name.to_owned(),
                serde_json::Value::from(value.as_ref()).to_string(),
            );
            0
        }))
    }

    /// Writes a list of values of an enumeration; if one of them is unknown, the list stands in
    /// `extra` as well, with the unknown ones unspecified in the typed field.
    pub(crate) fn enumerations<E: Numbered>(
        &mut self,
        name: &str,
        values: Option<Vec<E>>,
    ) -> Vec<i32> {
        let Some(values) = values else {
            return Vec::new();
        };
        if values.is_empty() || values.iter().any(|value| value.number().is_none()) {
            // A list with odd entries stands there already, as it was received.
            self.0.entry(name.to_owned()).or_insert_with(|| {
                let texts: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                serde_json::Value::from(texts).to_string()
            });
        }
        values
            .iter()
            .map(|value| value.number().unwrap_or(0))
            .collect()
    }

    /// Writes a list.
    pub(crate) fn list<M, P>(
        &mut self,
        name: &str,
        values: Option<Vec<M>>,
        write: impl Fn(M) -> P,
    ) -> Vec<P> {
        match values {
            Some(values) if values.is_empty() => {
                self.0
                    .entry(name.to_owned())
                    .or_insert_with(|| "[]".to_owned());
                Vec::new()
            }
            Some(values) => values.into_iter().map(write).collect(),
            None => Vec::new(),
        }
    }
}
