//! What callers asked for and heard, and what the ledger says: all that the judge sees.

use std::collections::BTreeMap;

/// A change that somebody intends. No two intents share an amount, so that an effect tells whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The member, by its code.
    pub member: String,
    /// What is asked for.
    pub asked: Asked,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// So much more.
    Add(i64),
    /// So much.
    Set(i64),
}

/// What happened at the edge, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call began.
    Invoke {
        /// The call.
        call: u64,
        /// The request id.
        id: String,
        /// True if its content is not that of the intent of its id.
        other_content: bool,
    },
    /// A call ended.
    Return {
        /// The call.
        call: u64,
        /// How.
        heard: Heard,
    },
}

/// What a caller heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is done.
    Ok(Answer),
    /// WeChat refuses it.
    Refused(String),
    /// This call has done nothing; another one may.
    Failed(String),
    /// It may be done or not.
    Unknown(String),
}

/// The answer of a change that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The value before.
    pub before: Option<i64>,
    /// The value after.
    pub after: i64,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The member.
    pub member: String,
    /// Where it came from.
    pub source: Source,
    /// The value before.
    pub before: i64,
    /// The value after.
    pub after: i64,
    /// How many events there were before it.
    pub at: usize,
}

/// Where an effect came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A request under this number, which is the id.
    Number(String),
    /// A request without a number.
    Value,
    /// Somebody behind everybody's back.
    Foreign,
}

/// How a change stands in the journal when all faults are over and nothing moves any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It took effect.
    Applied,
    /// It had no effect.
    Rejected,
    /// A person has to decide.
    NeedsDecision,
    /// Still under way, which must not be.
    Open,
}

/// All that is known after a run.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The intents by their ids.
    pub intents: BTreeMap<String, Intent>,
    /// What happened at the edge.
    pub events: Vec<Event>,
    /// The ledger in its order.
    pub ledger: Vec<Effect>,
    /// The journal; an id that it does not have never left.
    pub ends: BTreeMap<String, End>,
    /// The value of each member at first.
    pub initial: BTreeMap<String, i64>,
    /// The value of each member at last.
    pub last: BTreeMap<String, i64>,
    /// Ids that were asked for when everything worked again, and were not answered.
    pub unanswered: Vec<String>,
}
