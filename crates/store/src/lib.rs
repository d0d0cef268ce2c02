//! Where Kabao's memory lies: a file of SQLite that the process has for itself, or a database of PostgreSQL that
//! several processes share.
//!
//! [`Store::open`] gives what a journal asks for: a [`ChangeStore`] and [`Leases`]. It passes the
//! conformance suite that `kabao-journal` publishes. Beside it lie the credentials that WeChat hands out, a
//! [`CredentialStore`]. Payloads are sealed with the keys of a file; contents and
//! subjects lie there as keyed digests only, so that no phone number, code or openid can be read from the files of
//! the database or guessed from them. [`Upkeep`] is what an operator does with it: check, back up, count.
//!
//! [`ChangeStore`]: kabao_journal::ChangeStore
//! [`CredentialStore`]: kabao_api::CredentialStore
//! [`Leases`]: kabao_journal::Leases

mod changes;
mod counts;
mod credentials;
mod digest_key;
mod key_file;
mod lent;
mod observer;
mod postgres;
mod replica;
mod settings;
mod sql;
mod sqlite;
mod store;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod upkeep;
mod vitals;

pub use key_file::create_key_file;
pub use observer::{Commit, Failure, StoreObserver};
pub use postgres::DatabaseUrl;
pub use settings::{EmbeddedSettings, PostgresSettings, StoreSettings};
pub use store::Store;
pub use upkeep::{
    AccountStats, Backup, Counts, Fault, Holder, OpenChange, Place, Report, Stats, Upkeep,
};
pub use vitals::{DatabaseVitals, FileVitals, StoreVitals};
