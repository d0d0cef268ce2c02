//! From configured accounts to callable ones.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kabao_api::{AccountId, Accounts, Error, Family};
use kabao_client::{Brand, Merchant, Observer, OfficialAccount};
use tokio::task::JoinSet;

use crate::config::AccountSettings;

/// The client of one account.
#[derive(Clone, Debug)]
pub enum Client {
    /// `family = "merchant"`
    Merchant(Merchant),
    /// `family = "brand"`
    Brand(Brand),
    /// `family = "official_account"`
    OfficialAccount(OfficialAccount),
}

impl Client {
    /// The family of the account.
    pub fn family(&self) -> Family {
        match self {
            Self::Merchant(_) => Family::Merchant,
            Self::Brand(_) => Family::Brand,
            Self::OfficialAccount(_) => Family::OfficialAccount,
        }
    }

    fn into_account(self, id: AccountId) -> kabao_api::Account {
        match self {
            Self::Merchant(client) => client.into_account(id),
            Self::Brand(client) => client.into_account(id),
            Self::OfficialAccount(client) => client.into_account(id),
        }
    }

    fn observe(&self, observer: Arc<dyn Observer>) {
        match self {
            Self::Merchant(client) => client.observe(observer),
            Self::Brand(client) => client.observe(observer),
            Self::OfficialAccount(client) => client.observe(observer),
        }
    }

    async fn warm_up(&self) -> Result<(), Error> {
        match self {
            Self::Merchant(client) => client.warm_up().await,
            Self::Brand(client) => client.warm_up().await,
            Self::OfficialAccount(client) => client.warm_up().await,
        }
    }

    /// Keeps keys fresh for as long as it is polled.
    async fn maintain(self) {
        match self {
            Self::Merchant(client) => match client.maintain().await {},
            Self::Brand(client) => match client.maintain().await {},
            // Tokens are fetched when they are needed.
            Self::OfficialAccount(_) => {}
        }
    }
}

/// The registry that the facade looks accounts up in.
///
/// # Errors
///
/// `ALREADY_EXISTS` if two accounts have one id.
pub(crate) fn registry(settings: &[AccountSettings]) -> Result<Accounts, Error> {
    let accounts = Accounts::new();
    for account in settings {
        insert(&accounts, account)?;
    }
    Ok(accounts)
}

/// Lets `observer` hear of what happens to the calls of all accounts.
pub(crate) fn observe(settings: &[AccountSettings], observer: &Arc<dyn Observer>) {
    for account in settings {
        account.client.observe(Arc::clone(observer));
    }
}

/// Adds one account to the registry.
///
/// # Errors
///
/// `ALREADY_EXISTS` if there is one of that id.
pub(crate) fn insert(accounts: &Accounts, account: &AccountSettings) -> Result<(), Error> {
    accounts.insert(account.client.clone().into_account(account.id.clone()))
}

/// How long an account may take to fetch its first keys before a warning says that it has none.
const WARM_UP: Duration = Duration::from_secs(30);

/// What the accounts need to have done beside their calls, until this value is dropped.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    tasks: Mutex<JoinSet<()>>,
}

impl Upkeep {
    /// Starts it for all of these accounts.
    pub(crate) fn start(settings: &[AccountSettings]) -> Self {
        let upkeep = Self::default();
        for account in settings {
            upkeep.add(account.clone());
        }
        upkeep
    }

    /// Fetches keys and tokens ahead of the first call, says in the log what WeChat thinks of the credentials, and
    /// keeps platform certificates fresh from then on.
    pub(crate) fn add(&self, account: AccountSettings) {
        let AccountSettings { id, client, .. } = account;
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(async move {
            match tokio::time::timeout(WARM_UP, client.warm_up()).await {
                Ok(Ok(())) => tracing::info!(account = %id, "keys are there"),
                Ok(Err(error)) => tracing::warn!(
                    account = %id,
                    reason = error.reason().as_str(),
                    "the account has no keys yet: {}",
                    error.message()
                ),
                Err(_) => tracing::warn!(account = %id, "WeChat did not answer in time; the account has no keys yet"),
            }
            client.maintain().await;
        });
    }
}
