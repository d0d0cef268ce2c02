//! What calls are served with, replaced as a whole while they run.

use std::fmt;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use kabao_api::{Account, Accounts};

use crate::policy::Policy;
use crate::tokens::Tokens;

/// The accounts, and who may use them: one configuration. A call takes one and keeps it to its end.
#[derive(Clone)]
pub struct Generation {
    number: u64,
    accounts: Accounts,
    tokens: Option<Arc<dyn Tokens>>,
    policy: Option<Arc<Policy>>,
    /// Whether an account lets callers see what it holds.
    exposes: bool,
}

impl Generation {
    /// Serves accounts to everybody; generation 1.
    pub fn new(accounts: Accounts) -> Self {
        let exposes = |account: &Arc<Account>| account.held_credentials.is_some();
        let exposes = accounts.iter().any(exposes);
        Self {
            number: 1,
            exposes,
            accounts,
            tokens: None,
            policy: None,
        }
    }

    /// Sets its number; later ones have greater numbers.
    #[must_use]
    pub fn numbered(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// Takes the holders of `tokens` for callers, beside those whom a certificate names; nobody else may call.
    #[must_use]
    pub fn tokens(mut self, tokens: Option<Arc<dyn Tokens>>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Lets callers do what `policy` says and nothing else; without one, everybody who is let in may do everything.
    #[must_use]
    pub fn policy(mut self, policy: Option<Arc<Policy>>) -> Self {
        self.policy = policy;
        self
    }

    /// Returns the same with other accounts.
    #[must_use]
    pub fn with_accounts(&self, accounts: Accounts) -> Self {
        Self::new(accounts)
            .numbered(self.number)
            .tokens(self.tokens.clone())
            .policy(self.policy.clone())
    }

    /// Returns its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    pub(crate) fn exposes(&self) -> bool {
        self.exposes
    }

    pub(crate) fn holders(&self) -> Option<&dyn Tokens> {
        self.tokens.as_deref()
    }

    /// Whether a call of somebody without a name is refused.
    pub(crate) fn asks_for_names(&self) -> bool {
        self.tokens.is_some() || self.policy.is_some()
    }

    pub(crate) fn rules(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("number", &self.number)
            .field("accounts", &self.accounts.len())
            .field("tokens", &self.tokens.is_some())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Holds the generation that the next call gets. Clones share it.
///
/// Taking one waits for nobody: neither for other calls nor for whoever replaces it.
#[derive(Clone, Debug)]
pub struct Generations(Arc<ArcSwap<Generation>>);

impl Generations {
    /// Starts with one.
    pub fn new(first: Generation) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// Returns the present one.
    pub fn current(&self) -> Arc<Generation> {
        self.0.load_full()
    }

    /// Serves another one from the next call on; calls in flight end with theirs.
    pub fn replace(&self, next: Generation) {
        self.0.store(Arc::new(next));
    }
}

impl Generations {
    /// Returns the same for whoever looks at it and shall keep nothing alive.
    pub fn downgrade(&self) -> WeakGenerations {
        WeakGenerations(Arc::downgrade(&self.0))
    }
}

/// [`Generations`] as long as somebody else has them.
#[derive(Clone, Debug)]
pub struct WeakGenerations(Weak<ArcSwap<Generation>>);

impl WeakGenerations {
    /// Returns the present one; `None` once nobody serves any.
    pub fn current(&self) -> Option<Arc<Generation>> {
        Some(self.0.upgrade()?.load_full())
    }
}

impl From<Accounts> for Generations {
    fn from(accounts: Accounts) -> Self {
        Self::new(Generation::new(accounts))
    }
}

impl From<Arc<Accounts>> for Generations {
    fn from(accounts: Arc<Accounts>) -> Self {
        Arc::unwrap_or_clone(accounts).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_taken_a_generation_keeps_it() {
        let generations = Generations::from(Accounts::new());
        let server = generations.clone();
        let taken = server.current();
        generations.replace(taken.with_accounts(Accounts::new()).numbered(2));
        assert_eq!((taken.number(), server.current().number()), (1, 2));
    }

    #[test]
    fn whoever_looks_keeps_nothing_alive() {
        let generations = Generations::from(Accounts::new());
        let looking = generations.downgrade();
        assert_eq!(looking.current().unwrap().number(), 1);
        drop(generations);
        assert!(looking.current().is_none());
    }
}
