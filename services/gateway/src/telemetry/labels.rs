//! The names of accounts in metrics: as many as are wanted, the rest under one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use kabao_api::{AccountId, CredentialKind};
use opentelemetry::StringValue;

/// What accounts are called that are not told apart.
const OTHER: &str = "other";

/// The label of each account. Accounts that come first have names of their own, for the rest of the process: a series
/// that has begun does not end. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct AccountLabels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    known: RwLock<HashMap<AccountId, StringValue>>,
}

impl AccountLabels {
    /// Tells `most` accounts apart.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            known: RwLock::default(),
        }))
    }

    /// Returns the label of an account; nothing is allocated for one that is known.
    pub(super) fn of(&self, account: &AccountId) -> StringValue {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(account) {
            return label.clone();
        }
        let is_full = known.len() >= self.0.most;
        drop(known);
        if is_full {
            return StringValue::from(OTHER);
        }
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.0.most && !known.contains_key(account) {
            return StringValue::from(OTHER);
        }
        let label = known
            .entry(account.clone())
            .or_insert_with(|| StringValue::from(Arc::<str>::from(account.to_string())));
        label.clone()
    }
}

/// The label of a kind of credential.
pub(crate) fn kind_name(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Merchant => "merchant",
        CredentialKind::Brand => "brand",
        CredentialKind::AccessToken => "access_token",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(labels: &AccountLabels, account: &str) -> String {
        labels
            .of(&AccountId::new(account).unwrap())
            .as_str()
            .to_owned()
    }

    #[test]
    fn accounts_beyond_the_bound_share_a_label_and_the_first_keep_theirs() {
        let labels = AccountLabels::new(2);
        for _ in 0..2 {
            let seen = ["a", "b", "c", "d"].map(|account| label(&labels, account));
            assert_eq!(seen, ["a", "b", "other", "other"]);
        }
        assert_eq!(label(&AccountLabels::new(0), "a"), "other");
    }
}
