//! What can be set of what is remembered.

use std::path::PathBuf;

use kabao_journal::Settings as JournalSettings;
use kabao_reads::Lifetimes;
use kabao_store::StoreSettings;

/// The memory of changes.
#[derive(Clone, Debug)]
pub struct MemorySettings {
    /// Where it lies.
    pub store: StoreSettings,
    /// How long changes are remembered, waited for and tried.
    pub journal: JournalSettings,
}

/// `[cache]`
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// `max_answers` of all accounts together, 1 to 1,000,000, default 10,000.
    pub max_answers: usize,
    /// `[cache.lifetimes]`: how long the answers of an operation are kept, 100 ms to 10 min; nothing is kept by default.
    pub lifetimes: Lifetimes,
}

impl MemorySettings {
    /// An embedded store in a folder, with everything else as it is by default.
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        Self {
            store: StoreSettings::embedded(&folder.into()),
            journal: JournalSettings::default(),
        }
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            max_answers: 10_000,
            lifetimes: Lifetimes::default(),
        }
    }
}
