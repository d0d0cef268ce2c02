//! Where a store lies and how long it is waited for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabao_journal::StoreError;

/// The name of the file of the embedded store in its folder.
const FILE: &str = "kabao.db";
/// The name of the key file beside it.
const KEY_FILE: &str = "store.key";

/// Where a store lies, what seals it, and how long it is waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// Where it lies.
    pub location: Location,
    /// The file of the keys that seal payloads. With an embedded store that is made anew, it is made, too.
    pub key_file: PathBuf,
    /// How long one read or write may take; 5 seconds.
    pub timeout: Duration,
    /// How large the file of an embedded store may become, in bytes; as large as the disk if there is no bound.
    pub max_size: Option<u64>,
    /// How many connections to PostgreSQL serve changes; 8. One more counts up that this process is alive.
    pub connections: usize,
    /// When replicas count as dead.
    pub liveness: Liveness,
    /// What goes wrong with the commits of an embedded store.
    #[cfg(feature = "testing")]
    pub commit_faults: crate::testing::CommitFaults,
}

/// Where a store lies.
#[derive(Clone)]
pub enum Location {
    /// In a file of SQLite, which one process has for itself.
    Embedded(PathBuf),
    /// In a PostgreSQL database, which several processes share.
    Postgres(PostgresUrl),
}

/// The address of a PostgreSQL database, never shown whole: a password may stand in it.
#[derive(Clone)]
pub struct PostgresUrl(pub(crate) String);

/// When replicas that share a PostgreSQL database count as dead. Each uses its own clock only, so these are lengths
/// of time that all replicas have to agree on.
#[derive(Clone, Copy, Debug)]
pub struct Liveness {
    /// How often a replica counts up; 2 seconds.
    pub beat: Duration,
    /// How long after its last success it still believes that nobody has taken over from it; 4 seconds.
    pub stale: Duration,
    /// How long its number has to stand still until others take over; 6 seconds. Must exceed `stale`.
    pub dead: Duration,
}

impl StoreSettings {
    /// An embedded store in a folder, with its key file beside it.
    pub fn embedded(folder: &Path) -> Self {
        Self::new(Location::Embedded(folder.join(FILE)), folder.join(KEY_FILE))
    }

    /// A store at `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `sqlite:///PATH`.
    ///
    /// # Errors
    /// If the URL is of neither kind. The error does not repeat it.
    pub fn url(url: &str, key_file: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let location = if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() || path.contains(['?', '#']) {
                return Err(StoreError::new(
                    "store.url must be sqlite:///PATH without anything behind the path",
                ));
            }
            Location::Embedded(PathBuf::from(path))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Location::Postgres(PostgresUrl(url.to_owned()))
        } else {
            return Err(StoreError::new(
                "store.url must start with postgres:// or sqlite://",
            ));
        };
        Ok(Self::new(location, key_file.into()))
    }

    fn new(location: Location, key_file: PathBuf) -> Self {
        Self {
            location,
            key_file,
            timeout: Duration::from_secs(5),
            max_size: None,
            connections: 8,
            liveness: Liveness::default(),
            #[cfg(feature = "testing")]
            commit_faults: crate::testing::CommitFaults::default(),
        }
    }
}

impl Default for Liveness {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(2),
            stale: Duration::from_secs(4),
            dead: Duration::from_secs(6),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(file) => write!(f, "{}", file.display()),
            Self::Postgres(url) => fmt::Display::fmt(url, f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows the host, unless the URL is odd: then a part of a password might stand where the host is looked for.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, rest) = self.0.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match authority.matches('@').count() {
            ats if ats > 1 || ats != rest.matches('@').count() => "[redacted]",
            0 => authority,
            _ => authority.rsplit('@').next().unwrap_or_default(),
        };
        write!(f, "postgres://{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_never_shown() {
        for (url, shown) in [
            (
                "postgres://kabao:geheim@db:5432/kabao",
                "postgres://db:5432",
            ),
            ("postgresql://db/kabao?password=geheim", "postgres://db"),
            (
                "postgres://db/kabao?password=ge@heim",
                "postgres://[redacted]",
            ),
            (
                "postgres://kabao:ge@heim?#@db/kabao",
                "postgres://[redacted]",
            ),
            (
                "postgres://kabao:geheim/x@db/kabao",
                "postgres://[redacted]",
            ),
        ] {
            let settings = StoreSettings::url(url, "store.key").unwrap();
            assert_eq!(settings.location.to_string(), shown);
            assert!(!format!("{settings:?}").contains("heim"), "{settings:?}");
        }
        let refused = StoreSettings::url("mysql://kabao:geheim@db/kabao", "store.key");
        assert!(!format!("{refused:?}").contains("geheim"), "{refused:?}");
    }
}
