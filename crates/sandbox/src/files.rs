//! The files under `DIR/sandbox`: what clients read, and what survives a restart.
//!
//! ```text
//! DIR/sandbox/ca.pem                          authority of the TLS certificate
//! DIR/sandbox/ACCOUNT/account.json            identifiers and secrets (0600)
//! DIR/sandbox/ACCOUNT/apiclient_key.pem       the account's private key (0600)
//! DIR/sandbox/ACCOUNT/apiclient_cert.pem      the account's API certificate
//! DIR/sandbox/ACCOUNT/pub_key.pem             the WeChat Pay public key
//! DIR/sandbox/server/...                      the sandbox's own keys (0600); not for clients
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::account::{AccountConfig, Credentials, SERVER, check_name};
use crate::error::StartError;
use crate::keys::KeyMaterial;

/// Which accounts were added while the sandbox ran.
const ADDED: &str = "added.json";

/// The directory with all key material.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    root: PathBuf,
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    Owner,
    Everybody,
}

impl Files {
    /// Uses `DIR/sandbox`, which is created if it is missing.
    pub(crate) fn open(directory: &Path) -> Result<Self, StartError> {
        let this = Self {
            root: directory.join("sandbox"),
        };
        create(&this.root)?;
        create(&this.root.join(SERVER))?;
        Ok(this)
    }

    /// Returns the folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Reads one of the sandbox's own files.
    pub(crate) fn own(&self, name: &str) -> Result<Option<String>, StartError> {
        read(&self.root.join(SERVER).join(name))
    }

    /// Writes one of the sandbox's own files.
    pub(crate) fn write_own(&self, name: &str, content: &str) -> Result<(), StartError> {
        write(&self.root.join(SERVER).join(name), content, Readers::Owner)
    }

    /// Reads the authority that clients trust.
    pub(crate) fn ca(&self) -> Result<Option<String>, StartError> {
        read(&self.root.join("ca.pem"))
    }

    /// Writes the authority that clients trust.
    pub(crate) fn write_ca(&self, pem: &str) -> Result<(), StartError> {
        write(&self.root.join("ca.pem"), pem, Readers::Everybody)
    }

    /// Reads what an earlier run left of an account: its secrets go into `config` where that names
    /// none. Returns its keys if all of them are there and the account is still the same.
    pub(crate) fn load(
        &self,
        config: &mut AccountConfig,
    ) -> Result<Option<KeyMaterial>, StartError> {
        let client = self.root.join(&config.name);
        let own = self.root.join(SERVER).join(&config.name);
        let path = client.join("account.json");
        let Some(json) = read(&path)? else {
            return Ok(None);
        };
        let Ok(earlier) = serde_json::from_str::<Credentials>(&json) else {
            return Err(StartError::account(
                &config.name,
                format!(
                    "{} is not what an earlier run wrote; remove it to get new keys",
                    path.display()
                ),
            ));
        };
        let same = earlier.mchid == config.mchid && earlier.brand_id == config.brand_id;
        if !same {
            return Ok(None);
        }
        config.apiv3_key = config.apiv3_key.take().or(earlier.apiv3_key);
        config.app_secret = config.app_secret.take().or(earlier.app_secret);
        let Some(public_key_id) = earlier.public_key_id else {
            return Ok(None);
        };
        let client_key = read(&client.join("apiclient_key.pem"))?;
        if client_key.is_none() && config.owner.is_none() {
            return Ok(None);
        }
        let texts = [
            read(&client.join("apiclient_cert.pem"))?,
            read(&own.join("platform_key.pem"))?,
            read(&own.join("platform_cert.pem"))?,
            read(&own.join("public_key_private.pem"))?,
        ];
        Ok(match texts {
            [
                Some(client_certificate),
                Some(platform_key),
                Some(platform_certificate),
                Some(public_key_private),
            ] => Some(KeyMaterial {
                client_key,
                client_certificate,
                platform_key,
                platform_certificate,
                public_key_id,
                public_key_private,
            }),
            _ => None,
        })
    }

    /// Keeps the platform's half of an account's keys for the next run.
    pub(crate) fn write_platform(
        &self,
        account: &str,
        material: &KeyMaterial,
    ) -> Result<(), StartError> {
        let own = self.root.join(SERVER).join(account);
        create(&own)?;
        write(
            &own.join("platform_key.pem"),
            &material.platform_key,
            Readers::Owner,
        )?;
        write(
            &own.join("platform_cert.pem"),
            &material.platform_certificate,
            Readers::Owner,
        )?;
        write(
            &own.join("public_key_private.pem"),
            &material.public_key_private,
            Readers::Owner,
        )
    }

    /// Returns the accounts that earlier runs added, so that they are there again.
    pub(crate) fn added(&self) -> Result<Vec<AccountConfig>, StartError> {
        let mut configs = Vec::new();
        for (name, owner_holds_key) in self.added_names()? {
            let path = self.root.join(&name).join("account.json");
            let earlier: Option<Credentials> =
                read(&path)?.and_then(|json| serde_json::from_str(&json).ok());
            match earlier {
                Some(earlier) => {
                    configs.push(AccountConfig::again(&name, earlier, owner_holds_key))
                }
                None => {
                    tracing::warn!(account = name, "an added account has lost its account.json")
                }
            }
        }
        Ok(configs)
    }

    /// Remembers an added account for the next run.
    pub(crate) fn note_added(&self, name: &str, owner_holds_key: bool) -> Result<(), StartError> {
        let mut names = self.added_names()?;
        names.insert(name.to_owned(), owner_holds_key);
        self.write_added(&names)
    }

    /// Forgets an added account and removes its folders.
    pub(crate) fn forget(&self, name: &str) -> Result<(), StartError> {
        let mut names = self.added_names()?;
        names.remove(name);
        self.write_added(&names)?;
        for folder in [self.root.join(name), self.root.join(SERVER).join(name)] {
            match fs::remove_dir_all(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(StartError::file(&folder, source)),
            }
        }
        Ok(())
    }

    /// Reads the names of added accounts, and whether only their owner has the private key.
    fn added_names(&self) -> Result<BTreeMap<String, bool>, StartError> {
        let text = self.own(ADDED)?;
        let names: BTreeMap<String, bool> = text
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        Ok(names
            .into_iter()
            .filter(|(name, _)| check_name(name).is_ok())
            .collect())
    }

    fn write_added(&self, names: &BTreeMap<String, bool>) -> Result<(), StartError> {
        let json = serde_json::to_string(names)
            .map_err(|error| StartError::internal(error.to_string()))?;
        self.write_own(ADDED, &(json + "\n"))
    }

    /// Returns the folder of an account.
    pub(crate) fn folder(&self, account: &str) -> PathBuf {
        self.root.join(account)
    }

    /// Writes the folder of an account.
    pub(crate) fn write_account(&self, credentials: &Credentials) -> Result<(), StartError> {
        let folder = self.root.join(&credentials.name);
        create(&folder)?;
        for (name, content, readers) in [
            (
                "apiclient_key.pem",
                &credentials.private_key_pem,
                Readers::Owner,
            ),
            (
                "apiclient_cert.pem",
                &credentials.certificate_pem,
                Readers::Everybody,
            ),
            (
                "pub_key.pem",
                &credentials.public_key_pem,
                Readers::Everybody,
            ),
        ] {
            if let Some(content) = content {
                write(&folder.join(name), content, readers)?;
            }
        }
        let json = serde_json::to_string_pretty(credentials)
            .map_err(|error| StartError::account(&credentials.name, error.to_string()))?;
        write(&folder.join("account.json"), &(json + "\n"), Readers::Owner)
    }
}

fn create(folder: &Path) -> Result<(), StartError> {
    fs::create_dir_all(folder).map_err(|source| StartError::file(folder, source))
}

fn read(path: &Path) -> Result<Option<String>, StartError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StartError::file(path, source)),
    }
}

/// Writes beside the file and renames, so that a reader never sees half of it.
fn write(path: &Path, content: &str, readers: Readers) -> Result<(), StartError> {
    let failed = |source| StartError::file(path, source);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(match readers {
            Readers::Owner => 0o600,
            Readers::Everybody => 0o644,
        });
    }
    #[cfg(not(unix))]
    let _ = readers;
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(content.as_bytes()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}
