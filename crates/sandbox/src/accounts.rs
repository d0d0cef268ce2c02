//! The accounts that the sandbox knows: those of its start, and those added while it runs.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kabao_models::Family;

use crate::account::{Account, AccountConfig, OwnersKey, check_name};
use crate::error::StartError;
use crate::files::Files;
use crate::keys::{Authority, KeyMaterial, generate_keys, pooled_keys};
use crate::sync::lock;

/// How many accounts there may be.
const CAPACITY: usize = 1_000;

/// All accounts, in the order in which they came.
pub(crate) struct Accounts {
    list: Mutex<Arc<Vec<Arc<Account>>>>,
    /// Held while an account is added or removed: making keys takes longer than a lookup may wait.
    changing: Mutex<()>,
}

impl Accounts {
    pub(crate) fn new(accounts: Vec<Arc<Account>>) -> Self {
        Self {
            list: Mutex::new(Arc::new(accounts)),
            changing: Mutex::new(()),
        }
    }

    /// Returns the accounts of this moment.
    pub(crate) fn all(&self) -> Arc<Vec<Arc<Account>>> {
        Arc::clone(&lock(&self.list))
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Account>> {
        self.all()
            .iter()
            .find(|account| account.name == name)
            .cloned()
    }

    /// Opens an account and lets it join; its name and numbers must be free.
    pub(crate) fn add(
        &self,
        config: AccountConfig,
        opening: &Opening<'_>,
    ) -> Result<Arc<Account>, StartError> {
        let _changing = lock(&self.changing);
        let known = self.all();
        if known.len() >= CAPACITY {
            return Err(StartError::account(
                &config.name,
                "there are too many accounts",
            ));
        }
        check_free(&known, &config)?;
        let account = Arc::new(opening.open(config)?);
        let joined = |list: &Arc<Vec<Arc<Account>>>| {
            let mut accounts = Vec::clone(list);
            accounts.push(Arc::clone(&account));
            Arc::new(accounts)
        };
        let mut list = lock(&self.list);
        *list = joined(&list);
        Ok(account)
    }

    /// Removes an account that was added.
    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Account>> {
        let _changing = lock(&self.changing);
        let mut list = lock(&self.list);
        let removed = list
            .iter()
            .find(|account| account.name == name && account.added)
            .cloned()?;
        let kept = list.iter().filter(|account| account.name != name);
        *list = Arc::new(kept.cloned().collect());
        Some(removed)
    }
}

/// Refuses an account that could not be told from another one.
fn check_free(known: &[Arc<Account>], config: &AccountConfig) -> Result<(), StartError> {
    check_name(&config.name)?;
    for account in known {
        if account.name == config.name {
            return Err(StartError::account(&config.name, "the name is used twice"));
        }
        let same_number = account.family == config.family
            && match config.family {
                Family::OfficialAccount => account.appid == config.appid,
                Family::Brand if config.mchid.is_none() => {
                    account.mchid.is_none() && account.brand_id == config.brand_id
                }
                Family::Merchant | Family::Brand => account.mchid == config.mchid,
            };
        if same_number && config.added {
            let problem = format!("`{}` has this number already", account.name);
            return Err(StartError::account(&config.name, problem));
        }
    }
    Ok(())
}

/// What opening an account needs.
pub(crate) struct Opening<'a> {
    pub(crate) files: Option<&'a Files>,
    pub(crate) authority: &'a Authority,
    pub(crate) now: Timestamp,
    pub(crate) base_url: &'a str,
}

impl Opening<'_> {
    /// Finds or makes the keys of an account and writes its folder.
    pub(crate) fn open(&self, mut config: AccountConfig) -> Result<Account, StartError> {
        let material = self.material(&mut config)?;
        let owner_holds_key = config.owner.is_some();
        let account = Account::new(config, material.as_ref())?;
        if let Some(files) = self.files {
            if let Some(material) = &material {
                files.write_platform(&account.name, material)?;
            }
            files.write_account(&account.credentials(self.base_url))?;
            if account.added {
                files.note_added(&account.name, owner_holds_key)?;
            }
        }
        Ok(account)
    }

    /// Finds the keys of an account: given, left by an earlier run, or new.
    fn material(&self, config: &mut AccountConfig) -> Result<Option<KeyMaterial>, StartError> {
        // The folder of an account that was removed says nothing about a new one of its name.
        let earlier = match self.files {
            Some(files) if !config.is_new() => files.load(config)?,
            _ => None,
        };
        if config.family == Family::OfficialAccount {
            return Ok(None);
        }
        if let Some(given) = config.keys.take() {
            return Ok(Some(given));
        }
        if earlier.is_some() {
            return Ok(earlier);
        }
        let owner = config
            .mchid
            .as_deref()
            .or(config.brand_id.as_deref())
            .unwrap_or_default();
        let keys = if config.added {
            generate_keys()?
        } else {
            pooled_keys(&config.name)?
        };
        let mut material = KeyMaterial::generate(self.authority, keys, owner, self.now)?;
        match &config.owner {
            None => {}
            Some(OwnersKey::Certificate(pem)) => {
                material.client_key = None;
                material.client_certificate.clone_from(pem);
            }
            Some(OwnersKey::PublicKey(pem)) => {
                material.client_key = None;
                material.client_certificate = self.authority.issue_api_for(owner, pem, self.now)?;
            }
            Some(OwnersKey::Earlier) => {
                return Err(StartError::account(
                    &config.name,
                    "the certificate of an earlier run is gone; remove the account's folder",
                ));
            }
        }
        Ok(Some(material))
    }
}
