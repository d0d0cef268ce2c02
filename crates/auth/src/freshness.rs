//! How far a timestamp may be from the clock.

/// The greatest deviation in seconds that is documented; at exactly this value a timestamp is already refused.
const MAX_DEVIATION_SECONDS: i64 = 300;

/// A moment and how far a timestamp may deviate from it, in either direction.
///
/// What the service does at exactly 300 s is not documented and SDKs differ; here, as in the Go SDK, it is too far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The time of the check in Unix seconds.
    pub now: i64,
    /// The first deviation in seconds that is refused.
    pub max_deviation: i64,
}

impl Freshness {
    pub(crate) fn accepts(self, timestamp: i64) -> bool {
        u64::try_from(self.max_deviation).is_ok_and(|limit| self.now.abs_diff(timestamp) < limit)
    }
}

/// Takes Unix seconds and the documented deviation.
impl From<i64> for Freshness {
    fn from(now: i64) -> Self {
        Self {
            now,
            max_deviation: MAX_DEVIATION_SECONDS,
        }
    }
}

/// Reads decimal Unix seconds: digits only, no sign.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_belongs_to_the_refused_side_in_both_directions() {
        let freshness = Freshness::from(1_000);
        for (timestamp, expected) in [
            (1_000, true),
            (701, true),
            (1_299, true),
            (700, false),
            (1_300, false),
        ] {
            assert_eq!(freshness.accepts(timestamp), expected, "{timestamp}");
        }
        assert!(!freshness.accepts(i64::MIN));
        assert!(
            !Freshness {
                now: 5,
                max_deviation: -1
            }
            .accepts(5)
        );
    }

    #[test]
    fn timestamps_are_plain_digits() {
        assert_eq!(parse_timestamp("1767225600"), Some(1_767_225_600));
        for text in [
            "",
            "+1",
            "-1",
            " 1",
            "1.0",
            "2026-01-01T08:00:00+08:00",
            "99999999999999999999",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text:?}");
        }
    }
}
