//! Making text of what is none.

use std::borrow::Cow;

/// Returns `body` as a text in which JSON can be parsed.
///
/// `api.weixin.qq.com` sends raw control characters in nicknames and texts that are cut inside a
/// character. Verification is over the bytes as they came; reading comes after it and
///
/// - replaces bytes that are not UTF-8, control characters inside strings and escapes of lone
///   surrogates by U+FFFD;
/// - escapes raw tabs and line ends inside strings, because they are text;
/// - takes a backslash that begins no escape for a backslash;
/// - takes the same outside strings for space.
///
/// A body without any of these is borrowed as it is.
pub fn json_text(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    let repaired = repair(&text);
    if repaired == text {
        text
    } else {
        Cow::Owned(repaired)
    }
}

fn repair(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut is_string = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        match character {
            '"' => {
                is_string = !is_string;
                out.push('"');
            }
            '\\' if is_string => {
                let (escape, replacement) = escape(rest);
                length = escape.len();
                out.push_str(replacement.unwrap_or(escape));
            }
            '\t' | '\n' | '\r' if is_string => out.extend(character.escape_default()),
            '\0'..' ' if is_string => out.push(char::REPLACEMENT_CHARACTER),
            '\t' | '\n' | '\r' => out.push(character),
            '\0'..' ' | '\u{feff}' | char::REPLACEMENT_CHARACTER if !is_string => out.push(' '),
            other => out.push(other),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Returns the escape at the beginning of `text`, and what to write in its place.
fn escape(text: &str) -> (&str, Option<&'static str>) {
    let head = |length| text.get(..length).unwrap_or(text);
    match text.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (head(2), None),
        Some(b'u') => match unit(text) {
            Some(0xd800..=0xdbff) => match text.get(6..).and_then(unit) {
                Some(0xdc00..=0xdfff) => (head(12), None),
                _ => (head(6), Some("\u{fffd}")),
            },
            Some(0xdc00..=0xdfff) => (head(6), Some("\u{fffd}")),
            Some(_) => (head(6), None),
            None => (head(1), Some("\\\\")),
        },
        _ => (head(1), Some("\\\\")),
    }
}

/// Reads `\uXXXX` at the beginning of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u16::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_no_text_is_replaced_and_everything_else_stays() {
        let rows: [(&[u8], &str); 14] = [
            (b"{\"a\":\"x\x14y\"}", "x\u{fffd}y"),
            (b"{\"a\":\"\x00\x1f\"}", "\u{fffd}\u{fffd}"),
            (b"{\"a\":\"x\ty\r\nz\"}", "x\ty\r\nz"),
            (b"{\"a\":\"x\xff\xfey\"}", "x\u{fffd}\u{fffd}y"),
            // A character that was cut after its second byte, and GBK.
            (b"{\"a\":\"\xe6\x9e\"}", "\u{fffd}"),
            (b"{\"a\":\"\xc1\xd6\"}", "\u{fffd}\u{fffd}"),
            (br#"{"a":"\ud83d"}"#, "\u{fffd}"),
            (br#"{"a":"\ud83dx\udc31"}"#, "\u{fffd}x\u{fffd}"),
            (br#"{"a":"\ud83d\u0041"}"#, "\u{fffd}A"),
            (br#"{"a":"\ud83d\udc31"}"#, "\u{1f431}"),
            (br#"{"a":"C:\path\u12"}"#, "C:\\path\\u12"),
            (
                br#"{"a":"\"\\\/\b\f\n\r\t\u0014"}"#,
                "\"\\/\u{8}\u{c}\n\r\t\u{14}",
            ),
            (
                "\u{feff}{\"a\":\"林间\u{fffd}\"}\0".as_bytes(),
                "林间\u{fffd}",
            ),
            (b"{\"a\"\x14:\xff\"x\" }", "x"),
        ];
        for (body, expected) in rows {
            let text = json_text(body);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value, json!({ "a": expected }), "{text}");
        }
    }

    #[test]
    fn a_good_body_is_borrowed() {
        let body = "{\"a\": \"\\u0014 \\\" 林\",\n\t\"b\": 1}".as_bytes();
        assert!(matches!(json_text(body), Cow::Borrowed(_)));
    }

    #[test]
    fn a_string_without_end_stays_without_end() {
        for body in [
            &b"{\"a\":\"\\"[..],
            b"{\"a\":\"\\\"",
            b"{\"a\":\"\\ud83d",
            b"\"\\u",
        ] {
            assert!(serde_json::from_str::<Value>(&json_text(body)).is_err());
        }
    }
}
