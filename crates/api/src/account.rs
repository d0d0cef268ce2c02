//! Configured accounts and the registry that finds them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kabao_models::Family;

use crate::{
    AccountApi, AccountId, CardSigner, ChangeApi, Error, HeldCredentials, MediaApi, MemberApi,
    Reason, TemplateApi, Upstream,
};

/// One set of upstream credentials, ready to be called.
///
/// Clones share the same connections, keys and limits.
#[derive(Clone)]
pub struct Account {
    /// The operator's name for it.
    pub id: AccountId,
    /// Which API generation it speaks.
    pub family: Family,
    /// The portable template operations.
    pub templates: Arc<dyn TemplateApi>,
    /// The portable member operations.
    pub members: Arc<dyn MemberApi>,
    /// The portable upload of pictures.
    pub media: Arc<dyn MediaApi>,
    /// What the account can do and stands on.
    pub state: Arc<dyn AccountApi>,
    /// Every operation of the family.
    pub upstream: Arc<dyn Upstream>,
    /// What a journal remembers of its changes; without one, changes have no memory.
    pub changes: Option<Arc<dyn ChangeApi>>,
    /// Signatures for pages; official accounts have them.
    pub card_signer: Option<Arc<dyn CardSigner>>,
    /// What the account holds, if its operator lets callers see it; `None` unless set.
    pub held_credentials: Option<Arc<dyn HeldCredentials>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("family", &self.family.as_str())
            .finish_non_exhaustive()
    }
}

/// So many names are shown to whoever asks for an account that is not there.
const SHOWN: usize = 20;

/// All configured accounts by name, as a value: what is done to it shows in no clone of it.
///
/// Clones are cheap. The accounts in them are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<BTreeMap<AccountId, Arc<Account>>>);

impl Accounts {
    /// Makes an empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`Reason::AlreadyExists`] if an account of that name is there already; it is kept.
    pub fn insert(&mut self, account: impl Into<Arc<Account>>) -> Result<(), Error> {
        let account = account.into();
        if self.0.contains_key(&account.id) {
            return Err(Error::new(
                Reason::AlreadyExists,
                format!("account {} is configured twice", account.id),
            ));
        }
        Arc::make_mut(&mut self.0).insert(account.id.clone(), account);
        Ok(())
    }

    /// Takes an account out. Returns whether there was one.
    pub fn remove(&mut self, id: &AccountId) -> bool {
        self.0.contains_key(id) && Arc::make_mut(&mut self.0).remove(id).is_some()
    }

    /// Finds an account.
    ///
    /// # Errors
    ///
    /// [`Reason::AccountNotFound`] if no account of that name is configured.
    pub fn get(&self, id: &AccountId) -> Result<Arc<Account>, Error> {
        self.get_among(id, |_| true)
    }

    /// Finds an account for somebody who may know only those that `may_know` is true of: the error names no other.
    ///
    /// # Errors
    ///
    /// [`Reason::AccountNotFound`] if no account of that name is configured.
    pub fn get_among(
        &self,
        id: &AccountId,
        may_know: impl Fn(&AccountId) -> bool,
    ) -> Result<Arc<Account>, Error> {
        self.0.get(id).cloned().ok_or_else(|| {
            Error::new(
                Reason::AccountNotFound,
                format!("account {id} is not configured"),
            )
            .with_remedy(self.known(may_know))
        })
    }

    /// Names what there is, for whoever mistyped.
    fn known(&self, may_know: impl Fn(&AccountId) -> bool) -> String {
        let accounts = &self.0;
        let known: Vec<_> = accounts.keys().filter(|id| may_know(id)).collect();
        let mut names: Vec<_> = known.iter().take(SHOWN).map(|id| id.as_str()).collect();
        let more = format!("{} more", known.len().saturating_sub(SHOWN));
        if known.len() > SHOWN {
            names.push(&more);
        }
        if names.is_empty() {
            "no account is configured".to_owned()
        } else {
            format!("configured are: {}", names.join(", "))
        }
    }

    /// Returns the accounts of this moment, ordered by name.
    pub fn list(&self) -> Vec<Arc<Account>> {
        self.0.values().cloned().collect()
    }

    /// Goes through the accounts in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.0.values()
    }

    /// Returns the number of accounts.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if no account is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
#[cfg(feature = "mock")]
mod tests {
    use super::*;
    use crate::{MockAccountApi, MockMediaApi, MockMemberApi, MockTemplateApi, MockUpstream};

    fn account(id: &str) -> Account {
        Account {
            id: id.parse().unwrap(),
            family: Family::Merchant,
            templates: Arc::new(MockTemplateApi::new()),
            members: Arc::new(MockMemberApi::new()),
            media: Arc::new(MockMediaApi::new()),
            state: Arc::new(MockAccountApi::new()),
            upstream: Arc::new(MockUpstream::new()),
            card_signer: None,
            held_credentials: None,
            changes: None,
        }
    }

    #[test]
    fn an_account_that_is_not_configured_is_not_found() {
        let mut accounts = Accounts::new();
        accounts.insert(account("b")).unwrap();
        accounts.insert(account("a")).unwrap();
        assert_eq!(
            accounts.insert(account("a")).unwrap_err().reason(),
            Reason::AlreadyExists
        );
        let unknown = accounts.get(&"c".parse().unwrap()).unwrap_err();
        assert_eq!(unknown.reason(), Reason::AccountNotFound);
        assert_eq!(
            unknown.to_string(),
            "account c is not configured; configured are: a, b"
        );
        let own = accounts.get_among(&"c".parse().unwrap(), |id| id.as_str() == "b");
        assert_eq!(
            own.unwrap_err().to_string(),
            "account c is not configured; configured are: b"
        );
        let nothing = Accounts::new().get(&"c".parse().unwrap()).unwrap_err();
        assert_eq!(
            nothing.to_string(),
            "account c is not configured; no account is configured"
        );
        assert_eq!(
            accounts.get(&"a".parse().unwrap()).unwrap().id.as_str(),
            "a"
        );
        for number in 0..30 {
            accounts.insert(account(&format!("n{number:02}"))).unwrap();
        }
        let unknown = accounts.get(&"c".parse().unwrap()).unwrap_err();
        assert!(unknown.to_string().ends_with(", n17, 12 more"), "{unknown}");
        let names: Vec<_> = accounts
            .list()
            .iter()
            .take(2)
            .map(|account| account.id.to_string())
            .collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn what_is_done_to_a_registry_shows_in_no_clone_of_it() {
        let mut accounts = Accounts::new();
        let before = accounts.clone();
        accounts.insert(account("a")).unwrap();
        assert!(before.is_empty());
        let served = accounts.clone();
        assert!(accounts.remove(&"a".parse().unwrap()));
        assert!(!accounts.remove(&"a".parse().unwrap()));
        assert!(accounts.is_empty());
        let kept = served.get(&"a".parse().unwrap()).unwrap();
        accounts.insert(Arc::clone(&kept)).unwrap();
        assert!(Arc::ptr_eq(&kept, &accounts.get(&kept.id).unwrap()));
    }
}
