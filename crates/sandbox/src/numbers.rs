//! Request numbers: what was asked under them, and what was answered.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use crate::settings::RepeatedNumber;

/// How many numbers are remembered; the oldest go first.
const CAPACITY: usize = 100_000;

/// Where a number must be unique: the scope upstream is unknown, this is account and operation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct NumberKey {
    pub(crate) account: String,
    pub(crate) operation: &'static str,
    pub(crate) number: String,
}

/// What a number stands for when a request arrives.
pub(crate) enum Repeat {
    /// It is new, or repeats do not matter.
    New,
    /// The same request was answered so.
    Same(Value),
    /// Other content under the same number, or repeats are refused.
    Refused,
}

/// The numbers of one family.
#[derive(Default)]
pub(crate) struct Numbers {
    seen: HashMap<NumberKey, Answered>,
    order: VecDeque<NumberKey>,
}

struct Answered {
    content: Value,
    answer: Value,
}

impl Numbers {
    /// Tells whether a request may act.
    pub(crate) fn check(
        &self,
        rule: RepeatedNumber,
        key: &NumberKey,
        content: &impl Serialize,
    ) -> Repeat {
        let Some(first) = self.seen.get(key) else {
            return Repeat::New;
        };
        match rule {
            RepeatedNumber::Apply => Repeat::New,
            RepeatedNumber::Replay if value(content) == first.content => {
                Repeat::Same(first.answer.clone())
            }
            RepeatedNumber::Replay | RepeatedNumber::Refuse => Repeat::Refused,
        }
    }

    /// Remembers a request that acted.
    pub(crate) fn remember(
        &mut self,
        key: NumberKey,
        content: &impl Serialize,
        answer: &impl Serialize,
    ) {
        if self.order.len() == CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        let answered = Answered {
            content: value(content),
            answer: value(answer),
        };
        if self.seen.insert(key.clone(), answered).is_none() {
            self.order.push_back(key);
        }
    }
}

fn value(content: &impl Serialize) -> Value {
    serde_json::to_value(content).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: &str) -> NumberKey {
        NumberKey {
            account: "a".into(),
            operation: "x",
            number: number.into(),
        }
    }

    #[test]
    fn equal_content_replays_and_other_content_is_refused() {
        let mut numbers = Numbers::default();
        assert!(matches!(
            numbers.check(RepeatedNumber::Replay, &key("1"), &"c"),
            Repeat::New
        ));
        numbers.remember(key("1"), &"c", &7);
        assert!(
            matches!(numbers.check(RepeatedNumber::Replay, &key("1"), &"c"), Repeat::Same(answer) if answer == 7)
        );
        assert!(matches!(
            numbers.check(RepeatedNumber::Replay, &key("1"), &"d"),
            Repeat::Refused
        ));
        assert!(matches!(
            numbers.check(RepeatedNumber::Refuse, &key("1"), &"c"),
            Repeat::Refused
        ));
        assert!(matches!(
            numbers.check(RepeatedNumber::Apply, &key("1"), &"d"),
            Repeat::New
        ));
        assert!(matches!(
            numbers.check(RepeatedNumber::Refuse, &key("2"), &"c"),
            Repeat::New
        ));
    }
}
