//! Who calls, and what the policy lets them do: what a request carries from the layers to the services.

use std::sync::Arc;

use kabao_api::{Account, AccountId, CallerId, Error, Reason};

use crate::generation::{Generation, Generations};
use crate::policy::Policy;

/// Knows the holders of bearer tokens.
pub trait Tokens: Send + Sync {
    /// Returns who holds this token; `None` if nobody does. Takes the same time whoever it is.
    fn holder(&self, token: &str) -> Option<CallerId>;
}

/// Whom the client certificate of a connection names. Listeners put it into the extensions of every request.
///
/// The certificate was verified before: this is only about the name in it. An `Err` says in a sentence why it has none.
#[derive(Clone, Debug)]
pub struct Certified(pub Result<CallerId, &'static str>);

/// What is known of the one who calls, and what they may do: nothing, unless somebody has said so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    caller: Option<CallerId>,
    rights: Rights,
    /// What the call is served with to its end; whoever came past no layer gets the present one.
    generation: Option<Arc<Generation>>,
}

/// What a call may do.
#[derive(Clone, Debug, Default)]
enum Rights {
    /// Nothing: it came past no layer that knows.
    #[default]
    None,
    /// Everything: there is no policy.
    All,
    /// What the policy says.
    Bound(Bound),
}

/// The policy, and the method that is called under it.
#[derive(Clone, Debug)]
struct Bound {
    policy: Arc<Policy>,
    method: &'static str,
}

impl Access {
    /// Lets the caller do everything.
    pub(crate) fn free(caller: Option<CallerId>) -> Self {
        Self {
            caller,
            rights: Rights::All,
            generation: None,
        }
    }

    /// Lets the caller call `method` for the accounts that `policy` says.
    pub(crate) fn bound(caller: CallerId, policy: Arc<Policy>, method: &'static str) -> Self {
        Self {
            caller: Some(caller),
            rights: Rights::Bound(Bound { policy, method }),
            generation: None,
        }
    }

    /// Keeps the generation that these rights are from.
    pub(crate) fn of(mut self, generation: Arc<Generation>) -> Self {
        self.generation = Some(generation);
        self
    }

    /// Returns the generation that serves the call.
    pub(crate) fn generation(&self, generations: &Generations) -> Arc<Generation> {
        let own = self.generation.clone();
        own.unwrap_or_else(|| generations.current())
    }

    /// Returns who calls, if that is known.
    pub(crate) fn caller(&self) -> Option<&CallerId> {
        self.caller.as_ref()
    }

    /// Returns how much of a limit the caller gets beside others.
    pub(crate) fn weight(&self) -> u32 {
        match (&self.rights, &self.caller) {
            (Rights::Bound(bound), Some(caller)) => bound.policy.weight(caller),
            _ => 1,
        }
    }

    /// Finds an account. One that the caller may not use is refused in the same words whether it exists or not.
    ///
    /// # Errors
    ///
    /// `PERMISSION_DENIED`; `ACCOUNT_NOT_FOUND` for one that the caller may use and nobody has configured.
    pub(crate) fn account(
        &self,
        generations: &Generations,
        id: &AccountId,
    ) -> Result<Arc<Account>, Error> {
        if self.may_use(id) {
            let generation = self.generation(generations);
            return generation.accounts().get_among(id, |id| self.may_use(id));
        }
        Err(denied(match self.rights {
            Rights::None => "nothing says what this call may do".to_owned(),
            _ => format!("the policy does not let this caller use the method for account {id}"),
        }))
    }

    /// Returns the accounts that the caller may use, ordered by name.
    pub(crate) fn accounts(&self, generations: &Generations) -> Vec<Arc<Account>> {
        let mut accounts = self.generation(generations).accounts().list();
        accounts.retain(|account| self.may_use(&account.id));
        accounts
    }

    fn may_use(&self, id: &AccountId) -> bool {
        match (&self.rights, &self.caller) {
            (Rights::All, _) => true,
            (Rights::Bound(bound), Some(caller)) => {
                bound.policy.allows_for(caller, bound.method, id)
            }
            (Rights::Bound(_), None) | (Rights::None, _) => false,
        }
    }
}

/// The refusal of a right.
pub(crate) fn denied(message: impl Into<String>) -> Error {
    Error::new(Reason::PermissionDenied, message)
}

/// The refusal of somebody whom nobody knows.
pub(crate) fn unknown(message: &str) -> Error {
    Error::new(Reason::Unauthenticated, message)
}

#[cfg(test)]
mod tests {
    use kabao_api::{Accounts, Family};

    use super::*;
    use crate::policy::{Group, Methods, Rule};
    use crate::portable::testing;

    const GET: &str = "kabao.v1.MemberService/GetMember";

    fn generations() -> Generations {
        let mut accounts = Accounts::new();
        let account = testing::account("acme", Family::Brand, Default::default());
        accounts.insert(account).unwrap();
        Generations::from(accounts)
    }

    #[test]
    fn a_call_of_which_nothing_is_known_may_do_nothing() {
        let (generations, id) = (generations(), "acme".parse().unwrap());
        let access = Access::default();
        let refused = access.account(&generations, &id).map(drop).unwrap_err();
        assert_eq!(refused.reason(), Reason::PermissionDenied);
        assert_eq!(access.accounts(&generations).len(), 0);
        let free = Access::free(None);
        assert!(free.account(&generations, &id).is_ok());
        assert_eq!(free.accounts(&generations).len(), 1);
    }

    #[test]
    fn a_call_weighs_what_the_policy_gives_its_caller() {
        let till: CallerId = "till".parse().unwrap();
        let policy = Arc::new(Policy::new(vec![Rule {
            caller: "till".parse().unwrap(),
            accounts: vec!["**".parse().unwrap()],
            methods: vec![Methods::Group(Group::Read)],
            weight: 3,
            place: String::new(),
        }]));
        assert_eq!(Access::bound(till.clone(), policy, GET).weight(), 3);
        assert_eq!(Access::free(Some(till)).weight(), 1);
    }
}
