//! What WeChat's refusals mean: tables of the catalogue (`catalogue/refusals.json`).
//!
//! One code of WeChat covers many things, and only its text tells them apart. The texts are known
//! from error tables of the documents, from pages about single faults and from what developers have
//! reported; each has its source. A text only ever makes a refusal more precise: whether something
//! was refused, and whether a repeat makes sense, follows from status and code alone.
//!
//! Reasons are names of `kabao.v1.ErrorReason`.

use std::sync::LazyLock;

use crate::generated::refusals::{CODES, ERRCODES, OPERATIONS, TEXTS};
use crate::meaning::OperationReasons;
pub use crate::meaning::{Again, Errcode, KnownText, PayCode};

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
