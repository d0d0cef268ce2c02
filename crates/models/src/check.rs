//! Documented limits as checks that report every violation with its field path.

use std::fmt;

use crate::params::has_dot_segment;
use crate::pattern::Pattern;
use crate::sensitive::Sensitive;
use crate::upload::ImageFormat;

/// How the length of a text is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Unicode characters; the default of the documents.
    Characters,
    /// UTF-8 bytes; three for a Chinese character.
    Bytes,
}

/// Why a field is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The field is required and absent or empty.
    Required,
    /// The text is longer than documented.
    TooLong {
        /// The documented limit.
        limit: usize,
        /// The length of the text that was given.
        actual: usize,
        /// What both numbers count.
        unit: LengthUnit,
    },
    /// The text is shorter than documented.
    TooShort {
        /// The documented limit, in characters.
        limit: usize,
        /// The length of the text that was given, in characters.
        actual: usize,
    },
    /// The text has not the documented form.
    Form(Pattern),
    /// The path parameter leads to another place: it holds the segment `.` or `..`.
    DotSegment,
    /// The number is below the documented minimum.
    TooSmall {
        /// The documented minimum.
        limit: i64,
    },
    /// The number is above the documented maximum.
    TooLarge {
        /// The documented maximum.
        limit: i64,
    },
    /// The list has fewer entries than documented.
    TooFewItems {
        /// The documented minimum.
        limit: usize,
        /// The number of entries that was given.
        actual: usize,
    },
    /// The list has more entries than documented.
    TooManyItems {
        /// The documented maximum.
        limit: usize,
        /// The number of entries that was given.
        actual: usize,
    },
    /// The value is not one of the documented ones.
    UnknownValue {
        /// The documented values.
        known: Vec<&'static str>,
    },
    /// The name of a file has not the ending of a picture that is taken.
    FileEnding {
        /// The pictures that are taken.
        formats: &'static [ImageFormat],
    },
    /// A file is not a picture that is taken.
    FileFormat {
        /// The pictures that are taken.
        formats: &'static [ImageFormat],
    },
    /// A file is another picture than its name says.
    FileMismatch {
        /// What the file is.
        content: ImageFormat,
        /// What its name says.
        name: ImageFormat,
    },
    /// A file is larger than documented.
    FileTooLarge {
        /// The documented limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("is required"),
            Self::TooLong {
                limit,
                actual,
                unit,
            } => {
                let unit = match unit {
                    LengthUnit::Characters => "characters",
                    LengthUnit::Bytes => "UTF-8 bytes",
                };
                write!(f, "has {actual} {unit}, at most {limit} are allowed")
            }
            Self::TooShort { limit, actual } => {
                write!(f, "has {actual} characters, at least {limit} are required")
            }
            Self::DotSegment => f.write_str(
                "must not be `.` or `..`, nor hold such a segment, not even percent-encoded",
            ),
            Self::Form(pattern) => write!(f, "must be {}", pattern.describe()),
            Self::TooSmall { limit } => write!(f, "must be at least {limit}"),
            Self::TooLarge { limit } => write!(f, "must be at most {limit}"),
            Self::TooFewItems { limit, actual } => {
                write!(f, "has {actual} entries, at least {limit} are required")
            }
            Self::TooManyItems { limit, actual } => {
                write!(f, "has {actual} entries, at most {limit} are allowed")
            }
            Self::UnknownValue { known } => write!(f, "must be one of {}", known.join(", ")),
            Self::FileEnding { formats } => {
                let endings = formats.iter().flat_map(|format| format.endings());
                write!(f, "must end in {}", any_of(endings))
            }
            Self::FileFormat { formats } => {
                write!(f, "must be a {} image", any_of(formats.iter()))
            }
            Self::FileMismatch { content, name } => {
                write!(f, "is a {content} image, the file name says {name}")
            }
            Self::FileTooLarge { limit } => write!(f, "has more than {limit} bytes"),
        }
    }
}

/// Writes `a, b or c`.
fn any_of(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let mut items: Vec<String> = items.map(|item| item.to_string()).collect();
    match items.pop() {
        Some(last) if !items.is_empty() => format!("{} or {last}", items.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// One field that breaks a documented limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, such as `date_information.type` or `values[2]`.
    pub field: String,
    /// Why it is refused.
    pub reason: Reason,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.reason)
    }
}

/// The documented limits of a field.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    required: bool,
    min_len: usize,
    max_len: usize,
    unit: LengthUnit,
    pattern: Option<Pattern>,
    min: i64,
    max: i64,
    min_items: usize,
    max_items: usize,
    values: &'static [&'static str],
    or_number: bool,
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
        or_number: false,
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

    /// A value of an enumeration, or any whole number in its place.
    #[must_use]
    pub const fn or_number(self) -> Self {
        Self {
            or_number: true,
            ..self
        }
    }

    /// One of these texts.
    #[must_use]
    pub const fn values(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }
}

/// A type whose documented limits can be checked.
pub trait Check {
    /// Reports every violation to `checker`.
    fn check(&self, checker: &mut Checker);
}

/// Implemented by the open enumerations.
pub(crate) trait Enumeration: AsRef<str> {
    fn is_known(&self) -> bool;
    fn known() -> Vec<&'static str>;
}

/// Collects violations while it walks a message.
#[derive(Debug)]
pub struct Checker {
    path: String,
    strict: bool,
    violations: Vec<Violation>,
}

impl Checker {
    /// Lets values pass that an enumeration does not know.
    pub fn open() -> Self {
        Self {
            path: String::new(),
            strict: false,
            violations: Vec::new(),
        }
    }

    /// Refuses values that an enumeration does not know.
    pub fn strict() -> Self {
        Self {
            strict: true,
            ..Self::open()
        }
    }

    /// Returns what was found.
    pub fn finish(self) -> Vec<Violation> {
        self.violations
    }

    /// Reports a violation of the field `name` at the present place.
    pub fn report(&mut self, name: &str, reason: Reason) {
        let field = if self.path.is_empty() || name.is_empty() {
            format!("{}{name}", self.path)
        } else {
            format!("{}.{name}", self.path)
        };
        self.violations.push(Violation { field, reason });
    }

    /// Reports a violation of a field unless one of it was reported already.
    pub(crate) fn report_once(&mut self, field: &str, reason: Reason) {
        if !self.violations.iter().any(|known| known.field == field) {
            self.report(field, reason);
        }
    }

    /// Checks a path parameter.
    pub fn path(&mut self, name: &str, value: impl AsRef<str>, limits: &Limits) {
        let value = value.as_ref();
        if value.is_empty() {
            self.report(name, Reason::Required);
        } else if has_dot_segment(value) {
            self.report(name, Reason::DotSegment);
        } else {
            self.check_text(name, value, limits);
        }
    }

    /// Checks a text.
    pub fn text(&mut self, name: &str, value: &Option<impl AsRef<str>>, limits: &Limits) {
        match value {
            Some(value) if limits.required && value.as_ref().is_empty() => {
                self.report(name, Reason::Required);
            }
            Some(value) => self.check_text(name, value.as_ref(), limits),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of texts; length and form apply to each entry.
    pub fn texts(&mut self, name: &str, value: &Option<Vec<impl AsRef<str>>>, limits: &Limits) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.check_text(&format!("{name}[{index}]"), item.as_ref(), limits);
            }
        }
    }

    /// Checks an integer.
    pub fn integer(&mut self, name: &str, value: &Option<i64>, limits: &Limits) {
        match value {
            Some(value) if *value < limits.min => {
                self.report(name, Reason::TooSmall { limit: limits.min });
            }
            Some(value) if *value > limits.max => {
                self.report(name, Reason::TooLarge { limit: limits.max });
            }
            Some(_) => {}
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of integers.
    pub fn integers(&mut self, name: &str, value: &Option<Vec<i64>>, limits: &Limits) {
        let _ = self.items(name, value, limits);
    }

    /// Checks that a field without further limits is present.
    pub fn present<T>(&mut self, name: &str, value: &Option<T>, limits: &Limits) {
        if value.is_none() {
            self.absent(name, limits);
        }
    }

    /// Checks a sensitive text: 214 bytes in clear are what a 2048-bit key can encrypt; the
    /// documented length counts ciphertext.
    pub fn sensitive(&mut self, name: &str, value: &Option<Sensitive>, limits: &Limits) {
        match value {
            Some(value) if limits.required && value.expose().is_empty() => {
                self.report(name, Reason::Required);
            }
            Some(value) => self.check_sensitive(name, value, limits),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of sensitive texts.
    pub fn sensitives(&mut self, name: &str, value: &Option<Vec<Sensitive>>, limits: &Limits) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.check_sensitive(&format!("{name}[{index}]"), item, limits);
            }
        }
    }

    /// Checks the value of an enumeration.
    #[expect(private_bounds, reason = "only the generated enumerations are checked")]
    pub fn enumeration<E: Enumeration>(&mut self, name: &str, value: &Option<E>, limits: &Limits) {
        match value {
            Some(value) if limits.or_number && is_whole_number(value.as_ref()) => {}
            Some(value) => self.check_known(name, value),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of values of an enumeration.
    #[expect(private_bounds, reason = "only the generated enumerations are checked")]
    pub fn enumerations<E: Enumeration>(
        &mut self,
        name: &str,
        value: &Option<Vec<E>>,
        limits: &Limits,
    ) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.check_known(&format!("{name}[{index}]"), item);
            }
        }
    }

    /// Checks a nested message.
    pub fn object<T: Check>(&mut self, name: &str, value: &Option<T>, limits: &Limits) {
        match value {
            Some(value) => self.within(name, |checker| value.check(checker)),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of messages.
    pub fn objects<T: Check>(&mut self, name: &str, value: &Option<Vec<T>>, limits: &Limits) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.within(&format!("{name}[{index}]"), |checker| item.check(checker));
            }
        }
    }

    /// Runs `check` one level deeper.
    pub fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        check(self);
        self.path.truncate(length);
    }

    fn absent(&mut self, name: &str, limits: &Limits) {
        if limits.required {
            self.report(name, Reason::Required);
        }
    }

    fn items<'v, T>(
        &mut self,
        name: &str,
        value: &'v Option<Vec<T>>,
        limits: &Limits,
    ) -> Option<&'v [T]> {
        let Some(items) = value else {
            self.absent(name, limits);
            return None;
        };
        let actual = items.len();
        // A list may be present and empty; a documented minimum is a limit of its own.
        if actual < limits.min_items {
            self.report(
                name,
                Reason::TooFewItems {
                    limit: limits.min_items,
                    actual,
                },
            );
        } else if actual > limits.max_items {
            self.report(
                name,
                Reason::TooManyItems {
                    limit: limits.max_items,
                    actual,
                },
            );
        }
        Some(items)
    }

    fn check_text(&mut self, name: &str, text: &str, limits: &Limits) {
        let characters = text.chars().count();
        let actual = match limits.unit {
            LengthUnit::Characters => characters,
            LengthUnit::Bytes => text.len(),
        };
        if actual > limits.max_len {
            self.report(
                name,
                Reason::TooLong {
                    limit: limits.max_len,
                    actual,
                    unit: limits.unit,
                },
            );
        }
        if characters < limits.min_len {
            self.report(
                name,
                Reason::TooShort {
                    limit: limits.min_len,
                    actual: characters,
                },
            );
        }
        if let Some(pattern) = limits.pattern
            && !text.is_empty()
            && !pattern.matches(text)
        {
            self.report(name, Reason::Form(pattern));
        }
        if self.strict && !limits.values.is_empty() && !limits.values.contains(&text) {
            self.report(
                name,
                Reason::UnknownValue {
                    known: limits.values.to_vec(),
                },
            );
        }
    }

    fn check_sensitive(&mut self, name: &str, value: &Sensitive, limits: &Limits) {
        let (actual, limit) = match value {
            Sensitive::Plain(text) => (text.len(), 214),
            Sensitive::Encrypted(text) => (text.len(), limits.max_len),
        };
        if actual > limit {
            self.report(
                name,
                Reason::TooLong {
                    limit,
                    actual,
                    unit: LengthUnit::Bytes,
                },
            );
        }
    }

    fn check_known<E: Enumeration>(&mut self, name: &str, value: &E) {
        if self.strict && !value.is_known() {
            self.report(name, Reason::UnknownValue { known: E::known() });
        }
    }
}

fn is_whole_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_unless_the_catalogue_says_bytes() {
        let mut checker = Checker::open();
        let title = Some("茶港会员卡茶港会员卡".to_owned());
        checker.text("title", &title, &Limits::REQUIRED.chars(10));
        checker.text("notice", &title, &Limits::OPTIONAL.bytes(27));
        let found = checker.finish();
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "notice has 30 UTF-8 bytes, at most 27 are allowed"
        );
    }

    #[test]
    fn every_violation_is_reported_with_its_path() {
        let mut checker = Checker::strict();
        checker.within("form", |checker| {
            checker.texts(
                "values",
                &Some(vec!["ok", "far too long"]),
                &Limits::OPTIONAL.chars(8).max_items(1),
            );
            checker.present("type", &None::<i64>, &Limits::REQUIRED);
        });
        let fields: Vec<_> = checker.finish().into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["form.values", "form.values[1]", "form.type"]);
    }
}
