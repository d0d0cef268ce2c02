//! The judge: a pure function of what callers heard and of the ledger.

mod attribution;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use self::attribution::Attributed;
use crate::history::{Answer, Asked, Effect, End, Event, Evidence, Heard, Source};

/// How the promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// I1: a caller heard that it is done, and it is not.
    Lost(String),
    /// I2: it happened more than once.
    Doubled(String, usize),
    /// An effect that belongs to no change.
    Stray(Effect),
    /// I3: it ended, and not as the ledger says.
    Unproved(String, Option<End>, usize),
    /// I3: it did not end, though everything worked again.
    Dropped(String),
    /// I3: it is left to a person, though nobody has interfered.
    NeedlessDecision(String),
    /// It was done after every caller so far had heard that nothing was.
    FalseFailure(String),
    /// Two callers heard different answers.
    Unequal(String, String, String),
    /// A caller heard values that are not those of the effect.
    WrongAnswer(String, Answer, Effect),
    /// Another content under the same id was not refused.
    Reused(String),
    /// The ledger does not add up.
    Balance(String, i64, i64),
    /// Everything works again, and a call is not answered.
    Stuck(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(id) => write!(f, "I1: {id} was answered OK and has no effect"),
            Self::Doubled(id, count) => write!(f, "I2: {id} has {count} effects"),
            Self::Stray(effect) => write!(f, "an effect that is nobody's: {effect:?}"),
            Self::Unproved(id, end, count) => {
                write!(f, "I3: {id} ended as {end:?} and has {count} effects")
            }
            Self::Dropped(id) => write!(f, "I3: {id} did not end"),
            Self::NeedlessDecision(id) => {
                write!(f, "I3: {id} waits for a person, and nobody has interfered")
            }
            Self::FalseFailure(id) => {
                write!(
                    f,
                    "every caller of {id} had heard that nothing was done, and then it was"
                )
            }
            Self::Unequal(id, one, other) => {
                write!(f, "{id} was answered with {one} and with {other}")
            }
            Self::WrongAnswer(id, answer, effect) => {
                write!(f, "{id} was answered with {answer:?}, and did {effect:?}")
            }
            Self::Reused(id) => write!(f, "another content under {id} was not refused"),
            Self::Balance(member, expected, found) => {
                write!(f, "{member} should have {expected} and has {found}")
            }
            Self::Stuck(id) => write!(f, "everything works again, and {id} is not answered"),
        }
    }
}

/// Judges a run; no violation if the promise was kept.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let heard = heard(evidence);
    let attributed = attribution::attribute(evidence);
    let mut violations: Vec<Violation> = attributed
        .strays
        .iter()
        .cloned()
        .map(Violation::Stray)
        .collect();
    for id in evidence.intents.keys() {
        let about = About {
            evidence,
            id,
            heard: heard.get(id.as_str()).map_or(&[], Vec::as_slice),
            effects: attributed.of(id),
            end: evidence.ends.get(id).copied(),
        };
        about.judge(&mut violations);
    }
    violations.extend(other_contents(evidence));
    violations.extend(balances(evidence, &attributed));
    violations.extend(evidence.unanswered.iter().cloned().map(Violation::Stuck));
    violations
}

/// What the callers of each id heard; a call that did not return heard nothing certain.
fn heard(evidence: &Evidence) -> BTreeMap<&str, Vec<Heard>> {
    let mut open = BTreeMap::new();
    let mut heard: BTreeMap<&str, Vec<Heard>> = BTreeMap::new();
    for event in &evidence.events {
        match event {
            Event::Invoke {
                call,
                id,
                other_content: false,
            } => {
                open.insert(*call, id.as_str());
            }
            Event::Invoke { .. } => {}
            Event::Return { call, heard: what } => {
                if let Some(id) = open.remove(call) {
                    heard.entry(id).or_default().push(what.clone());
                }
            }
        }
    }
    for id in open.into_values() {
        let nothing = Heard::Unknown("never returned".to_owned());
        heard.entry(id).or_default().push(nothing);
    }
    heard
}

/// All about one id.
struct About<'a> {
    evidence: &'a Evidence,
    id: &'a str,
    heard: &'a [Heard],
    /// Its rows of the ledger, also those that changed nothing.
    effects: &'a [(usize, Effect)],
    end: Option<End>,
}

impl About<'_> {
    fn judge(&self, violations: &mut Vec<Violation>) {
        let id = || self.id.to_owned();
        let count = self.effects.len();
        let answers: Vec<&Answer> = self
            .heard
            .iter()
            .filter_map(|heard| match heard {
                Heard::Ok(answer) => Some(answer),
                _ => None,
            })
            .collect();
        if !answers.is_empty() && count == 0 {
            violations.push(Violation::Lost(id()));
        }
        if count > 1 && !self.was_overwritten() {
            violations.push(Violation::Doubled(id(), count));
        }
        match self.end {
            Some(End::Open) => violations.push(Violation::Dropped(id())),
            Some(End::NeedsDecision) if !self.somebody_interfered() => {
                violations.push(Violation::NeedlessDecision(id()));
            }
            Some(End::NeedsDecision) => {}
            end => {
                if (end == Some(End::Applied)) != (count > 0) {
                    violations.push(Violation::Unproved(id(), end, count));
                }
            }
        }
        if self
            .effects
            .iter()
            .any(|(_, effect)| self.nobody_waited(effect))
        {
            violations.push(Violation::FalseFailure(id()));
        }
        // A refusal and a success are what every repeat gets, to the byte.
        let final_answers: Vec<&Heard> = self
            .heard
            .iter()
            .filter(|heard| matches!(heard, Heard::Ok(_) | Heard::Refused(_)))
            .collect();
        if let [first, others @ ..] = final_answers.as_slice()
            && let Some(other) = others.iter().find(|other| *other != first)
        {
            let (one, other) = (format!("{first:?}"), format!("{other:?}"));
            violations.push(Violation::Unequal(id(), one, other));
        }
        if let (Some(answer), [(_, effect)]) = (answers.first(), self.effects)
            && !self.is_answer_of(answer, effect)
        {
            violations.push(Violation::WrongAnswer(id(), **answer, effect.clone()));
        }
    }

    /// Tells whether all calls had ended before an effect, and none of them left it open.
    fn nobody_waited(&self, effect: &Effect) -> bool {
        let mut open = BTreeSet::new();
        for event in self.evidence.events.iter().take(effect.at) {
            match event {
                Event::Invoke {
                    call,
                    id,
                    other_content: false,
                } if id == self.id => {
                    open.insert(call);
                }
                Event::Return {
                    call,
                    heard: Heard::Failed(_) | Heard::Refused(_),
                } => {
                    open.remove(call);
                }
                Event::Invoke { .. } | Event::Return { .. } => {}
            }
        }
        open.is_empty()
    }

    fn is_answer_of(&self, answer: &Answer, effect: &Effect) -> bool {
        let before = answer.before.is_none_or(|before| before == effect.before);
        // What was read before may be overwritten by others until the write.
        answer.after == effect.after && (before || self.somebody_interfered())
    }

    /// Tells whether somebody else has written the member, at whatever time.
    fn somebody_interfered(&self) -> bool {
        let member = self
            .evidence
            .intents
            .get(self.id)
            .map(|intent| &intent.member);
        self.evidence
            .ledger
            .iter()
            .any(|effect| effect.source == Source::Foreign && Some(&effect.member) == member)
    }

    /// An absolute value that was written again after somebody else had written another one: without numbers,
    /// nobody can tell that from a lost first one.
    fn was_overwritten(&self) -> bool {
        self.effects.windows(2).all(|pair| match pair {
            [(first, one), (second, other)] => {
                let between = self
                    .evidence
                    .ledger
                    .get(*first..*second)
                    .unwrap_or_default();
                one.source == Source::Value
                    && one.after == other.after
                    && between.iter().any(|effect| {
                        effect.source == Source::Foreign && effect.member == one.member
                    })
            }
            _ => true,
        })
    }
}

/// Another content under an id is refused, whatever became of the first.
fn other_contents(evidence: &Evidence) -> Vec<Violation> {
    let mut others: BTreeMap<u64, &str> = BTreeMap::new();
    let mut violations = Vec::new();
    for event in &evidence.events {
        match event {
            Event::Invoke {
                call,
                id,
                other_content: true,
            } => {
                others.insert(*call, id);
            }
            Event::Return {
                call,
                heard: Heard::Ok(_) | Heard::Refused(_),
            } => violations.extend(
                others
                    .get(call)
                    .map(|id| Violation::Reused((*id).to_owned())),
            ),
            _ => {}
        }
    }
    violations
}

/// The rows of a member follow each other without a gap, and what is there at last is what was there at first
/// with everything that was applied.
fn balances(evidence: &Evidence, attributed: &Attributed) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (member, initial) in &evidence.initial {
        let mut value = *initial;
        let mut is_sum = true;
        for effect in evidence
            .ledger
            .iter()
            .filter(|effect| effect.member == *member)
        {
            if effect.before != value {
                violations.push(Violation::Balance(member.clone(), value, effect.before));
            }
            is_sum &= effect.source != Source::Foreign;
            value = effect.after;
        }
        let last = evidence.last.get(member).copied().unwrap_or_default();
        if value != last {
            violations.push(Violation::Balance(member.clone(), value, last));
        }
        let mut sum = *initial;
        let applied: BTreeSet<&str> = attributed.ids().collect();
        for (id, intent) in &evidence.intents {
            if intent.member != *member || !applied.contains(id.as_str()) {
                continue;
            }
            match intent.asked {
                Asked::Add(amount) => sum += amount,
                Asked::Set(_) => is_sum = false,
            }
        }
        if is_sum && sum != last {
            violations.push(Violation::Balance(member.clone(), sum, last));
        }
    }
    violations
}
