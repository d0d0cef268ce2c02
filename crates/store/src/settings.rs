//! Which store to open.

use std::path::Path;

use crate::postgres::PostgresSettings;
use crate::sqlite::EmbeddedSettings;

/// Which store to open.
#[derive(Clone, Debug)]
pub enum StoreSettings {
    /// A file of SQLite, which one process has for itself.
    Embedded(EmbeddedSettings),
    /// A database of PostgreSQL, which several processes share.
    Postgres(PostgresSettings),
}

impl StoreSettings {
    /// An embedded store in a folder, with its key file beside it.
    pub fn embedded(folder: &Path) -> Self {
        Self::Embedded(EmbeddedSettings::new(folder))
    }

    /// Returns the file of the keys that seal payloads.
    pub fn key_file(&self) -> &Path {
        match self {
            Self::Embedded(settings) => &settings.key_file,
            Self::Postgres(settings) => &settings.key_file,
        }
    }
}

impl From<EmbeddedSettings> for StoreSettings {
    fn from(settings: EmbeddedSettings) -> Self {
        Self::Embedded(settings)
    }
}

impl From<PostgresSettings> for StoreSettings {
    fn from(settings: PostgresSettings) -> Self {
        Self::Postgres(settings)
    }
}
