//! From configured accounts to callable ones, and from one generation of them to the next.

mod warm_ups;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kabao_api::{Account, AccountId, Accounts, Error};
use kabao_client::{Client, Observer};
use kabao_grpc::{Generation, Generations};

use self::warm_ups::WarmUps;
use crate::clients::{Clients, WeakClients};
use crate::config::{AccountSettings, Settings};
use crate::memory::Memory;
use crate::tokens::Bearers;

/// The accounts that callers reach, while they are reached. Clones share them.
#[derive(Clone)]
pub struct Roster {
    generations: Generations,
    clients: Arc<Clients>,
    warm_ups: Arc<WarmUps>,
    observer: Arc<dyn Observer>,
    memory: Option<Memory>,
    bearers: Bearers,
}

/// What a generation made of the accounts of the one before it, by their names and in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: Vec<AccountId>,
    /// Those that have another client now.
    pub(crate) changed: Vec<AccountId>,
    pub(crate) removed: Vec<AccountId>,
}

impl Roster {
    /// Serves all accounts of these settings, in the present runtime; `observer` hears of what happens to their calls,
    /// `memory` remembers their changes, and `bearers` judges the tokens of callers.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if two accounts have one id.
    pub(crate) fn start(
        settings: &Settings,
        observer: Arc<dyn Observer>,
        memory: Option<Memory>,
        bearers: Bearers,
    ) -> Result<Self, Error> {
        let roster = Self {
            generations: Generations::from(Accounts::new()),
            clients: Arc::default(),
            warm_ups: Arc::new(WarmUps::start()),
            observer,
            memory,
            bearers,
        };
        roster.replace(settings, 1)?;
        Ok(roster)
    }

    /// What the facade takes a generation from for each call.
    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    /// The accounts of this moment.
    pub fn accounts(&self) -> Accounts {
        self.generations.current().accounts().clone()
    }

    /// The clients of the accounts, for whoever watches them.
    pub(crate) fn clients(&self) -> WeakClients {
        WeakClients::of(&self.clients)
    }

    /// Serves accounts, callers and policy of these settings from the next call on, as generation `number`; calls in
    /// flight end as they would have. An account whose client is the same keeps everything that it has come to know.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if two accounts have one id; everything is as before.
    pub(crate) fn replace(&self, settings: &Settings, number: u64) -> Result<Difference, Error> {
        let mut clients = self.clients.lock();
        let present = self.generations.current();
        let mut accounts = Accounts::new();
        let mut next = BTreeMap::new();
        let mut difference = Difference::default();
        let mut new = Vec::new();
        for AccountSettings { client, .. } in &settings.accounts {
            let id = client.account();
            let known = clients.get(id);
            let is_same = known.is_some_and(|known| known.is_same(client));
            match present.accounts().get(id) {
                Ok(account) if is_same => accounts.insert(account)?,
                _ => {
                    // Nothing hears of it before all of them are good.
                    if next.contains_key(id) {
                        return Err(twice(id));
                    }
                    new.push(client.clone());
                    match known {
                        Some(_) => difference.changed.push(id.clone()),
                        None => difference.added.push(id.clone()),
                    }
                }
            }
            next.insert(id.clone(), client.clone());
        }
        for client in &new {
            accounts.insert(self.account(client))?;
        }
        let gone = clients.keys().filter(|id| !next.contains_key(*id));
        difference.removed = gone.cloned().collect();
        let tokens = self.bearers.tokens(&settings.callers);
        let policy = settings.grpc.policy.as_ref();
        self.generations.replace(
            Generation::new(accounts)
                .numbered(number)
                .tokens(tokens)
                .policy(policy.map(|policy| Arc::clone(&policy.policy))),
        );
        *clients = next;
        drop(clients);
        for id in &difference.removed {
            self.warm_ups.remove(id);
        }
        self.warm_ups.add(new);
        Ok(difference)
    }

    /// Serves one more account; the next call finds it.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if there is one of that id.
    pub fn add(&self, account: AccountSettings) -> Result<(), Error> {
        let client = account.client;
        let mut clients = self.clients.lock();
        if clients.contains_key(client.account()) {
            return Err(twice(client.account()));
        }
        self.amend(|accounts| accounts.insert(self.account(&client)))?;
        clients.insert(client.account().clone(), client.clone());
        drop(clients);
        self.warm_ups.add([client]);
        Ok(())
    }

    /// Serves an account no longer; calls in flight end as they would have. Returns whether there was one.
    pub fn remove(&self, id: &AccountId) -> bool {
        let mut clients = self.clients.lock();
        self.warm_ups.remove(id);
        clients.remove(id);
        self.amend(|accounts| accounts.remove(id))
    }

    /// Replaces the accounts by what becomes of them; whoever calls it holds the lock of the clients.
    fn amend<T>(&self, change: impl FnOnce(&mut Accounts) -> T) -> T {
        let present = self.generations.current();
        let mut accounts = present.accounts().clone();
        let changed = change(&mut accounts);
        self.generations.replace(present.with_accounts(accounts));
        changed
    }

    fn account(&self, client: &Client) -> Account {
        client.observe(Arc::clone(&self.observer));
        match &self.memory {
            Some(memory) => memory.account(client),
            None => client.clone().into_account(),
        }
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roster").field(&self.generations).finish()
    }
}

fn twice(id: &AccountId) -> Error {
    let message = format!("account {id} is configured twice");
    Error::new(kabao_api::Reason::AlreadyExists, message)
}
