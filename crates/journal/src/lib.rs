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
