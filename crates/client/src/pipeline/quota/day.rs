//! Operations whose quota of the day is used up. Pure: Unix seconds are an argument.

use std::collections::HashMap;

const DAY: i64 = 24 * 60 * 60;
/// WeChat's days are those of Beijing, which is 8 hours ahead of UTC and has no summer time.
const BEIJING: i64 = 8 * 60 * 60;
/// One call in so many seconds finds out whether somebody has given more quota: what WeChat refuses costs none.
const PROBE_EVERY: i64 = 10 * 60;
/// WeChat's midnight may be so many seconds late; until then the quota of the new day is not used up.
const LATE: i64 = 10 * 60;
/// How long an operation stays closed that WeChat refuses shortly after midnight.
const LATE_PAUSE: i64 = 60;

/// The operations of one account that are closed.
#[derive(Debug, Default)]
pub(crate) struct Days(HashMap<&'static str, Closed>);

#[derive(Clone, Copy, Debug)]
struct Closed {
    until: i64,
    probe_at: i64,
}

impl Days {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns for how many seconds more the operation is closed. Every now and then a call may go all the same.
    pub(crate) fn refusal(&mut self, operation: &'static str, now: i64) -> Option<i64> {
        let closed = self.0.get_mut(operation)?;
        if closed.until <= now {
            self.0.remove(operation);
            return None;
        }
        if closed.probe_at <= now {
            closed.probe_at = now + PROBE_EVERY;
            return None;
        }
        Some(closed.until - now)
    }

    /// Returns for how many seconds more a call would find the operation closed that came now. It takes nobody's turn to
    /// go all the same.
    pub(crate) fn closed(&self, operation: &'static str, now: i64) -> Option<i64> {
        let closed = self.0.get(operation)?;
        let is_open = closed.until <= now || closed.probe_at <= now;
        (!is_open).then(|| closed.until - now)
    }

    /// WeChat has said that the quota is used up. Returns for how many seconds the operation is closed, if it was not.
    pub(crate) fn close(&mut self, operation: &'static str, now: i64) -> Option<i64> {
        let into_day = (now + BEIJING).rem_euclid(DAY);
        let pause = match into_day < LATE {
            true => LATE_PAUSE,
            false => DAY - into_day,
        };
        let closed = Closed {
            until: now + pause,
            probe_at: now + PROBE_EVERY,
        };
        match self.0.insert(operation, closed) {
            Some(before) if before.until > now => None,
            _ => Some(pause),
        }
    }

    /// WeChat has served a call. Tells whether the operation was closed.
    pub(crate) fn open(&mut self, operation: &'static str) -> bool {
        self.0.remove(operation).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01 00:00:00 in Beijing.
    const MIDNIGHT: i64 = 1_767_196_800;

    #[test]
    fn an_operation_is_closed_until_midnight_in_beijing() {
        // When WeChat refuses, in seconds of the day, and for how long it is closed.
        let rows = [
            (15 * 3600, 9 * 3600),
            (DAY - 1, 1),
            (LATE, DAY - LATE),
            (LATE - 1, LATE_PAUSE),
            (0, LATE_PAUSE),
        ];
        for (at, pause) in rows {
            let mut days = Days::default();
            let now = MIDNIGHT + at;
            assert_eq!(days.refusal("a", now), None);
            assert_eq!(days.close("a", now), Some(pause), "{at}");
            assert_eq!(days.close("a", now), None, "it is told once");
            assert_eq!(days.refusal("b", now), None);
            assert_eq!(days.refusal("a", now), Some(pause), "{at}");
            assert_eq!(days.refusal("a", now + pause), None);
            assert!(days.is_empty());
        }
    }

    #[test]
    fn one_call_in_a_while_finds_out_and_its_success_opens_it() {
        let mut days = Days::default();
        let now = MIDNIGHT + DAY / 2;
        days.close("a", now);
        assert!(days.refusal("a", now + PROBE_EVERY - 1).is_some());
        assert!(days.closed("a", now + PROBE_EVERY - 1).is_some());
        for _ in 0..2 {
            assert_eq!(
                days.closed("a", now + PROBE_EVERY),
                None,
                "looking costs nothing"
            );
        }
        assert_eq!(days.refusal("a", now + PROBE_EVERY), None);
        assert!(days.refusal("a", now + PROBE_EVERY).is_some());
        assert!(days.open("a") && !days.open("a"));
        assert_eq!(days.refusal("a", now + PROBE_EVERY), None);
    }
}
