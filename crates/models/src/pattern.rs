//! The documented forms of text fields.

/// A documented form of a text field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `#` and six hexadecimal digits.
    HexColor,
    /// Half-width letters, digits and punctuation without blanks (0x21 to 0x7E).
    Printable,
    /// Letters, digits, `_` and `-`.
    Word,
    /// Letters, digits, `|`, `_`, `*` and `-`: a merchant request number.
    RequestNumber,
    /// `YYYY-MM-DD`.
    Date,
    /// Letters, digits, Latin-1 and Chinese characters: the scene mark of a channel.
    Scene,
    /// Anything but square brackets: a feed line.
    NoBrackets,
    /// An `https://` URL without query and fragment.
    HttpsUrl,
    /// An RFC 3339 time with zone, such as `2026-03-01T00:00:00+08:00`.
    Rfc3339,
}

impl Pattern {
    /// Returns true if `text` has this form. An empty text has none of them.
    pub fn matches(self, text: &str) -> bool {
        let all = |accept: fn(char) -> bool| !text.is_empty() && text.chars().all(accept);
        match self {
            Self::HexColor => {
                let digits = text.strip_prefix('#').unwrap_or_default();
                digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit())
            }
            Self::Printable => all(|c| ('!'..='~').contains(&c)),
            Self::Word => all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')),
            Self::RequestNumber => {
                all(|c| c.is_ascii_alphanumeric() || matches!(c, '|' | '_' | '*' | '-'))
            }
            Self::Date => is_date(text),
            Self::Scene => all(|c| c <= '\u{ff}' || ('\u{4e00}'..='\u{9fa5}').contains(&c)),
            Self::NoBrackets => all(|c| !matches!(c, '[' | ']')),
            Self::HttpsUrl => {
                let rest = text.strip_prefix("https://").unwrap_or_default();
                !rest.is_empty() && !rest.contains(['?', '#'])
            }
            Self::Rfc3339 => is_rfc3339(text),
        }
    }

    /// Returns the form in words, to follow "must be".
    pub fn describe(self) -> &'static str {
        match self {
            Self::HexColor => "`#` and six hexadecimal digits",
            Self::Printable => "half-width letters, digits and punctuation without blanks",
            Self::Word => "letters, digits, `_` and `-`",
            Self::RequestNumber => "letters, digits, `|`, `_`, `*` and `-`",
            Self::Date => "a date in the form YYYY-MM-DD",
            Self::Scene => "letters, digits, Latin and Chinese characters",
            Self::NoBrackets => "a text without square brackets",
            Self::HttpsUrl => "an https:// URL without query or fragment",
            Self::Rfc3339 => "an RFC 3339 time with zone, such as 2026-03-01T00:00:00+08:00",
        }
    }
}

fn number(text: &str, range: std::ops::RangeInclusive<u8>) -> bool {
    text.len() == 2
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse().is_ok_and(|n: u8| range.contains(&n))
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(year), Some(month), Some(day), None)
            if year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit())
                && number(month, 1..=12) && number(day, 1..=31)
    )
}

fn is_rfc3339(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else {
        return false;
    };
    let Some(split) = rest.find(['Z', '+', '-']) else {
        return false;
    };
    let Some((time, zone)) = rest.split_at_checked(split) else {
        return false;
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    is_date(date)
        && is_clock(clock)
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && (zone == "Z" || is_offset(zone))
}

fn is_clock(text: &str) -> bool {
    let mut parts = text.split(':');
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(hour), Some(minute), Some(second), None)
            if number(hour, 0..=23) && number(minute, 0..=59) && number(second, 0..=60)
    )
}

fn is_offset(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
    digits
        .split_once(':')
        .is_some_and(|(hour, minute)| number(hour, 0..=23) && number(minute, 0..=59))
}

#[cfg(test)]
mod tests {
    use super::Pattern::{self, *};

    #[track_caller]
    fn check(pattern: Pattern, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(pattern.matches(text), "{pattern:?} refuses {text:?}");
        }
        for text in bad {
            assert!(!pattern.matches(text), "{pattern:?} accepts {text:?}");
        }
    }

    #[test]
    fn forms_accept_what_is_documented_and_nothing_else() {
        check(
            HexColor,
            &["#1A7F5A", "#ffffff"],
            &["", "1A7F5A", "#1A7F5", "#1A7F5G"],
        );
        check(
            Printable,
            &["478515832665", "a/b+c~!"],
            &["", "a b", "会员"],
        );
        check(Word, &["40077_2026-0001"], &["a|b", ""]);
        check(RequestNumber, &["19|a_b*c-1"], &["a b", "号", ""]);
        check(
            Date,
            &["2026-03-01"],
            &["2026-3-1", "2026-13-01", "20260301", "2026-03-01-01"],
        );
        check(Scene, &["counter 7", "一号店", "é"], &["😀", ""]);
        check(NoBrackets, &["1_400"], &["[1_400]"]);
        check(
            HttpsUrl,
            &["https://a.example/x"],
            &["http://a.example", "https://a?b", "https://"],
        );
        check(
            Rfc3339,
            &[
                "2026-03-01T00:00:00+08:00",
                "2026-03-01T00:00:00.000+08:00",
                "2026-03-01T00:00:00Z",
            ],
            &[
                "2026-03-01 00:00:00",
                "2026-03-01T00:00:00",
                "2026-03-01T24:00:00Z",
                "2026-03-01T00:00:00+8:00",
            ],
        );
    }
}
