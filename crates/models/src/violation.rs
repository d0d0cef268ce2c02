//! What breaks a documented limit.

use std::fmt;

use crate::image_format::ImageFormat;
use crate::pattern::Pattern;

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
pub enum Breach {
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
    /// The text holds a character that WeChat does not take.
    Character(char),
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

impl fmt::Display for Breach {
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
            Self::Form(pattern) => write!(f, "must be {}", pattern.describe()),
            Self::DotSegment => f.write_str(
                "must not be `.` or `..`, nor hold such a segment, not even percent-encoded",
            ),
            Self::Character(character) => {
                let number = u32::from(*character);
                write!(
                    f,
                    "holds U+{number:04X}, a character that WeChat does not take"
                )
            }
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
    pub breach: Breach,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.breach)
    }
}
