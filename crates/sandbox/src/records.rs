//! Records that cannot change without an entry in the ledger.

use std::collections::BTreeMap;
use std::ops::Deref;

use crate::ledger::{Change, Effect, note};

/// Something that is kept under a key and whose changes the ledger tells.
pub(crate) trait Recorded: Clone {
    type Key: Ord + Clone;

    /// Says to which template and member a record belongs.
    fn place(&self, key: &Self::Key) -> Effect;

    /// Lists what the ledger tells of a change: nothing is before a new record, and nothing after
    /// one that goes. What is not listed changes silently.
    fn changes(key: &Self::Key, before: Option<&Self>, after: Option<&Self>) -> Vec<Change>;
}

/// All records of one kind.
pub(crate) struct Records<R: Recorded>(BTreeMap<R::Key, R>);

impl<R: Recorded> Default for Records<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// Everything that only reads.
impl<R: Recorded> Deref for Records<R> {
    type Target = BTreeMap<R::Key, R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<R: Recorded> Records<R> {
    /// Puts a record in place of the one before and notes in what they differ; `number` is the
    /// request's.
    pub(crate) fn put(
        &mut self,
        effects: &mut Vec<Effect>,
        number: Option<&str>,
        key: R::Key,
        after: R,
    ) {
        let before = self.0.get(&key);
        let effect = Effect {
            changes: R::changes(&key, before, Some(&after)),
            ..after.place(&key)
        };
        note(effects, number, effect);
        self.0.insert(key, after);
    }

    /// Changes a record, if there is one, and returns it.
    pub(crate) fn change(
        &mut self,
        effects: &mut Vec<Effect>,
        number: Option<&str>,
        key: &R::Key,
        change: impl FnOnce(&mut R),
    ) -> Option<&R> {
        let mut after = self.0.get(key)?.clone();
        change(&mut after);
        self.put(effects, number, key.clone(), after);
        self.0.get(key)
    }

    /// Moves a record to another key, of which `effect` tells.
    pub(crate) fn rename(
        &mut self,
        effects: &mut Vec<Effect>,
        key: &R::Key,
        new: R::Key,
        effect: Effect,
    ) {
        if let Some(record) = self.0.remove(key) {
            note(effects, None, effect);
            self.0.insert(new, record);
        }
    }

    /// Takes a record away.
    pub(crate) fn remove(&mut self, effects: &mut Vec<Effect>, key: &R::Key) -> Option<R> {
        let before = self.0.remove(key)?;
        let effect = Effect {
            changes: R::changes(key, Some(&before), None),
            ..before.place(key)
        };
        note(effects, None, effect);
        Some(before)
    }

    /// Puts a record in place that nobody made, such as demo data.
    pub(crate) fn fill(&mut self, key: R::Key, record: R) {
        self.0.insert(key, record);
    }

    /// Lets a test arrange a record.
    #[cfg(test)]
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut R>
    where
        R::Key: std::borrow::Borrow<Q>,
    {
        self.0.get_mut(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::whole;

    #[derive(Clone)]
    struct Balance(i64);

    impl Recorded for Balance {
        type Key = String;

        fn place(&self, key: &String) -> Effect {
            Effect::on(key)
        }

        fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
            let shown = |record: Option<&Self>| record.map(|record| record.0);
            whole("balance", &shown(before), &shown(after))
        }
    }

    #[test]
    fn every_change_leaves_an_effect_and_no_change_none() {
        let mut records = Records::default();
        let mut effects = Vec::new();
        let key = "card".to_owned();
        records.fill(key.clone(), Balance(1));
        records.put(&mut effects, Some("n-1"), key.clone(), Balance(2));
        records.put(&mut effects, Some("n-2"), key.clone(), Balance(2));
        records.change(&mut effects, None, &key, |record| record.0 += 1);
        assert_eq!(
            records.remove(&mut effects, &key).map(|record| record.0),
            Some(3)
        );
        assert!(records.change(&mut effects, None, &key, |_| ()).is_none());
        let told: Vec<_> = effects
            .iter()
            .map(|effect| {
                let change = effect.changes.first().unwrap();
                let number = |value: &Option<serde_json::Value>| value.as_ref()?.as_i64();
                let number_of_request = effect.out_request_no.as_deref();
                (
                    number_of_request,
                    number(&change.before),
                    number(&change.after),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("n-1"), Some(1), Some(2)),
                (None, Some(2), Some(3)),
                (None, Some(3), None)
            ]
        );
        assert!(
            effects
                .iter()
                .all(|effect| effect.template.as_deref() == Some("card"))
        );
    }
}
