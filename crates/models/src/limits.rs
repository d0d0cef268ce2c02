//! The documented limits of a field.

use crate::pattern::Pattern;
use crate::violation::LengthUnit;

/// The documented limits of a field.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// It must be present, and if it is a text, not empty.
    pub required: bool,
    /// The least number of characters.
    pub min_len: usize,
    /// The largest length.
    pub max_len: usize,
    /// What the largest length counts.
    pub unit: LengthUnit,
    /// The form of the text.
    pub pattern: Option<Pattern>,
    /// The least number.
    pub min: i64,
    /// The largest number.
    pub max: i64,
    /// The least number of entries.
    pub min_items: usize,
    /// The largest number of entries.
    pub max_items: usize,
    /// The texts that are documented; empty if any is taken.
    pub values: &'static [&'static str],
}

impl Limits {
    /// No limits.
    pub const OPTIONAL: Self = Self {
        required: false,
        min_len: 0,
        max_len: usize::MAX,
        unit: LengthUnit::Characters,
        pattern: None,
        min: i64::MIN,
        max: i64::MAX,
        min_items: 0,
        max_items: usize::MAX,
        values: &[],
    };

    /// Must be present.
    pub const REQUIRED: Self = Self {
        required: true,
        ..Self::OPTIONAL
    };

    /// At least this many characters.
    #[must_use]
    pub const fn min_chars(self, limit: usize) -> Self {
        Self {
            min_len: limit,
            ..self
        }
    }

    /// At most this many characters.
    #[must_use]
    pub const fn chars(self, limit: usize) -> Self {
        Self {
            max_len: limit,
            unit: LengthUnit::Characters,
            ..self
        }
    }

    /// At most this many UTF-8 bytes.
    #[must_use]
    pub const fn bytes(self, limit: usize) -> Self {
        Self {
            max_len: limit,
            unit: LengthUnit::Bytes,
            ..self
        }
    }

    /// Has this form.
    #[must_use]
    pub const fn form(self, pattern: Pattern) -> Self {
        Self {
            pattern: Some(pattern),
            ..self
        }
    }

    /// At least this number.
    #[must_use]
    pub const fn min(self, limit: i64) -> Self {
        Self { min: limit, ..self }
    }

    /// At most this number.
    #[must_use]
    pub const fn max(self, limit: i64) -> Self {
        Self { max: limit, ..self }
    }

    /// At least this many entries.
    #[must_use]
    pub const fn min_items(self, limit: usize) -> Self {
        Self {
            min_items: limit,
            ..self
        }
    }

    /// At most this many entries.
    #[must_use]
    pub const fn max_items(self, limit: usize) -> Self {
        Self {
            max_items: limit,
            ..self
        }
    }

    /// One of these texts.
    #[must_use]
    pub const fn values(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }
}
