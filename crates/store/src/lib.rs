//! Where Kabao's memory lies: a file of SQLite that the process has for itself, or a database of PostgreSQL that
//! several processes share.
//!
//! [`Store::open`] gives what a journal asks for: a [`ChangeStore`] and [`Leases`]. It passes the
//! conformance suite that `kabao-journal` publishes. Beside it lie the credentials that WeChat hands out, a
//! [`CredentialStore`]. Payloads are sealed with the keys of a file; contents and
//! subjects lie there as keyed digests only, so that no phone number, code or openid can be read from the files of
//! the database or guessed from them. [`Upkeep`] is what an operator does with it: check, back up, count.
//!
//! # Example
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//! use std::time::SystemTime;
//!
//! use kabao_api::RequestId;
//! use kabao_journal::{Clock, Journal, Settings, StoreError};
//! use kabao_store::{Store, StoreSettings};
//!
//! struct SystemClock;
//!
//! impl Clock for SystemClock {
//!     fn now(&self) -> SystemTime {
//!         SystemTime::now()
//!     }
//!
//!     fn request_id(&self) -> Option<RequestId> {
//!         kabao_auth::random_nonce().ok()?.parse().ok()
//!     }
//! }
//!
//! /// Makes `kabao.db` and its key file in the folder, or opens them.
//! async fn memory(folder: &Path) -> Result<Journal, StoreError> {
//!     let store = Store::open(&StoreSettings::embedded(folder)).await?;
//!     for warning in store.warnings() {
//!         eprintln!("{warning}");
//!     }
//!     let (changes, leases) = (store.changes(), store.leases());
//!     Ok(Journal::new(changes, leases, Arc::new(SystemClock), Settings::default()))
//! }
//! #
//! # #[tokio::main]
//! # async fn main() {
//! #     let folder = std::env::temp_dir().join(format!("kabao-store-example-{}", std::process::id()));
//! #     std::fs::create_dir(&folder).unwrap();
//! #     let journal = memory(&folder).await.unwrap();
//! #     assert!(folder.join("kabao.db").exists());
//! #     // The journal has the store, which nobody else may open meanwhile.
//! #     assert!(Store::open(&StoreSettings::embedded(&folder)).await.is_err());
//! #     drop(journal);
//! #     std::fs::remove_dir_all(&folder).unwrap();
//! # }
//! ```
//!
//! [`ChangeStore`]: kabao_journal::ChangeStore
//! [`CredentialStore`]: kabao_api::CredentialStore
//! [`Leases`]: kabao_journal::Leases

mod changes;
mod credentials;
mod digest_key;
mod key_file;
mod lent;
mod observer;
mod opened;
mod opening;
mod place;
mod postgres;
mod replica;
mod report;
mod settings;
mod slot;
mod sql;
mod sqlite;
mod stats;
mod store;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod unopened;
mod upkeep;
mod vitals;

pub use key_file::create_key_file;
pub use observer::{Commit, Failure, StoreObserver};
pub use place::{Holder, Place};
pub use postgres::{DatabaseUrl, PostgresSettings};
pub use report::{Backup, Fault, Report};
pub use settings::StoreSettings;
pub use sqlite::EmbeddedSettings;
pub use stats::{AccountStats, Counts, OpenChange, Stats};
pub use store::Store;
pub use upkeep::Upkeep;
pub use vitals::{DatabaseVitals, FileVitals, StoreVitals};
