//! What came of a reload, for the log, for `POST /reload` and for `kabao reload`.

use std::fmt;

use kabao_api::AccountId;
use serde_json::{Value, json};

use super::trigger::Trigger;
use crate::accounts::Difference;
use crate::config::{Mistake, Mistakes};
use crate::telemetry::ReloadStatus;

/// So many names and mistakes stand in the log; the answer to a request has all.
const SHOWN: usize = 50;

/// The generation that is served, and how that came.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    generation: u64,
    outcome: Outcome,
}

/// What became of what was read.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It is served.
    Applied(Applied),
    /// It says what was served before, but for settings that wait for a restart: these.
    Unchanged(Vec<String>),
    /// It is not good; what was served before still is.
    Refused(Mistakes),
}

/// A new generation.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) difference: Difference,
    /// The settings that are not as the files say until the process is started again.
    pub(crate) waiting: Vec<String>,
}

impl Report {
    pub(super) fn new(generation: u64, outcome: Outcome) -> Self {
        Self {
            generation,
            outcome,
        }
    }

    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether what the files say is served.
    pub(crate) fn is_served(&self) -> bool {
        !matches!(self.outcome, Outcome::Refused(_))
    }

    /// Adds itself to what operators see.
    pub(super) fn count(&self, status: &mut ReloadStatus) {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (mistakes, waiting) = match &self.outcome {
            Outcome::Applied(Applied { waiting, .. }) => {
                status.applied += 1;
                (0, number(waiting.len()))
            }
            Outcome::Unchanged(waiting) => {
                status.unchanged += 1;
                (0, number(waiting.len()))
            }
            Outcome::Refused(mistakes) => {
                status.refused += 1;
                (number(mistakes.len()), status.waiting)
            }
        };
        status.mistakes = mistakes;
        status.waiting = waiting;
    }

    pub(super) fn log(&self, trigger: Trigger) {
        let (generation, trigger) = (self.generation, trigger.as_str());
        match &self.outcome {
            Outcome::Applied(Applied {
                difference:
                    Difference {
                        added,
                        changed,
                        removed,
                    },
                waiting,
            }) => {
                tracing::info!(
                    generation, trigger,
                    added = %Names(added), changed = %Names(changed), removed = %Names(removed),
                    "a new configuration is served"
                );
                tell(waiting);
            }
            Outcome::Unchanged(waiting) => {
                tracing::info!(generation, trigger, "the configuration says what is served");
                tell(waiting);
            }
            Outcome::Refused(mistakes) => {
                for mistake in mistakes.iter().take(SHOWN) {
                    tracing::warn!(generation, "mistake in the configuration: {mistake}");
                }
                tracing::error!(
                    generation,
                    trigger,
                    mistakes = mistakes.len(),
                    "the configuration is refused; the one before is served on"
                );
            }
        }
    }

    /// The body of the answer to a request.
    pub(crate) fn to_json(&self) -> Value {
        let mut json = json!({ "generation": self.generation });
        let members = match &self.outcome {
            Outcome::Applied(Applied {
                difference,
                waiting,
            }) => json!({
                "outcome": "applied",
                "added": names(&difference.added),
                "changed": names(&difference.changed),
                "removed": names(&difference.removed),
                "needs_restart": waiting,
            }),
            Outcome::Unchanged(waiting) => json!({
                "outcome": "unchanged",
                "needs_restart": waiting,
            }),
            Outcome::Refused(mistakes) => {
                let mistake = |mistake: &Mistake| json!({ "place": mistake.place, "key": mistake.key, "message": mistake.message });
                json!({
                    "outcome": "refused",
                    "mistakes": mistakes.iter().map(mistake).collect::<Vec<_>>(),
                })
            }
        };
        if let (Value::Object(json), Value::Object(members)) = (&mut json, members) {
            json.extend(members);
        }
        json
    }
}

fn tell(waiting: &[String]) {
    if !waiting.is_empty() {
        tracing::warn!(settings = %waiting.join(", "), "these settings change when the gateway is started again");
    }
}

fn names(accounts: &[AccountId]) -> Vec<&str> {
    accounts.iter().map(AccountId::as_str).collect()
}

/// The first few accounts.
struct Names<'a>(&'a [AccountId]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(self.0.get(..SHOWN).unwrap_or(self.0)).join(", "))?;
        match self.0.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}
