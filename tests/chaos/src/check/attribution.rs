//! Whose an effect is.

use std::collections::BTreeMap;

use crate::history::{Asked, Effect, Evidence, Intent, Source};

/// The rows of the ledger by the ids that they belong to.
pub(super) struct Attributed {
    by_id: BTreeMap<String, Vec<(usize, Effect)>>,
    /// Those that belong to none.
    pub(super) strays: Vec<Effect>,
}

impl Attributed {
    /// Returns the rows of an id, with their places in the ledger. An absolute value that was written on top of
    /// itself is no second one.
    pub(super) fn of(&self, id: &str) -> &[(usize, Effect)] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the ids that have an effect.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }
}

/// Finds out whose each effect is: by its number where it has one, else by its amount.
pub(super) fn attribute(evidence: &Evidence) -> Attributed {
    let mut attributed = Attributed {
        by_id: BTreeMap::new(),
        strays: Vec::new(),
    };
    for (place, effect) in evidence.ledger.iter().enumerate() {
        let owner = match &effect.source {
            Source::Foreign => continue,
            Source::Number(number) => evidence
                .intents
                .get_key_value(number)
                .filter(|(_, intent)| is_effect_of(evidence, place, effect, intent))
                .map(|(id, _)| id),
            Source::Value => {
                let mut intents = evidence.intents.iter();
                let found =
                    intents.find(|(_, intent)| is_effect_of(evidence, place, effect, intent));
                found.map(|(id, _)| id).or_else(|| {
                    // What was written already, over what somebody else wrote.
                    let mut owned = attributed.by_id.iter();
                    let is_again = |(_, earlier): &(usize, Effect)| {
                        earlier.member == effect.member && earlier.after == effect.after
                    };
                    owned
                        .find(|(_, rows)| rows.iter().any(is_again))
                        .and_then(|(id, _)| evidence.intents.get_key_value(id))
                        .map(|(id, _)| id)
                })
            }
        };
        let Some(owner) = owner else {
            attributed.strays.push(effect.clone());
            continue;
        };
        let rows = attributed.by_id.entry(owner.clone()).or_default();
        let is_itself = effect.source == Source::Value
            && effect.before == effect.after
            && rows.iter().any(|(_, row)| row.after == effect.after);
        if !is_itself {
            rows.push((place, effect.clone()));
        }
    }
    attributed
}

/// Tells whether an effect is what an intent asks for.
fn is_effect_of(evidence: &Evidence, place: usize, effect: &Effect, intent: &Intent) -> bool {
    if effect.member != intent.member {
        return false;
    }
    match intent.asked {
        Asked::Set(value) => effect.after == value,
        Asked::Add(amount) => {
            bases(evidence, place, effect).any(|base| effect.after == base.saturating_add(amount))
        }
    }
}

/// The values that a difference may have been computed from: the one before, and those before what somebody
/// else wrote in between.
fn bases<'a>(
    evidence: &'a Evidence,
    place: usize,
    effect: &'a Effect,
) -> impl Iterator<Item = i64> + use<'a> {
    let earlier = evidence.ledger.get(..place).unwrap_or_default();
    let foreign = earlier
        .iter()
        .rev()
        .filter(|earlier| earlier.member == effect.member)
        .take_while(|earlier| earlier.source == Source::Foreign);
    std::iter::once(effect.before).chain(foreign.map(|foreign| foreign.before))
}
