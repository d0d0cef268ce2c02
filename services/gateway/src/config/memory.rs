//! `[store]`: where the gateway remembers changes.

use std::path::PathBuf;

use kabao_client::Connections;
use kabao_journal::Settings as JournalSettings;
use kabao_store::StoreSettings;

use super::material::Material;
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
        let key_file = section.path("key_file").map(|path| path.value);
        let url = url(&mut section);
        let mut journal = JournalSettings::default();
        journal.retention =
            section.duration("retention", journal.retention, (HOUR * 72, HOUR * 24 * 366));
        if section.has("directory") && url.is_some() {
            section.mistake("directory", "is for the embedded store, and a URL is given");
        }
        let store = match url {
            None => {
                let folder = folder.unwrap_or_else(|| section.surroundings().folder.join(FOLDER));
                let mut store = StoreSettings::embedded(&folder);
                if let Some(key_file) = key_file {
                    store.key_file = key_file;
                }
                store
            }
            Some(url) => {
                let given = key_file.is_some();
                if !given {
                    section.mistake(
                        "key_file",
                        "is required with a URL: all replicas seal with the same keys",
                    );
                }
                match StoreSettings::url(&url, key_file.unwrap_or_default()) {
                    Ok(store) => store,
                    Err(error) => {
                        section.mistake("url", error.to_string());
                        StoreSettings::embedded(section.surroundings().folder)
                    }
                }
            }
        };
        section.finish();
        Self { store, journal }
    }
}

/// The URL: in the configuration itself only if it holds no password.
fn url(section: &mut Section<'_>) -> Option<String> {
    let plain = section.string("url");
    if let Some(url) = &plain
        && has_password(&url.value)
    {
        section.reject(
            url,
            "a secret does not stand in the configuration itself; use `url_file` or `url_env`",
        );
    }
    let connections = Connections::default();
    let secret = Material::new(section, &connections).secret("url_file", "url_env", false);
    let beside = ["url_file", "url_env"]
        .into_iter()
        .find(|key| section.has(key));
    if let (Some(_), Some(key)) = (&plain, beside) {
        section.mistake(key, "stands beside `url`; only one of the two can be used");
    }
    let secret = secret.map(|url| url.expose().to_owned());
    plain.map(|url| url.value).or(secret)
}

/// Tells whether a URL holds a password: between the first colon after the scheme and the `@`, or as a parameter.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || rest.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_seen() {
        let rows = [
            ("postgres://kabao@db/kabao", false),
            ("postgres://kabao:secret@db:5432/kabao", true),
            ("postgres://db:5432/kabao", false),
            ("postgres://db/kabao?user=a&password=b", true),
            ("sqlite:///var/lib/kabao/kabao.db", false),
        ];
        for (url, expected) in rows {
            assert_eq!(has_password(url), expected, "{url}");
        }
    }
}
