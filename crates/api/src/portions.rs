//! How processes that serve the same accounts share WeChat's limits of calls: words, and the trait of what keeps them.

#[cfg(any(test, feature = "model"))]
pub mod conformance;
#[cfg(any(test, feature = "model"))]
pub mod model;

use std::time::Duration;

use async_trait::async_trait;

use crate::Error;

/// Where processes tell one another which part of each limit they hold.
///
/// No clock is compared with another one. What a process holds is its own for [`kept_for`](Self::kept_for) from the moment
/// at which it asked last, however long the answer took; whoever was silent for longer may hold nothing any more.
#[async_trait]
pub trait Portions: Send + Sync {
    /// Gives back and takes parts of limits, all of them in one step, and tells what others hold and need. A limit that
    /// is not in the answer is not held: the process was taken for dead, or the question is older than one that was
    /// answered.
    ///
    /// What all processes hold of a limit is never more than its capacity. Nobody is given what another one holds, so
    /// somebody has to give up before another one can take.
    ///
    /// `round` is higher with each question of a process. Questions that arrive late, after a later one, change nothing.
    ///
    /// # Errors
    /// The store does not answer. Whether the question was heard is not known then.
    async fn share(&self, round: u64, asks: &[Ask]) -> Result<Vec<Shared>, Error>;

    /// For how long from the question on nobody else is given what its answer says is held.
    fn kept_for(&self) -> Duration;

    /// How often a process should ask.
    fn period(&self) -> Duration;

    /// Whether a process whose questions are not answered goes on with an equal part of each limit. Most of the time
    /// nobody is answered then, and nobody takes anything. If that process alone is cut off, all together may exceed a
    /// limit; else its calls would end with the store.
    fn goes_on_alone(&self) -> bool {
        true
    }
}

/// What a process wants of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Names the limit; the same for all processes.
    pub limit: String,
    /// How many calls all processes have together.
    pub capacity: u32,
    /// How many this one wants to hold. What it holds beyond that it gives up.
    pub wanted: u32,
    /// What others are told.
    pub need: Need,
}

/// What a process would use of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// How many calls.
    pub calls: u32,
    /// For how many questions it has needed some and held none.
    pub starved: u32,
}

/// What has become of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Names the limit.
    pub limit: String,
    /// What this process holds from now on.
    pub held: u32,
    /// Where this process stands in an order of all of them that is the same for each.
    pub place: usize,
    /// What the others hold and need, in that order.
    pub others: Vec<Holding>,
}

/// What a process holds and needs of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// How many calls it holds.
    pub held: u32,
    /// How many it would use.
    pub need: Need,
}
