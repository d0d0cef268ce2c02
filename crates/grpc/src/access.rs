//! Who calls, and what the policy lets them do: what a request carries from the layers to the services.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use kabao_api::{Account, AccountId, CallerId, Error, Reason};
use tokio::time::Instant;

use crate::generation::{Generation, Generations};
use crate::policy::Policy;

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
    /// The full name of the method; empty if the API has none.
    method: &'static str,
    /// By which token the caller is known, if it is by one.
    shown: Option<Shown>,
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
    Bound(Arc<Policy>),
}

/// A token, and when it was shown.
#[derive(Clone)]
struct Shown {
    token: HeaderValue,
    at: Instant,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl Access {
    /// Lets the caller do everything.
    pub(crate) fn free(caller: Option<CallerId>) -> Self {
        Self {
            caller,
            rights: Rights::All,
            ..Self::default()
        }
    }

    /// Lets the caller call `method` for the accounts that `policy` says.
    pub(crate) fn bound(caller: CallerId, policy: Arc<Policy>, method: &'static str) -> Self {
        Self {
            caller: Some(caller),
            rights: Rights::Bound(policy),
            method,
            ..Self::default()
        }
    }

    /// Says which method is called.
    pub(crate) fn calling(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// Keeps the token that the caller has shown now.
    pub(crate) fn shown(mut self, token: Option<HeaderValue>) -> Self {
        let at = Instant::now();
        self.shown = token.map(|token| Shown { token, at });
        self
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
            (Rights::Bound(policy), Some(caller)) => policy.weight(caller),
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

    /// Makes sure that what the call was admitted by has not been taken away since: the token, or the right to use the
    /// method for the account. For calls that go on from one configuration to the next.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED`.
    pub(crate) fn require_still(
        &self,
        generations: &Generations,
        id: &AccountId,
    ) -> Result<(), Error> {
        let present = generations.current();
        if let (Some(shown), Some(tokens)) = (&self.shown, present.holders()) {
            let token = bearer(&shown.token).unwrap_or_default();
            if tokens.still_holder(token, shown.at.elapsed()) != self.caller {
                return Err(unknown(
                    "the bearer token was taken away while the call ran",
                ));
            }
        }
        let is_allowed = match (present.rules(), &self.caller) {
            (None, _) => true,
            (Some(policy), Some(caller)) => policy.allows_for(caller, self.method, id),
            (Some(_), None) => false,
        };
        match is_allowed {
            true => Ok(()),
            false => Err(denied(format!(
                "the policy does not let this caller go on with the method for account {id}"
            ))),
        }
    }

    fn may_use(&self, id: &AccountId) -> bool {
        match (&self.rights, &self.caller) {
            (Rights::All, _) => true,
            (Rights::Bound(policy), Some(caller)) => policy.allows_for(caller, self.method, id),
            (Rights::Bound(_), None) | (Rights::None, _) => false,
        }
    }
}

/// The token of a header (RFC 6750).
pub(crate) fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    is_bearer.then_some(token)
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
