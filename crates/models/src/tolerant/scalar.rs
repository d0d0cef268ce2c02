//! Texts, integers and booleans.

use serde_json::value::RawValue;

use super::{DeviationKind, Outcome, ReadJson, Reader};
use crate::{Personal, Secret, Sensitive};

impl ReadJson for String {
    const EXPECTED: &'static str = "a text";

    fn read_json(json: &RawValue, reader: &mut Reader) -> Outcome<Self> {
        let json = json.get();
        if json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            reader.note(DeviationKind::NumberForText, Self::EXPECTED);
            return Outcome::Whole(json.to_owned());
        }
        match text(json) {
            Some(text) => Outcome::Whole(text),
            None => Outcome::Odd,
        }
    }
}

impl ReadJson for i64 {
    const EXPECTED: &'static str = "an integer";

    fn read_json(json: &RawValue, reader: &mut Reader) -> Outcome<Self> {
        let json = json.get();
        let (number, kind) = match text(json) {
            Some(text) => (integer(&text), Some(DeviationKind::IntegerInText)),
            None => {
                let is_decimal = json.contains(['.', 'e', 'E']);
                (
                    integer(json),
                    is_decimal.then_some(DeviationKind::IntegralDecimal),
                )
            }
        };
        let Some(number) = number else {
            return Outcome::Odd;
        };
        if let Some(kind) = kind {
            reader.note(kind, Self::EXPECTED);
        }
        Outcome::Whole(number)
    }
}

impl ReadJson for bool {
    const EXPECTED: &'static str = "true or false";

    fn read_json(json: &RawValue, reader: &mut Reader) -> Outcome<Self> {
        let (value, kind) = match json.get() {
            "true" => return Outcome::Whole(true),
            "false" => return Outcome::Whole(false),
            json => match text(json) {
                Some(text) => (boolean(&text), DeviationKind::BooleanInText),
                None => (boolean(json), DeviationKind::NumberForBoolean),
            },
        };
        let Some(value) = value else {
            return Outcome::Odd;
        };
        reader.note(kind, Self::EXPECTED);
        Outcome::Whole(value)
    }
}

fn boolean(text: &str) -> Option<bool> {
    match integer(text) {
        Some(0) => Some(false),
        Some(1) => Some(true),
        Some(_) => None,
        None if text.eq_ignore_ascii_case("true") => Some(true),
        None if text.eq_ignore_ascii_case("false") => Some(false),
        None => None,
    }
}

/// Wrappers of a text.
macro_rules! wrapper {
    ($($name:ident: $wrap:path),*) => {$(
        impl ReadJson for $name {
            const EXPECTED: &'static str = String::EXPECTED;

            fn read_json(json: &RawValue, reader: &mut Reader) -> Outcome<Self> {
                match String::read_json(json, reader) {
                    Outcome::Whole(text) | Outcome::Part(text) => Outcome::Whole($wrap(text)),
                    Outcome::Odd => Outcome::Odd,
                }
            }
        }
    )*};
}

wrapper!(Personal: Self::from, Secret: Self::from, Sensitive: Self::Encrypted);

/// Returns the text of a JSON string.
pub(super) fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Reads a JSON number that is an integer, also when it is written as a decimal (`2900.0`, `1e2`),
/// digit by digit: large numbers never pass through floating point.
pub(super) fn integer(json: &str) -> Option<i64> {
    let (sign, digits) = match json.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", json),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // "007" and "" are not numbers; a JSON number never looks so, but a text does.
    if whole.is_empty()
        || (whole.len() > 1 && whole.starts_with('0'))
        || !is_number(whole)
        || !is_number(fraction)
    {
        return None;
    }
    if fraction.is_empty() && exponent == 0 {
        return json.parse().ok();
    }
    let mut digits = format!("{whole}{fraction}");
    let shift = i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    if digits.bytes().all(|byte| byte == b'0') {
        return Some(0);
    }
    if shift < 0 {
        let dropped = usize::try_from(shift.unsigned_abs()).ok()?;
        let kept = digits.len().checked_sub(dropped)?;
        let zeros = digits.split_off(kept);
        if zeros.bytes().any(|byte| byte != b'0') {
            return None;
        }
    } else {
        let zeros = usize::try_from(shift).ok().filter(|zeros| *zeros < 20)?;
        digits.extend(std::iter::repeat_n('0', zeros));
    }
    if digits.is_empty() {
        return None;
    }
    format!("{sign}{digits}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_digit_by_digit() {
        let rows = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("470", Some(470)),
            ("2900.0", Some(2900)),
            ("-100.00", Some(-100)),
            ("-0.0", Some(0)),
            ("1e2", Some(100)),
            ("1.5E1", Some(15)),
            ("1200e-2", Some(12)),
            ("0e999999999", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775807.0", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("0.9223372036854775807e19", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1e19", None),
            ("1e999999999999", None),
            ("1e-999999999", None),
            ("12.5", None),
            ("0.1", None),
            ("1e-1", None),
            ("", None),
            ("-", None),
            ("007", None),
            ("+5", None),
            (" 5", None),
            ("5.", None),
            (".5", None),
            ("1e", None),
            ("0x10", None),
            ("１２", None),
            ("true", None),
            ("NaN", None),
        ];
        for (json, expected) in rows {
            assert_eq!(integer(json), expected, "{json}");
        }
    }
}
