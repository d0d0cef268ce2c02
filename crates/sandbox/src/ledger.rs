//! The ledger: every effect that a request or a user action really had.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// How many entries are kept; the oldest go first.
const CAPACITY: usize = 10_000;

/// What a core says that it changed.
///
/// It holds personal data, so it leaves the process through the control API only.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Effect {
    pub(crate) template: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) out_request_no: Option<String>,
    pub(crate) changes: Vec<Change>,
}

impl Effect {
    /// An effect on a template that says nothing yet.
    pub(crate) fn on(card_id: &str) -> Self {
        Self {
            template: Some(card_id.to_owned()),
            ..Self::default()
        }
    }

    /// An effect on a user card that says nothing yet.
    pub(crate) fn on_member(card_id: &str, code: &str) -> Self {
        Self {
            member: Some(code.to_owned()),
            ..Self::on(card_id)
        }
    }

    /// Says that something new was given out.
    pub(crate) fn gives(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.changes.push(Change {
            field: field.to_owned(),
            before: None,
            after: Some(value.into()),
        });
        self
    }
}

/// Notes an effect, unless nothing changed; `number` is the request's.
pub(crate) fn note(effects: &mut Vec<Effect>, number: Option<&str>, effect: Effect) {
    if !effect.changes.is_empty() {
        effects.push(Effect {
            out_request_no: number.map(str::to_owned).or(effect.out_request_no),
            ..effect
        });
    }
}

/// One member of a record before and after.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The name of the member.
    pub field: String,
    /// Its value before; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent if there is none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// One applied effect.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Counts from 1 since the last reset.
    pub sequence: u64,
    /// The moment on the sandbox's clock, RFC 3339 in UTC+8.
    pub at: String,
    /// The id of the operation, such as `merchant.user_cards.update`, or of the control action,
    /// such as `control.cards.claim`.
    pub operation: String,
    /// The name of the account.
    pub account: String,
    /// The `card_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The member's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The request number, for operations that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_request_no: Option<String>,
    /// What changed.
    pub changes: Vec<Change>,
}

impl std::fmt::Debug for LedgerEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerEntry")
            .field("sequence", &self.sequence)
            .field("operation", &self.operation)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// All entries since the last reset, as far as they are kept.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: VecDeque<LedgerEntry>,
    sequence: u64,
}

impl Ledger {
    pub(crate) fn append(&mut self, at: Timestamp, operation: &str, account: &str, effect: Effect) {
        self.sequence += 1;
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(LedgerEntry {
            sequence: self.sequence,
            at: crate::clock::rfc3339(at),
            operation: operation.to_owned(),
            account: account.to_owned(),
            template: effect.template,
            member: effect.member,
            out_request_no: effect.out_request_no,
            changes: effect.changes,
        });
    }

    pub(crate) fn entries(&self) -> Vec<LedgerEntry> {
        self.entries.iter().cloned().collect()
    }
}

/// Lists the members in which two records differ, as JSON.
pub(crate) fn differences<T: Serialize>(before: &T, after: &T) -> Vec<Change> {
    let mut changes = Vec::new();
    let (Ok(before), Ok(after)) = (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return changes;
    };
    compare("", Some(&before), Some(&after), &mut changes);
    changes
}

/// Lists the members of a record that was not there before.
pub(crate) fn made(record: &impl Serialize) -> Vec<Change> {
    let after = serde_json::to_value(record).unwrap_or_default();
    differences(&Value::Object(serde_json::Map::new()), &after)
}

/// Tells of one value that changed as a whole, if it did.
pub(crate) fn whole<T: Serialize>(field: &str, before: &T, after: &T) -> Vec<Change> {
    let json = |value: &T| {
        let value = serde_json::to_value(value).ok();
        value.filter(|value| !value.is_null())
    };
    let (before, after) = (json(before), json(after));
    let change = (before != after).then(|| Change {
        field: field.to_owned(),
        before,
        after,
    });
    change.into_iter().collect()
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(left)), Some(Value::Object(right))) = (before, after) {
        let names = left
            .keys()
            .chain(right.keys().filter(|name| !left.contains_key(*name)));
        for name in names {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            compare(&path, left.get(name), right.get(name), changes);
        }
        return;
    }
    changes.push(Change {
        field: path.to_owned(),
        before: before.cloned(),
        after: after.cloned(),
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_nested_members_once() {
        let before = json!({"level": "白银", "bonus": {"init": 1}, "gone": true});
        let after = json!({"level": "黄金", "bonus": {"init": 1, "word": "积分"}});
        let mut fields: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|change| change.field)
            .collect();
        fields.sort();
        assert_eq!(fields, ["bonus.word", "gone", "level"]);
        assert!(differences(&after, &after).is_empty());
    }

    #[test]
    fn the_ledger_keeps_the_newest_entries_and_counts_on() {
        let mut ledger = Ledger::default();
        for _ in 0..CAPACITY + 5 {
            ledger.append(Timestamp::UNIX_EPOCH, "x", "a", Effect::default());
        }
        let entries = ledger.entries();
        assert_eq!(entries.len(), CAPACITY);
        assert_eq!(entries.first().map(|entry| entry.sequence), Some(6));
    }
}
