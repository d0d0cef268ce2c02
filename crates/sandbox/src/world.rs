//! Everything that requests and the control API share.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kabao_models::Family;
use tokio::sync::watch;

use crate::account::{Account, AccountConfig, Credentials};
use crate::account_watch::AccountWatch;
use crate::accounts::{Accounts, Opening};
use crate::bounded::Bounded;
use crate::clock::Time;
use crate::error::StartError;
use crate::fault::Faults;
use crate::files::Files;
use crate::keys::Authority;
use crate::ledger::Ledger;
use crate::rates::Rates;
use crate::requests::Requests;
use crate::serve::Core;
use crate::settings::Settings;
use crate::sync::lock;
use crate::{brand, merchant, official_account};

/// WeChat, as far as the sandbox knows it.
pub(crate) struct World {
    pub(crate) time: Time,
    pub(crate) accounts: Accounts,
    pub(crate) account_watch: AccountWatch,
    pub(crate) base_url: String,
    pub(crate) api_authority: Authority,
    pub(crate) ca_pem: String,
    pub(crate) files: Option<Files>,
    settings: Mutex<Arc<Settings>>,
    pub(crate) initial_settings: Arc<Settings>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) requests: Mutex<Requests>,
    pub(crate) rates: Mutex<Rates>,
    pub(crate) nonces: Mutex<Nonces>,
    /// Counts thousandths of probes; see [`Settings`].
    pub(crate) probes: Mutex<u32>,
    pub(crate) merchant: Mutex<merchant::Core>,
    pub(crate) brand: Mutex<brand::Core>,
    pub(crate) official_account: Mutex<official_account::Core>,
    pub(crate) tokens: Mutex<official_account::Tokens>,
    /// Changes whenever a fault was taken or an exchange is over.
    pub(crate) happened: watch::Sender<()>,
    /// Puts data in place at the start and after a reset.
    fill: Fill,
}

/// Puts data in place.
pub(crate) type Fill = fn(&World);

/// What a world is made of.
pub(crate) struct Parts {
    pub(crate) time: Time,
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) base_url: String,
    pub(crate) api_authority: Authority,
    pub(crate) ca_pem: String,
    pub(crate) files: Option<Files>,
    pub(crate) settings: Settings,
    pub(crate) fill: Fill,
}

impl World {
    pub(crate) fn new(parts: Parts) -> Self {
        let settings = Arc::new(parts.settings);
        let world = Self {
            time: parts.time,
            accounts: Accounts::new(parts.accounts),
            account_watch: AccountWatch::default(),
            base_url: parts.base_url,
            api_authority: parts.api_authority,
            ca_pem: parts.ca_pem,
            files: parts.files,
            settings: Mutex::new(Arc::clone(&settings)),
            initial_settings: settings,
            ledger: Mutex::default(),
            faults: Mutex::default(),
            requests: Mutex::default(),
            rates: Mutex::default(),
            nonces: Mutex::default(),
            probes: Mutex::default(),
            merchant: Mutex::default(),
            brand: Mutex::default(),
            official_account: Mutex::default(),
            tokens: Mutex::default(),
            happened: watch::Sender::new(()),
            fill: parts.fill,
        };
        (world.fill)(&world);
        world
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    pub(crate) fn set_settings(&self, settings: Settings) {
        *lock(&self.settings) = Arc::new(settings);
    }

    /// Returns the time by which cards and tokens age.
    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Returns the time by which signatures are checked and made.
    pub(crate) fn signature_time(&self) -> Timestamp {
        if self.settings().authentication.signatures_follow_clock {
            self.time.now()
        } else {
            self.time.base()
        }
    }

    pub(crate) fn account(&self, name: &str) -> Option<Arc<Account>> {
        self.accounts.find(name)
    }

    pub(crate) fn account_of_appid(&self, appid: &str) -> Option<Arc<Account>> {
        let accounts = self.accounts.all();
        let found = accounts.iter().find(|account| {
            account.family == Family::OfficialAccount && account.appid.as_deref() == Some(appid)
        });
        found.cloned()
    }

    /// Lets an account join, with its folder if there is a directory.
    pub(crate) fn add_account(&self, config: AccountConfig) -> Result<Arc<Account>, StartError> {
        let config = AccountConfig {
            added: true,
            ..config
        };
        let opening = Opening {
            files: self.files.as_ref(),
            authority: &self.api_authority,
            now: self.time.base(),
            base_url: &self.base_url,
        };
        let account = self.accounts.add(config, &opening)?;
        let credentials = account.credentials(&self.base_url);
        self.account_watch.joined(&credentials);
        Ok(account)
    }

    /// Removes an added account with its folder and the faults that wait for it. What its number
    /// holds stays until the next reset.
    pub(crate) fn remove_account(&self, name: &str) -> Result<bool, StartError> {
        let Some(account) = self.accounts.remove(name) else {
            return Ok(false);
        };
        self.account_watch.left(&account.name);
        lock(&self.faults).forget(&account.name);
        if let Some(files) = &self.files {
            files.forget(&account.name)?;
        }
        Ok(true)
    }

    /// Brings back the keys that every account had when it came, in memory and in its folder.
    pub(crate) fn restore_keys(&self) -> Result<(), StartError> {
        for account in self.accounts.all().iter() {
            let Some(material) = account.restore_keys()? else {
                continue;
            };
            if let Some(files) = &self.files {
                files.write_platform(&account.name, material)?;
                files.write_account(&account.credentials(&self.base_url))?;
            }
        }
        Ok(())
    }

    pub(crate) fn credentials(&self) -> Vec<Credentials> {
        self.accounts
            .all()
            .iter()
            .map(|account| account.credentials(&self.base_url))
            .collect()
    }

    /// Returns to the state at start: data, settings, faults, ledger, clock. Keys and added accounts
    /// stay.
    pub(crate) fn reset(&self) {
        self.time.reset();
        self.set_settings(Settings::clone(&self.initial_settings));
        *lock(&self.ledger) = Ledger::default();
        *lock(&self.faults) = Faults::default();
        lock(&self.requests).clear();
        *lock(&self.rates) = Rates::default();
        *lock(&self.nonces) = Nonces::default();
        *lock(&self.probes) = 0;
        *lock(&self.merchant) = merchant::Core::default();
        *lock(&self.brand) = brand::Core::default();
        *lock(&self.official_account) = official_account::Core::default();
        *lock(&self.tokens) = official_account::Tokens::default();
        for account in self.accounts.all().iter() {
            account.set_permitted(true);
            account.reset_keys();
        }
        (self.fill)(self);
    }
}

/// The rules and the state of a family, as a part of the world.
pub(crate) trait Held: Core {
    fn of(world: &World) -> &Mutex<Self>;
}

impl Held for merchant::Core {
    fn of(world: &World) -> &Mutex<Self> {
        &world.merchant
    }
}

impl Held for brand::Core {
    fn of(world: &World) -> &Mutex<Self> {
        &world.brand
    }
}

impl Held for official_account::Core {
    fn of(world: &World) -> &Mutex<Self> {
        &world.official_account
    }
}

impl Held for official_account::Tokens {
    fn of(world: &World) -> &Mutex<Self> {
        &world.tokens
    }
}

/// How many nonces are remembered; the oldest go first.
const NONCES: usize = 100_000;

/// When each caller used each nonce.
#[derive(Default)]
pub(crate) struct Nonces(Bounded<(String, String), i64, NONCES>);

impl Nonces {
    /// Returns false if the caller used the nonce before, within the time in which a timestamp of
    /// then or now is fresh.
    pub(crate) fn first_use(&mut self, identity: &str, nonce: &str, now: i64, window: i64) -> bool {
        let key = (identity.to_owned(), nonce.to_owned());
        let seen = self.0.insert(key, now);
        seen.is_none_or(|seen| now.saturating_sub(seen) > window.saturating_mul(2))
    }
}
