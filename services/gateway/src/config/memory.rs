//! `[store]`: where the gateway remembers changes.

use std::path::PathBuf;

use kabao_journal::Settings as JournalSettings;
use kabao_store::StoreSettings;

use super::section::Section;
use super::settings::HOUR;

/// Where the embedded store is unless the configuration moves it: beside the configuration.
const FOLDER: &str = "kabao-store";

/// The memory of changes.
#[derive(Clone, Debug)]
pub struct MemorySettings {
    /// Where it lies.
    pub store: StoreSettings,
    /// How long changes are remembered, waited for and tried.
    pub journal: JournalSettings,
}

impl MemorySettings {
    /// An embedded store in a folder, with everything else as it is by default.
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        Self {
            store: StoreSettings::embedded(&folder.into()),
            journal: JournalSettings::default(),
        }
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let folder = section.path("directory").map(|path| path.value);
        let folder = folder.unwrap_or_else(|| section.surroundings().folder.join(FOLDER));
        let mut store = StoreSettings::embedded(&folder);
        if let Some(key_file) = section.path("key_file") {
            store.key_file = key_file.value;
        }
        let mut journal = JournalSettings::default();
        let shortest = journal.retention;
        journal.retention =
            section.duration("retention", journal.retention, (shortest, 366 * 24 * HOUR));
        section.finish();
        Self { store, journal }
    }
}
