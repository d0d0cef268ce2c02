//! `[store]`: where the gateway remembers changes.

use std::time::Duration;

use kabao_journal::Settings as JournalSettings;
use kabao_store::{DatabaseUrl, EmbeddedSettings, PostgresSettings, StoreSettings};

use super::origin::Origin;
use super::section::Section;
use super::unit::HOUR;
use crate::files::{Modes, unreadable};
use crate::memory::MemorySettings;

/// Where the embedded store is unless the configuration moves it: beside the configuration.
const FOLDER: &str = "kabao-store";

/// The keys that give the URL of a database; one of them at most.
const URL: [&str; 3] = ["url", "url_file", "url_env"];

pub(super) fn read(mut section: Section<'_>, modes: Modes) -> MemorySettings {
    let store = match URL.into_iter().find(|key| section.has(key)) {
        Some(key) => shared(&mut section, key, modes),
        None => None,
    };
    let store = store.unwrap_or_else(|| embedded(&mut section).into());
    let mut journal = JournalSettings::default();
    let shortest = journal.retention;
    journal.retention =
        section.duration("retention", journal.retention, (shortest, 366 * 24 * HOUR));
    section.finish();
    MemorySettings { store, journal }
}

fn embedded(section: &mut Section<'_>) -> EmbeddedSettings {
    for key in ["connections", "takeover_after"] {
        section.refuse(key, "is for a database that replicas share (`url`)");
    }
    for key in URL {
        section.ignore(key);
    }
    let folder = section.path("directory").map(|path| path.value);
    let folder = folder.unwrap_or_else(|| section.surroundings().folder.join(FOLDER));
    let mut settings = EmbeddedSettings::new(&folder);
    if let Some(key_file) = section.path("key_file") {
        settings.key_file = key_file.value;
    }
    settings
}

/// A database; `key` is the first key that gives its URL. `None` if there was a mistake, which is reported.
fn shared(section: &mut Section<'_>, key: &'static str, modes: Modes) -> Option<StoreSettings> {
    let directory = format!(
        "stands beside `{key}`: `directory` is where the embedded store is, `{key}` names a database; only one of the \
         two can be used"
    );
    section.refuse("directory", &directory);
    let url = url(section, key, modes);
    let key_file = section.path("key_file");
    if !section.has("key_file") {
        let message = format!(
            "is required beside `{key}`: the keys that all replicas share; the first replica makes the file together \
             with the store"
        );
        section.mistake("key_file", message);
    }
    let connections = section.number("connections", 16, (2, 256));
    let (least, most) = (Duration::from_secs(2), Duration::from_mins(5));
    let takeover = section.duration("takeover_after", Duration::from_secs(6), (least, most));
    let mut settings = PostgresSettings::new(url?, key_file?.value);
    settings.connections = connections;
    settings.takeover_after = takeover;
    Some(settings.into())
}

fn url(section: &mut Section<'_>, key: &'static str, modes: Modes) -> Option<DatabaseUrl> {
    let others: Vec<_> = URL.into_iter().filter(|other| *other != key).collect();
    for other in others {
        let message = format!("stands beside `{key}`; only one of the two can be used");
        section.refuse(other, &message);
    }
    let mut stands_in_file = false;
    let text = match key {
        "url_file" => {
            let file = section.path(key)?;
            // Its password opens the store of all replicas.
            if let Some(fault) = modes.fault(&file.value) {
                section.reject(&file, fault);
                return None;
            }
            match section.surroundings().present.read(&file.value) {
                Ok(read) => read.text,
                Err(error) => {
                    section.reject(&file, unreadable(&file.value, &error));
                    return None;
                }
            }
        }
        "url_env" => {
            let name = section.string(key)?;
            let value = section.surroundings().environment.get(&name.value);
            match value.filter(|value| !value.is_empty()) {
                Some(value) => value.to_owned(),
                None => {
                    let message = format!("the environment variable {} is not set", name.value);
                    section.reject(&name, message);
                    return None;
                }
            }
        }
        _ => {
            let text = section.string(key)?;
            // What overrides the file is no part of it.
            stands_in_file = !matches!(text.origin, Origin::Environment(_));
            text.value
        }
    };
    match DatabaseUrl::parse(&text, section.surroundings().folder) {
        Ok(url) if stands_in_file && url.has_password() => {
            section.mistake(
                key,
                "holds a password, and a secret does not stand in the configuration itself; use `url_file` or `url_env`",
            );
            None
        }
        Ok(url) => Some(url),
        Err(error) => {
            section.mistake(key, error.to_string());
            None
        }
    }
}
