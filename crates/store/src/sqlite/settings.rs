//! Where an embedded store lies and how long it is waited for.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the file of the embedded store in its folder.
const FILE: &str = "kabao.db";
/// The name of the key file beside it.
const KEY_FILE: &str = "store.key";
/// How long one read or write may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where an embedded store lies, what seals it, and how long it is waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbeddedSettings {
    /// The file of SQLite, which one process has for itself.
    pub file: PathBuf,
    /// The file of the keys that seal payloads. With a store that is made anew, it is made, too.
    pub key_file: PathBuf,
    /// How long one read or write may take; 5 seconds.
    pub timeout: Duration,
    /// How large the file may become, in bytes; as large as the disk if there is no bound.
    pub max_size: Option<u64>,
    /// How long after a failed commit the file is opened anew at the earliest; a second.
    pub reopen_pause: Duration,
    /// What goes wrong with commits.
    #[cfg(feature = "testing")]
    pub commit_faults: crate::testing::CommitFaults,
}

impl EmbeddedSettings {
    /// A store in a folder, with its key file beside it.
    pub fn new(folder: &Path) -> Self {
        Self {
            file: folder.join(FILE),
            key_file: folder.join(KEY_FILE),
            timeout: TIMEOUT,
            max_size: None,
            reopen_pause: Duration::from_secs(1),
            #[cfg(feature = "testing")]
            commit_faults: crate::testing::CommitFaults::default(),
        }
    }
}
