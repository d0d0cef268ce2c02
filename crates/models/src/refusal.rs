//! What WeChat's refusals mean: tables of the catalogue (`catalogue/refusals.json`).
//!
//! One code of WeChat covers many things, and only its text tells them apart. The texts are known
//! from error tables of the documents, from pages about single faults and from what developers have
//! reported; each has its source. A text only ever makes a refusal more precise: whether something
//! was refused, and whether a repeat makes sense, follows from status and code alone.
//!
//! Reasons are names of `kabao.v1.ErrorReason`.

use std::sync::LazyLock;

use crate::Family;
use crate::generated::refusals::{CODES, ERRCODES, OPERATIONS, TEXTS};

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
        pub(crate) static CODES: &[$crate::refusal::PayCode] = &[$($crate::refusal::PayCode {
            lowest: $lowest,
            highest: $highest,
            codes: &[$($code),*],
            reason: $crate::refusal::optional!($(stringify!($reason))?),
            again: $crate::refusal::Again::$again,
        },)*];
    };
}

/// Declares what the codes of the official-account family mean, in ascending order: code, reason,
/// whether a repeat makes sense, field, remedy, meaning.
macro_rules! errcode_rows {
    ($($code:literal $reason:ident $again:ident [$($field:literal)?] [$($remedy:literal)?] $meaning:literal;)*) => {
        pub(crate) static ERRCODES: &[$crate::refusal::Errcode] = &[$($crate::refusal::Errcode {
            code: $code,
            reason: stringify!($reason),
            again: $crate::refusal::Again::$again,
            field: $crate::refusal::optional!($($field)?),
            remedy: $crate::refusal::optional!($($remedy)?),
            meaning: $meaning,
        },)*];
    };
}

/// Declares the texts that tell apart what one code covers: family, wordings, codes, reason, field,
/// remedy, source.
macro_rules! text_rows {
    ($($family:ident [$($text:literal),*] [$($from:literal),*] $reason:ident [$($field:literal)?] [$($remedy:literal)?] $source:literal;)*) => {
        pub(crate) static TEXTS: &[$crate::refusal::KnownText] = &[$($crate::refusal::KnownText {
            family: $crate::Family::$family,
            texts: &[$($text),*],
            from: &[$($from),*],
            reason: stringify!($reason),
            field: $crate::refusal::optional!($($field)?),
            remedy: $crate::refusal::optional!($($remedy)?),
            source: $source,
        },)*];
    };
}

/// Declares what each operation can give, ordered by id: id, the reason for "not found", all reasons,
/// the places of its texts.
macro_rules! operation_rows {
    ($($id:literal $not_found:ident [$($reason:ident)*] [$($text:literal),*];)*) => {
        pub(crate) static OPERATIONS: &[$crate::refusal::OperationReasons] = &[
            $($crate::refusal::OperationReasons {
                id: $id,
                not_found: stringify!($not_found),
                reasons: &[$(stringify!($reason)),*],
                texts: &[$($text),*],
            },)*
        ];
    };
}

pub(crate) use {code_rows, errcode_rows, operation_rows, optional, text_rows};

/// Returns what status and code of a verified answer of WeChat Pay mean.
pub fn pay_code(status: u16, code: &str) -> Option<&'static PayCode> {
    CODES.iter().find(|row| {
        (row.lowest..=row.highest).contains(&status)
            && (row.codes.is_empty() || row.codes.contains(&code))
    })
}

/// Returns what a code of the official-account family means.
pub fn errcode(code: i64) -> Option<&'static Errcode> {
    ERRCODES
        .binary_search_by_key(&code, |row| row.code)
        .ok()
        .and_then(|place| ERRCODES.get(place))
}

/// Returns the codes of the official-account family that are known, in ascending order.
pub fn errcodes() -> &'static [Errcode] {
    ERRCODES
}

/// Returns all known texts, ordered by family, reason and text.
pub fn known_texts() -> &'static [KnownText] {
    TEXTS
}

/// Returns the reason of an answer to the operation `id` that only says "not found".
pub fn not_found(id: &str) -> &'static str {
    operation(id).map_or("RESOURCE_NOT_FOUND", |operation| operation.not_found)
}

/// Returns every reason that the RPC of the operation `id` can give, in alphabetical order.
pub fn reasons(id: &str) -> &'static [&'static str] {
    operation(id).map_or(&[], |operation| operation.reasons)
}

/// Finds the known text in what WeChat said about a call of the operation `id`: the longest wording
/// that its words contain.
///
/// Case, blanks and punctuation are not compared: WeChat changes them.
pub fn known_text(id: &str, code: &str, words: &str) -> Option<&'static KnownText> {
    let words = plain(words);
    let fits = |(row, _): &(&KnownText, &Vec<String>)| row.from.contains(&code);
    let length = |texts: &[String]| {
        texts
            .iter()
            .filter(|text| words.contains(text.as_str()))
            .map(String::len)
            .max()
    };
    operation(id)?
        .texts
        .iter()
        .filter_map(|place| Some((TEXTS.get(*place)?, PLAIN.get(*place)?)))
        .filter(fits)
        .filter_map(|(row, texts)| length(texts).map(|length| (length, row)))
        .max_by_key(|(length, _)| *length)
        .map(|(_, row)| row)
}

/// What is compared of each known text, in the order of these.
static PLAIN: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let texts = |row: &KnownText| {
        let plain = row.texts.iter().map(|text| plain(text));
        plain.filter(|text| !text.is_empty()).collect()
    };
    TEXTS.iter().map(texts).collect()
});

fn operation(id: &str) -> Option<&'static OperationReasons> {
    OPERATIONS
        .binary_search_by_key(&id, |row| row.id)
        .ok()
        .and_then(|place| OPERATIONS.get(place))
}

/// Leaves letters and digits only, in lower case and half width.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations;

    #[test]
    fn case_blanks_punctuation_and_width_do_not_matter() {
        let get = "merchant.user_cards.get";
        for words in [
            "code不存在",
            " Code 不存在。",
            "ＣＯＤＥ不存在",
            "参数错误：code不存在，请检查",
            "The code does not exist.",
            "THE CODE DOES NOT EXIST",
        ] {
            let row = known_text(get, "INVALID_REQUEST", words);
            assert_eq!(
                row.map(|row| row.reason),
                Some("MEMBER_NOT_FOUND"),
                "{words}"
            );
        }
        for words in ["", "。", "code", "不存在", "something new"] {
            assert!(
                known_text(get, "INVALID_REQUEST", words).is_none(),
                "{words}"
            );
        }
        // Another code, or an operation that has no code to know.
        assert!(known_text(get, "SYSTEM_ERROR", "code不存在").is_none());
        assert!(known_text("merchant.cards.list", "INVALID_REQUEST", "code不存在").is_none());
        assert!(known_text("no.such.thing", "INVALID_REQUEST", "code不存在").is_none());
    }

    #[test]
    fn the_longest_wording_wins() {
        let rows = [
            (
                "brand.user_cards.invalidate",
                "用户会员卡不是待激活或已激活状态，无法失效",
                "MEMBER_STATE_INVALID",
            ),
            (
                "merchant.activities.create",
                "活动曝光商户号与会员卡品牌未绑定",
                "UPSTREAM_PERMISSION_DENIED",
            ),
        ];
        for (id, words, reason) in rows {
            let row = known_text(id, "INVALID_REQUEST", words);
            assert_eq!(row.map(|row| row.reason), Some(reason), "{words}");
        }
    }

    #[test]
    fn every_text_applies_somewhere_and_says_one_thing_there() {
        let mut used = vec![false; TEXTS.len()];
        for operation in operations() {
            let row = super::operation(operation.id).unwrap();
            assert!(!row.reasons.is_empty(), "{}", operation.id);
            for place in row.texts {
                let text = &TEXTS[*place];
                used[*place] = true;
                assert_eq!(text.family, operation.family);
                for (wording, code) in text
                    .texts
                    .iter()
                    .flat_map(|wording| text.from.iter().map(move |code| (wording, code)))
                {
                    let found = known_text(operation.id, code, wording).unwrap();
                    assert_eq!(
                        (found.reason, found.field),
                        (text.reason, text.field),
                        "{}: {wording}",
                        operation.id
                    );
                    assert!(row.reasons.contains(&found.reason), "{}", operation.id);
                }
            }
        }
        let unused: Vec<_> = TEXTS
            .iter()
            .zip(used)
            .filter_map(|(text, used)| (!used).then_some(text.texts))
            .collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn a_daily_quota_is_no_matter_of_waiting_a_second() {
        let again = |code| errcode(code).map(|row| row.again);
        assert_eq!(again(45009), Some(Again::Never));
        assert_eq!(again(45011), Some(Again::Throttled));
        assert_eq!(again(-1), Some(Again::Transient));
        assert!(errcode(1).is_none());
        for row in ERRCODES {
            // Whatever may be repeated says that it is no refusal.
            assert_eq!(
                row.again == Again::Never,
                !matches!(row.code, -1 | 45011 | 50002),
                "{}",
                row.code
            );
        }
    }
}
