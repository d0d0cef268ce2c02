//! Who may do what: rules that an operator wrote, and nothing else.

mod group;
mod pattern;

use kabao_api::{AccountId, CallerId};

pub use self::group::Group;
pub(crate) use self::group::method_of;
pub use self::group::{group_of, method_named, methods};
pub use self::pattern::{Pattern, PatternError};

/// A set of rules. What no rule allows is denied; no rule forbids anything.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

/// Lets callers use methods for accounts.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The callers.
    pub caller: Pattern,
    /// The accounts, of which one has to match.
    pub accounts: Vec<Pattern>,
    /// The methods.
    pub methods: Vec<Methods>,
    /// How many turns the callers get for one of a caller of weight 1, where a limit of calls is shared out: 1 to 1000.
    pub weight: u32,
    /// Where the rule stands, for people: `policy.toml:3:1`.
    pub place: String,
}

/// What a rule says of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// All of a group.
    Group(Group),
    /// One, by its full name as [`method_named`] returns it.
    One(&'static str),
}

/// What a policy says to a call, and why.
#[derive(Clone, Debug)]
pub enum Verdict<'p> {
    /// This rule allows it.
    Allowed(&'p Rule),
    /// No rule speaks of the caller.
    UnknownCaller,
    /// None of these rules, which are all that speak of the caller, has the method.
    DeniedMethod(Vec<&'p Rule>),
    /// None of these rules, which are all that let the caller use the method, has the account.
    DeniedAccount(Vec<&'p Rule>),
}

impl Policy {
    /// Takes the rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Returns the rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Tells what becomes of a call, and why. `method` is a full name such as `kabao.v1.MemberService/GetMember`.
    pub fn explain(&self, caller: &CallerId, method: &str, account: &AccountId) -> Verdict<'_> {
        let of_caller: Vec<_> = self.of(caller).collect();
        if of_caller.is_empty() {
            return Verdict::UnknownCaller;
        }
        let with_method = of_caller.iter().copied();
        let with_method: Vec<_> = with_method.filter(|rule| rule.has(method)).collect();
        if with_method.is_empty() {
            return Verdict::DeniedMethod(of_caller);
        }
        match with_method.iter().find(|rule| rule.covers(account)) {
            Some(rule) => Verdict::Allowed(rule),
            None => Verdict::DeniedAccount(with_method),
        }
    }

    /// Tells how much of a limit the caller gets beside others: the most that a rule which speaks of it gives; else 1.
    pub fn weight(&self, caller: &CallerId) -> u32 {
        let weights = self.of(caller).map(|rule| rule.weight);
        weights.max().unwrap_or(1)
    }

    /// Tells whether the caller may use the method for any account.
    pub(crate) fn allows(&self, caller: &CallerId, method: &str) -> bool {
        self.of(caller).any(|rule| rule.has(method))
    }

    /// Tells whether the caller may use the method for this account: one rule has to say both.
    pub(crate) fn allows_for(&self, caller: &CallerId, method: &str, account: &AccountId) -> bool {
        self.of(caller)
            .any(|rule| rule.has(method) && rule.covers(account))
    }

    fn of(&self, caller: &CallerId) -> impl Iterator<Item = &Rule> {
        let matches = |rule: &&Rule| rule.caller.matches(caller.as_str());
        self.rules.iter().filter(matches)
    }
}

impl Rule {
    fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|methods| match methods {
            Methods::Group(group) => group_of(method) == Some(*group),
            Methods::One(one) => *one == method,
        })
    }

    fn covers(&self, account: &AccountId) -> bool {
        self.accounts
            .iter()
            .any(|accounts| accounts.matches(account.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "kabao.v1.MemberService/GetMember";
    const ADJUST: &str = "kabao.v1.MemberService/AdjustPoints";

    fn rule(caller: &str, accounts: &[&str], methods: &[Methods], place: &str) -> Rule {
        Rule {
            caller: caller.parse().unwrap(),
            accounts: accounts.iter().map(|text| text.parse().unwrap()).collect(),
            methods: methods.to_vec(),
            weight: 1,
            place: place.to_owned(),
        }
    }

    fn policy() -> Policy {
        Policy::new(vec![
            rule("till", &["acme-*"], &[Methods::Group(Group::Read)], "a"),
            rule("till", &["acme-1"], &[Methods::One(ADJUST)], "b"),
            rule("office", &[], &[Methods::Group(Group::Read)], "c"),
        ])
    }

    fn said(caller: &str, method: &str, account: &str) -> String {
        let policy = policy();
        let (caller, account) = (caller.parse().unwrap(), account.parse().unwrap());
        let verdict = policy.explain(&caller, method, &account);
        let places = |rules: Vec<&Rule>| -> String {
            rules.iter().map(|rule| rule.place.as_str()).collect()
        };
        let allowed = matches!(verdict, Verdict::Allowed(_));
        assert_eq!(policy.allows_for(&caller, method, &account), allowed);
        match verdict {
            Verdict::Allowed(rule) => format!("allowed by {}", rule.place),
            Verdict::UnknownCaller => "unknown".to_owned(),
            Verdict::DeniedMethod(rules) => {
                assert!(!policy.allows(&caller, method));
                format!("method not in {}", places(rules))
            }
            Verdict::DeniedAccount(rules) => {
                assert!(policy.allows(&caller, method));
                format!("account not in {}", places(rules))
            }
        }
    }

    #[test]
    fn what_no_single_rule_allows_is_denied() {
        for (caller, method, account, expected) in [
            ("till", GET, "acme-1", "allowed by a"),
            ("till", GET, "acme-2", "allowed by a"),
            ("till", GET, "other", "account not in a"),
            ("till", ADJUST, "acme-1", "allowed by b"),
            // Rules do not add up: one has the account, the other one the method.
            ("till", ADJUST, "acme-2", "account not in b"),
            ("office", GET, "acme-1", "account not in c"),
            ("office", ADJUST, "acme-1", "method not in c"),
            ("tills", GET, "acme-1", "unknown"),
            (
                "till",
                "kabao.v1.NoService/None",
                "acme-1",
                "method not in ab",
            ),
        ] {
            assert_eq!(said(caller, method, account), expected);
        }
    }

    #[test]
    fn the_greatest_weight_of_all_rules_for_a_caller_counts() {
        let with = |caller: &str, weight| Rule {
            weight,
            ..rule(caller, &["*"], &[], "")
        };
        let policy = Policy::new(vec![with("till-*", 2), with("till-7", 5), with("*", 1)]);
        for (caller, expected) in [("till-7", 5), ("till-8", 2), ("office", 1), ("a/b", 1)] {
            assert_eq!(
                policy.weight(&caller.parse().unwrap()),
                expected,
                "{caller}"
            );
        }
    }

    #[test]
    fn a_policy_without_rules_allows_nothing() {
        let (caller, account) = ("till".parse().unwrap(), "acme".parse().unwrap());
        for method in methods() {
            let verdict = Policy::default();
            let verdict = verdict.explain(&caller, method, &account);
            assert!(matches!(verdict, Verdict::UnknownCaller), "{method}");
        }
    }
}
