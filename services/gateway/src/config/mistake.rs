//! What is wrong with a configuration, collected instead of thrown.

use std::cell::RefCell;
use std::fmt;

use super::origin::Origin;

/// One thing in the configuration that has to be put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where the value stands: `kabao.toml:12:3` or `environment variable KABAO__GRPC__LISTEN`.
    pub place: String,
    /// The key path, for example `accounts[acme].private_key_file`; empty for mistakes of the file as a whole.
    pub key: String,
    /// What is wrong and, where it is short to say, what would be right. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.place, self.message)
        } else {
            write!(f, "{}: {}: {}", self.place, self.key, self.message)
        }
    }
}

/// Every mistake of one configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// `None` if there is nothing wrong.
    pub(crate) fn of(mistakes: Vec<Mistake>) -> Option<Self> {
        (!mistakes.is_empty()).then_some(Self(mistakes))
    }

    pub(crate) fn one(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self(vec![Mistake {
            place: place.into(),
            key: String::new(),
            message: message.into(),
        }])
    }

    /// The mistakes in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for mistake in &self.0 {
            write!(f, "{separator}{mistake}")?;
            separator = "\n";
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Collects mistakes while a configuration is read, so that all of them are found in one go.
#[derive(Debug)]
pub(super) struct Collector {
    file: String,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Collector {
    pub(super) fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            mistakes: RefCell::default(),
        }
    }

    /// The file that it is about.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn add(&self, origin: &Origin, key: impl Into<String>, message: impl Into<String>) {
        let place = self.place(origin);
        self.mistakes.borrow_mut().push(Mistake {
            place,
            key: key.into(),
            message: message.into(),
        });
    }

    /// Says where something stands.
    pub(super) fn place(&self, origin: &Origin) -> String {
        match origin {
            Origin::File { line, column } => format!("{}:{line}:{column}", self.file),
            Origin::Other { file, line, column } => format!("{file}:{line}:{column}"),
            Origin::Environment(name) => format!("environment variable {name}"),
            Origin::Whole => self.file.clone(),
        }
    }

    /// Takes over what is wrong with another file, or with a part of this one.
    pub(super) fn absorb(&self, other: Self) {
        self.mistakes
            .borrow_mut()
            .extend(other.mistakes.into_inner());
    }

    /// Passes `value` on if nothing was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Mistakes> {
        let mistakes = self.mistakes.into_inner();
        match mistakes.is_empty() {
            true => Ok(value),
            false => Err(Mistakes(mistakes)),
        }
    }
}
