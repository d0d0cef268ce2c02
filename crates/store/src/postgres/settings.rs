//! Which database a store lies in and how long it is waited for.

use std::path::PathBuf;
use std::time::Duration;

use super::url::DatabaseUrl;

/// How long one read or write may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Which database a store lies in, what seals it, and how long it is waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// Where the database is, and how to get in.
    pub url: DatabaseUrl,
    /// The file of the keys that seal payloads: the same for all processes. With a store that is made anew, it is
    /// made if there is none.
    pub key_file: PathBuf,
    /// How long one read or write may take, with the wait for a connection; 5 seconds.
    pub timeout: Duration,
    /// How many connections serve changes at most; 16. One more is for the heartbeat.
    pub connections: u32,
    /// How long this process may show no sign of life before others take over what it holds; 6 seconds.
    ///
    /// It gives a sign six times as often, and sends nothing any more when none has got through for half as long. Its
    /// own is published, so processes with different values may share a store.
    pub takeover_after: Duration,
}

impl PostgresSettings {
    /// A store in a database, sealed with the keys of a file.
    pub fn new(url: DatabaseUrl, key_file: impl Into<PathBuf>) -> Self {
        Self {
            url,
            key_file: key_file.into(),
            timeout: TIMEOUT,
            connections: 16,
            takeover_after: Duration::from_secs(6),
        }
    }

    /// How often a sign of life is given.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.takeover_after / 6
    }

    /// How long after the last sign of life nothing is sent any more: long before anybody takes over.
    pub(crate) fn stale_after(&self) -> Duration {
        self.takeover_after / 2
    }
}
