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
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use kabao_api::{CallContext, CallId, Freshness, Upstream, call};
//! use kabao_models::Endpoint;
//! use kabao_models::merchant::user_cards::GetUserCard;
//! use kabao_reads::{Cache, Cached, Coalesced, Lifetimes};
//!
//! # async fn read(pipeline: Arc<dyn Upstream>) -> Result<(), Box<dyn std::error::Error>> {
//! // One for all accounts of a process: cards for ten seconds, a thousand answers at most.
//! let mut lifetimes = Lifetimes::default();
//! lifetimes.keep(GetUserCard::OPERATION.id, Duration::from_secs(10));
//! let cache = Cache::new(lifetimes, 1000);
//!
//! // Around the pipeline of each account.
//! let upstream = Cached::new(Arc::new(Coalesced::new(pipeline)), &cache);
//!
//! // Whoever gives a `Freshness` is told in it how old the answer is.
//! let mut context = CallContext::new("acme".parse()?, CallId::unknown());
//! context.freshness = Some(Freshness::default());
//! let card = call(&upstream, &context, GetUserCard::new("t1", "1001")).await?;
//! let again = call(&upstream, &context, GetUserCard::new("t1", "1001")).await?;
//! assert_eq!(card, again);
//! assert_eq!(cache.counts().hits, 1);
//! # Ok(())
//! # }
//! #
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! #     let mut pipeline = kabao_api::MockUpstream::new();
//! #     let card = kabao_models::merchant::user_cards::UserCard::default();
//! #     let answer = move |_: &CallContext, _| -> Result<Box<dyn kabao_models::AnyAnswer>, _> {
//! #         Ok(Box::new(card.clone()))
//! #     };
//! #     pipeline.expect_execute().times(1).returning(answer);
//! #     pipeline.expect_refusal().returning(|_, _| None);
//! #     read(Arc::new(pipeline)).await.unwrap();
//! # }
//! ```

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
