//! Call rates, counted per account and operation in whole seconds.

use std::collections::HashMap;

use kabao_models::RateLimit;

/// Counters of the present second, minute and day.
#[derive(Default)]
pub(crate) struct Rates {
    windows: HashMap<(String, &'static str, i64), Window>,
}

#[derive(Default)]
struct Window {
    start: i64,
    calls: u32,
}

impl Rates {
    /// Counts a call and returns false if it is one too many.
    pub(crate) fn admit(
        &mut self,
        account: &str,
        operation: &'static str,
        limit: &RateLimit,
        now: i64,
    ) -> bool {
        let limits = [
            (1, limit.per_second),
            (60, limit.per_minute),
            (86_400, limit.per_day),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(length, calls)| Some((length, calls?)));
        let mut admitted = true;
        for (length, allowed) in limits {
            let window = self
                .windows
                .entry((account.to_owned(), operation, length))
                .or_default();
            let start = now.div_euclid(length);
            if window.start != start {
                *window = Window { start, calls: 0 };
            }
            window.calls = window.calls.saturating_add(1);
            admitted &= window.calls <= allowed;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_call_of_a_second_is_too_many_and_the_next_second_is_free() {
        let limit = RateLimit {
            per: "merchant",
            per_second: Some(10),
            per_minute: None,
            per_day: None,
        };
        let mut rates = Rates::default();
        let admitted = (0..11)
            .filter(|_| rates.admit("a", "x", &limit, 100))
            .count();
        assert_eq!(admitted, 10);
        assert!(rates.admit("b", "x", &limit, 100));
        assert!(rates.admit("a", "x", &limit, 101));
    }
}
