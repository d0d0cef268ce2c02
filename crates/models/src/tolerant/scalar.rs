//! Texts, integers and booleans.

use serde_json::value::RawValue;

use super::{DeviationKind, Reader};
use crate::record::{Kind, Value};
use crate::sensitive::Sensitive;

/// Reads one value; `None` if it cannot be read without loss.
pub(super) fn read(kind: Kind, json: &RawValue, reader: &mut Reader) -> Option<Value<'static>> {
    let json = json.get();
    let (value, deviation) = match kind {
        Kind::Text | Kind::Personal | Kind::Secret | Kind::Word(_) => {
            let (text, deviation) = read_text(json)?;
            (Value::Text(text.into()), deviation)
        }
        Kind::Sensitive => {
            let (text, deviation) = read_text(json)?;
            (Value::Sensitive(Sensitive::Encrypted(text)), deviation)
        }
        Kind::Integer => {
            let (number, deviation) = read_integer(json)?;
            (Value::Integer(number), deviation)
        }
        Kind::Boolean => {
            let (truth, deviation) = read_boolean(json)?;
            (Value::Boolean(truth), deviation)
        }
        Kind::Bytes | Kind::Object(_) => return None,
    };
    if let Some(deviation) = deviation {
        reader.note(deviation, kind.expected());
    }
    Some(value)
}

fn read_text(json: &str) -> Option<(String, Option<DeviationKind>)> {
    if json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        // The same number has one text: `12.0` is 12.
        let digits = integer(json).map_or_else(|| json.to_owned(), |number| number.to_string());
        return Some((digits, Some(DeviationKind::NumberForText)));
    }
    text(json).map(|text| (text, None))
}

fn read_integer(json: &str) -> Option<(i64, Option<DeviationKind>)> {
    match text(json) {
        Some(text) => Some((integer(&text)?, Some(DeviationKind::IntegerInText))),
        None => {
            let is_decimal = json.contains(['.', 'e', 'E']);
            let deviation = is_decimal.then_some(DeviationKind::IntegralDecimal);
            Some((integer(json)?, deviation))
        }
    }
}

fn read_boolean(json: &str) -> Option<(bool, Option<DeviationKind>)> {
    match (json, text(json)) {
        ("true", _) => Some((true, None)),
        ("false", _) => Some((false, None)),
        (_, Some(text)) => Some((boolean(&text)?, Some(DeviationKind::BooleanInText))),
        (_, None) => Some((boolean(json)?, Some(DeviationKind::NumberForBoolean))),
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
    fn one_number_has_one_text() {
        for (json, expected) in [
            ("916679873278", "916679873278"),
            ("1900000109.0", "1900000109"),
            ("9.16679873278E11", "916679873278"),
            ("12.5", "12.5"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            let read = read_text(json).map(|(text, _)| text);
            assert_eq!(read.as_deref(), Some(expected), "{json}");
        }
    }

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
