//! Durations and sizes as people write them.

use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

const DURATIONS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const BYTES: [(&str, u64); 3] = [("MiB", 1024 * 1024), ("KiB", 1024), ("", 1)];

/// Reads `500ms`, `20s`, `5m`, `1h`; `0` needs no unit.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    parse(text, &DURATIONS).map(Duration::from_millis)
}

/// Reads `16384`, `64KiB`, `4MiB`.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    parse(text, &BYTES)
}

/// Writes a duration in the greatest unit that loses nothing.
pub(crate) fn duration(value: Duration) -> String {
    let millis = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    print(millis, &DURATIONS)
}

/// Writes a size in the greatest unit that loses nothing.
pub(super) fn bytes(value: u32) -> String {
    print(u64::from(value), &BYTES)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn print(value: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .find(|(_, factor)| value >= *factor && value.is_multiple_of(*factor))
        .map_or_else(
            || value.to_string(),
            |(unit, factor)| format!("{}{unit}", value / factor),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_whole_number_and_a_unit() {
        for (text, millis) in [
            ("500ms", Some(500)),
            ("20s", Some(20_000)),
            ("5 m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("0", Some(0)),
            ("20", None),
            ("1.5s", None),
            ("-1s", None),
            ("s", None),
            ("1d", None),
            ("99999999999999999999h", None),
            ("9999999999999999999h", None),
        ] {
            assert_eq!(
                parse_duration(text),
                millis.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn values_print_in_the_greatest_exact_unit() {
        for (millis, text) in [
            (0, "0s"),
            (1, "1ms"),
            (1_500, "1500ms"),
            (90_000, "90s"),
            (7_200_000, "2h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(bytes(4 * 1024 * 1024), "4MiB");
        assert_eq!(bytes(16 * 1024), "16KiB");
        assert_eq!(bytes(1000), "1000");
        assert_eq!(parse_bytes("4MiB"), Some(4 * 1024 * 1024));
        assert_eq!(parse_bytes("4MB"), None);
    }
}
