//! Reads that need not be made.
//!
//! A call of WeChat costs a signature and a part of the quota, and the best one is the one that is not
//! made. [`Coalesced`] stands around the pipeline of one account: identical reads that are in flight at
//! the same time become one call, whose answer goes to all of them.
//!
//! [`Cached`] gives an answer again for as long as somebody has said that it may be kept, and tells how old it is.
//!
//! What neither does is to let a read miss a write: whoever has seen a write of this process end reads
//! a state that has it in it, and reads that are part of a write are made for that write alone.

mod cache;
mod cached;
mod coalesced;
mod flights;
#[cfg(test)]
mod tests;

use kabao_models::{AnyEndpoint, Record};

pub use self::cache::{Cache, Counts, Lifetimes};
pub use self::cached::Cached;
pub use self::coalesced::{Coalesced, Joined};

/// The code of the member that a request is about, by the names that it has in the families.
fn member_of(request: &dyn AnyEndpoint) -> Option<String> {
    let record: &dyn Record = request;
    let text = |name: &str| record.named(name).text().filter(|text| !text.is_empty());
    text("user_card_code")
        .or_else(|| text("code"))
        .map(str::to_owned)
}
