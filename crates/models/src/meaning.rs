//! What a refusal means, as rows of tables.

use crate::family::Family;

/// Whether the same request makes sense again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It would be refused again.
    Never,
    /// After a while, more slowly; nothing was done.
    Throttled,
    /// The fault may pass; nobody says that nothing was done.
    Transient,
}

/// What status and code of WeChat Pay mean.
#[derive(Debug)]
pub struct PayCode {
    pub(crate) lowest: u16,
    pub(crate) highest: u16,
    pub(crate) codes: &'static [&'static str],
    /// The reason; `None` where it is that the operation's thing was not found.
    pub reason: Option<&'static str>,
    /// Whether a repeat makes sense.
    pub again: Again,
}

/// What a code of the official-account family means.
#[derive(Debug)]
pub struct Errcode {
    /// The code.
    pub code: i64,
    /// The reason.
    pub reason: &'static str,
    /// Whether a repeat makes sense.
    pub again: Again,
    /// The field that it is about, where it is about one.
    pub field: Option<&'static str>,
    /// What helps.
    pub remedy: Option<&'static str>,
    /// What happened.
    pub meaning: &'static str,
}

/// A text of WeChat that tells apart what one code covers.
#[derive(Debug)]
pub struct KnownText {
    /// The family whose answers have it.
    pub family: Family,
    /// The wordings; each is enough.
    pub texts: &'static [&'static str],
    /// The codes that come with it.
    pub from: &'static [&'static str],
    /// The reason.
    pub reason: &'static str,
    /// The field that it is about, where it is about one.
    pub field: Option<&'static str>,
    /// What helps.
    pub remedy: Option<&'static str>,
    /// Where it is known from.
    pub source: &'static str,
}

/// What one operation can give.
#[derive(Debug)]
pub(crate) struct OperationReasons {
    pub(crate) id: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) reasons: &'static [&'static str],
    pub(crate) texts: &'static [usize],
}

/// Makes an `Option` of what stands in brackets.
macro_rules! optional {
    () => {
        None
    };
    ($text:expr) => {
        Some($text)
    };
}

/// Declares what status and code of WeChat Pay mean; the first row that fits decides: lowest and
/// highest status, codes, whether a repeat makes sense, reason.
macro_rules! code_rows {
    ($($lowest:literal $highest:literal [$($code:literal),*] $again:ident [$($reason:ident)?];)*) => {
        pub(crate) static CODES: &[$crate::meaning::PayCode] = &[$($crate::meaning::PayCode {
            lowest: $lowest,
            highest: $highest,
            codes: &[$($code),*],
            reason: $crate::meaning::optional!($(stringify!($reason))?),
            again: $crate::meaning::Again::$again,
        },)*];
    };
}

/// Declares what the codes of the official-account family mean, in ascending order: code, reason,
/// whether a repeat makes sense, field, remedy, meaning.
macro_rules! errcode_rows {
    ($($code:literal $reason:ident $again:ident [$($field:literal)?] [$($remedy:literal)?] $meaning:literal;)*) => {
        pub(crate) static ERRCODES: &[$crate::meaning::Errcode] = &[$($crate::meaning::Errcode {
            code: $code,
            reason: stringify!($reason),
            again: $crate::meaning::Again::$again,
            field: $crate::meaning::optional!($($field)?),
            remedy: $crate::meaning::optional!($($remedy)?),
            meaning: $meaning,
        },)*];
    };
}

/// Declares the texts that tell apart what one code covers: family, wordings, codes, reason, field,
/// remedy, source.
macro_rules! text_rows {
    ($($family:ident [$($text:literal),*] [$($from:literal),*] $reason:ident [$($field:literal)?] [$($remedy:literal)?] $source:literal;)*) => {
        pub(crate) static TEXTS: &[$crate::meaning::KnownText] = &[$($crate::meaning::KnownText {
            family: $crate::Family::$family,
            texts: &[$($text),*],
            from: &[$($from),*],
            reason: stringify!($reason),
            field: $crate::meaning::optional!($($field)?),
            remedy: $crate::meaning::optional!($($remedy)?),
            source: $source,
        },)*];
    };
}

/// Declares what each operation can give, ordered by id: id, the reason for "not found", all reasons,
/// the places of its texts.
macro_rules! operation_rows {
    ($($id:literal $not_found:ident [$($reason:ident)*] [$($text:literal),*];)*) => {
        pub(crate) static OPERATIONS: &[$crate::meaning::OperationReasons] = &[
            $($crate::meaning::OperationReasons {
                id: $id,
                not_found: stringify!($not_found),
                reasons: &[$(stringify!($reason)),*],
                texts: &[$($text),*],
            },)*
        ];
    };
}

pub(crate) use {code_rows, errcode_rows, operation_rows, optional, text_rows};
