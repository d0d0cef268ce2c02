//! Answers as they are kept, so that a repeat gets the first one to the byte.

use kabao_api::{Error, Reason};
use kabao_models::{AnyAnswer, Record, archive};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An answer that a journal keeps, be it a success or a refusal.
pub(crate) trait Coded: Sized {
    fn encode(result: &Result<Self, Error>) -> Vec<u8>;

    fn decode(answer: &[u8]) -> Result<Self, Error>;
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Keeping<'a, T> {
    Ok(&'a T),
    Err(&'a Error),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept<T> {
    Ok(T),
    Err(Error),
}

impl<T: Serialize + DeserializeOwned> Coded for T {
    fn encode(result: &Result<Self, Error>) -> Vec<u8> {
        let keeping = match result {
            Ok(answer) => Keeping::Ok(answer),
            Err(error) => Keeping::Err(error),
        };
        // What cannot be written cannot be read either, and says so then.
        serde_json::to_vec(&keeping).unwrap_or_default()
    }

    fn decode(answer: &[u8]) -> Result<Self, Error> {
        match serde_json::from_slice(answer) {
            Ok(Kept::Ok(answer)) => Ok(answer),
            Ok(Kept::Err(error)) => Err(error),
            Err(error) => Err(Error::new(
                Reason::Store,
                "the change has ended, and what was answered then cannot be read",
            )
            .mark_may_have_executed()
            .mark_not_retryable()
            .with_source(error.classify_only())),
        }
    }
}

/// An error of JSON without its text, which may quote values.
trait ClassifyOnly {
    fn classify_only(&self) -> String;
}

impl ClassifyOnly for serde_json::Error {
    fn classify_only(&self) -> String {
        format!("the JSON is wrong at column {}", self.column())
    }
}

/// Reads why a change was refused, whatever its answer would have been.
pub(crate) fn refusal(answer: &[u8]) -> Option<Error> {
    match serde_json::from_slice::<Kept<serde::de::IgnoredAny>>(answer) {
        Ok(Kept::Err(error)) => Some(error),
        _ => None,
    }
}

/// A request or an answer as a text that can be read again.
pub(crate) fn archived(record: &dyn Record) -> String {
    String::from_utf8(archive::write(record)).unwrap_or_default()
}

/// The answer of an operation of a family.
pub(crate) struct FamilyAnswer {
    pub(crate) operation: &'static str,
    pub(crate) answer: Box<dyn AnyAnswer>,
}

#[derive(Serialize, Deserialize)]
struct Archived {
    operation: String,
    answer: String,
}

impl Serialize for FamilyAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let archived = Archived {
            operation: self.operation.to_owned(),
            answer: archived(self.answer.as_ref()),
        };
        archived.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FamilyAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Archived { operation, answer } = Archived::deserialize(deserializer)?;
        let known = kabao_models::operations().find(|known| known.id == operation);
        let operation = known
            .ok_or_else(|| D::Error::custom("an operation that is not known"))?
            .id;
        let answer =
            archive::read_answer(operation, answer.as_bytes()).map_err(D::Error::custom)?;
        Ok(Self { operation, answer })
    }
}
