//! A reader for the few DER elements that a certificate needs.

/// One element: its tag, its contents and the whole encoding.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) encoding: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// Reads elements one after another; every method answers `None` on malformed input.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Reads the next element of any tag.
    pub(crate) fn any(&mut self) -> Option<Element<'a>> {
        let input = self.0;
        let (&tag, rest) = input.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                let minimal = length > 0x7f && bytes.first() != Some(&0);
                minimal.then_some((length, rest))?
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        let (encoding, _) = input.split_at_checked(input.len() - rest.len())?;
        self.0 = rest;
        Some(Element {
            tag,
            contents,
            encoding,
        })
    }

    /// Reads the next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// Reads the next element if it has this tag and leaves the input alone otherwise.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.0.first() == Some(&tag) {
            self.any()
        } else {
            None
        }
    }
}

/// Reads a `UTCTime` or `GeneralizedTime` in the form that RFC 5280 prescribes, as Unix seconds.
pub(crate) fn unix_seconds(element: &Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(element.contents)
        .ok()?
        .strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let (year, rest) = number(text, 2)?;
            (if year < 50 { year + 2000 } else { year + 1900 }, rest)
        }
        GENERALIZED_TIME => number(text, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range || !rest.is_empty() {
        return None;
    }
    Some(days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, digits: usize) -> Option<(i64, &str)> {
    let (head, rest) = text.split_at_checked(digits)?;
    Some((head.parse().ok()?, rest))
}

/// Counts days since 1970-01-01 in the Gregorian calendar, for years from 0 on.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // March counts as the first month, so that the leap day ends the year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<i64> {
        let contents = text.as_bytes();
        unix_seconds(&Element {
            tag,
            contents,
            encoding: contents,
        })
    }

    #[test]
    fn times_become_unix_seconds() {
        let rows = [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "260101000000Z", Some(1_767_225_600)),
            (UTC_TIME, "240229235959Z", Some(1_709_251_199)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", Some(-631_152_000)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "20000301000000Z", Some(951_868_800)),
            (UTC_TIME, "261301000000Z", None),
            (UTC_TIME, "260100000000Z", None),
            (UTC_TIME, "260101240000Z", None),
            (UTC_TIME, "260101000000", None),
            (UTC_TIME, "2601010000Z", None),
            (UTC_TIME, "26010100000+Z", None),
            (GENERALIZED_TIME, "20260101000000.5Z", None),
            (INTEGER, "260101000000Z", None),
        ];
        for (tag, text, expected) in rows {
            assert_eq!(time(tag, text), expected, "{text}");
        }
    }

    #[test]
    fn malformed_elements_are_refused() {
        for input in [
            &[][..],
            &[2],
            &[2, 1],
            &[2, 0x80, 0],
            &[2, 0x81, 1, 0],
            &[2, 0x82, 0, 0x80],
            &[2, 0x84, 0, 0, 0, 1, 0],
        ] {
            assert!(Reader::new(input).any().is_none(), "{input:?}");
        }
        let mut reader = Reader::new(&[2, 1, 7, 4, 0]);
        assert!(reader.optional(SEQUENCE).is_none());
        assert_eq!(reader.expect(INTEGER).unwrap().contents, [7]);
        assert_eq!(reader.any().unwrap().encoding, [4, 0]);
        assert!(reader.is_empty());
    }
}
