//! Kabao's memory of changes: a change with a request id happens once, whatever crashes.
//!
//! WeChat promises little: one family has request numbers, two have none, answers get lost, and a
//! repeated `add` adds twice. A [`Journal`] stands around the parts of a client and gives every write
//! a memory:
//!
//! - Before the first byte of a write leaves, its [`Plan`] is durable: what is sent, under which
//!   number or as which absolute value, and how to prove what came of it.
//! - Before anybody hears how it ended, its end is durable, with the answer.
//! - A repeat of the same id gets that answer, also while the first call still runs, after a restart,
//!   and on another replica.
//! - What may have left ends by proof alone ([`machine`]): a verified answer, a verified read-back, or
//!   the word of an operator.
//!
//! The crate knows no database ([`ChangeStore`] and [`Leases`] are implemented elsewhere), no network
//! and no cryptography. Time, ids and digests come in from outside.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use kabao_api::{AdjustMember, CallContext, CallId, Change, MemberApi, Upstream};
//! use kabao_journal::{ChangeStore, Clock, Journal, Leases, Settings};
//!
//! /// `backend` makes the members of an account out of what sends their requests.
//! async fn spend(
//!     store: Arc<dyn ChangeStore>,
//!     leases: Arc<dyn Leases>,
//!     clock: Arc<dyn Clock>,
//!     pipeline: Arc<dyn Upstream>,
//!     backend: impl FnOnce(Arc<dyn Upstream>) -> Arc<dyn MemberApi>,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let journal = Journal::new(store, leases, clock, Settings::default());
//!     let acme = journal.account("acme".parse()?);
//!     let members = acme.members(backend(acme.upstream(pipeline)));
//!     // Ends what an earlier process has left open.
//!     let reconciling = tokio::spawn(async move { journal.reconcile().await });
//!
//!     let member = "accounts/acme/templates/t1/members/1001".parse()?;
//!     let order = AdjustMember::new(member, Change::Add(-30)).with_request_id("order-4711".parse()?);
//!     let context = CallContext::new("acme".parse()?, CallId::unknown());
//!     let first = members.adjust_points(&context, order.clone()).await?;
//!     let again = members.adjust_points(&context, order).await?;
//!     assert_eq!((first.after, again.after), (70, 70));
//! #   reconciling.abort();
//!     Ok(())
//! }
//! #
//! # use kabao_journal::model::{ModelBackend, ModelStore, ModelWeChat, Pipeline};
//! # struct FixedClock;
//! # impl Clock for FixedClock {
//! #     fn now(&self) -> std::time::SystemTime {
//! #         std::time::SystemTime::UNIX_EPOCH
//! #     }
//! #     fn request_id(&self) -> Option<kabao_api::RequestId> {
//! #         None
//! #     }
//! # }
//! # #[tokio::main]
//! # async fn main() {
//! #     let wechat = ModelWeChat::default().with_member("1001", 100);
//! #     let replica = Arc::new(ModelStore::new().replica());
//! #     let pipeline = Arc::new(Pipeline(wechat.clone()));
//! #     let backend = |upstream| -> Arc<dyn MemberApi> {
//! #         Arc::new(ModelBackend::new(kabao_api::Family::Merchant, upstream))
//! #     };
//! #     let clock = Arc::new(FixedClock);
//! #     spend(replica.clone(), replica, clock, pipeline, backend).await.unwrap();
//! #     assert_eq!(wechat.ledger().len(), 1);
//! # }
//! ```
//!
//! `kabao-store` is a store for it. Around a client it stands as a `Decorator` of `kabao-client`.

mod account;
mod answer;
mod changes;
mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod decorators;
mod engine;
mod entry;
mod journal;
pub mod machine;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod observer;
mod party;
mod plan;
mod process;
mod reconcile;
mod settings;
mod store;
mod subject;
#[cfg(test)]
mod tests;

pub use self::account::AccountJournal;
pub use self::clock::Clock;
pub use self::journal::Journal;
pub use self::observer::ChangeObserver;
pub use self::party::Party;
pub use self::plan::Plan;
pub use self::process::Counts;
pub use self::reconcile::Reconciler;
pub use self::settings::Settings;
pub use self::store::{
    Acquired, Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, Lease,
    Leases, NewChange, StoreError, StoredChange, Ticket,
};
