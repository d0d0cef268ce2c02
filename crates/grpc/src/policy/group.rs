//! What each method is, for whoever grants rights: reading, changing, money, or the operator's own affair.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kabao_models::Effect;

use crate::generated::METHODS;

/// Methods that are granted together. Every method of the API is in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Changes nothing.
    Read,
    /// Changes templates, members and settings, but nothing that is worth money.
    Write,
    /// Can change points, a balance or rights, or give something away, whatever else it changes.
    Money,
    /// Decides about changes of unknown outcome, or spends calls to check accounts.
    Admin,
    /// Answers with credentials: access tokens and tickets that the gateway holds.
    Secrets,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Write,
        Self::Money,
        Self::Admin,
        Self::Secrets,
    ];

    /// Returns the group in a word, as policies have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Money => "money",
            Self::Admin => "admin",
            Self::Secrets => "secrets",
        }
    }
}

/// The methods that are written by hand.
const PORTABLE: [(&str, Group); 26] = [
    (
        "kabao.officialaccount.v1.ClientSignatureService/SignClientCall",
        Group::Write,
    ),
    ("kabao.v1.AccountService/CheckAccount", Group::Admin),
    ("kabao.v1.AccountService/GetAccount", Group::Read),
    ("kabao.v1.AccountService/ListAccounts", Group::Read),
    ("kabao.v1.ChangeService/GetChange", Group::Read),
    ("kabao.v1.ChangeService/ListChanges", Group::Read),
    ("kabao.v1.ChangeService/ResolveChange", Group::Admin),
    ("kabao.v1.ChangeService/WatchChange", Group::Read),
    ("kabao.v1.MediaService/UploadImage", Group::Write),
    // With initial values.
    ("kabao.v1.MemberService/ActivateMember", Group::Money),
    ("kabao.v1.MemberService/AdjustBalance", Group::Money),
    ("kabao.v1.MemberService/AdjustPoints", Group::Money),
    ("kabao.v1.MemberService/BatchAdjustPoints", Group::Money),
    ("kabao.v1.MemberService/BatchGetMembers", Group::Read),
    ("kabao.v1.MemberService/BatchImportMembers", Group::Money),
    ("kabao.v1.MemberService/BatchUpdateMembers", Group::Money),
    ("kabao.v1.MemberService/GetMember", Group::Read),
    // With initial values.
    ("kabao.v1.MemberService/ImportMember", Group::Money),
    ("kabao.v1.MemberService/InvalidateMember", Group::Write),
    ("kabao.v1.MemberService/ListMembers", Group::Read),
    // Points and balance are fields like others.
    ("kabao.v1.MemberService/UpdateMember", Group::Money),
    ("kabao.v1.TemplateService/CreateTemplate", Group::Write),
    ("kabao.v1.TemplateService/DeleteTemplate", Group::Write),
    ("kabao.v1.TemplateService/GetTemplate", Group::Read),
    ("kabao.v1.TemplateService/ListTemplates", Group::Read),
    ("kabao.v1.TemplateService/UpdateTemplate", Group::Write),
];

static GROUPS: LazyLock<BTreeMap<&'static str, Group>> = LazyLock::new(|| {
    let families = METHODS.iter().map(|method| {
        let operation = method.operation;
        let group = match operation.effect {
            _ if operation.credential => Group::Secrets,
            _ if operation.money => Group::Money,
            Effect::Read => Group::Read,
            Effect::Write => Group::Write,
        };
        (method.path.trim_start_matches('/'), group)
    });
    PORTABLE.into_iter().chain(families).collect()
});

/// Returns every method of the API by its full name, such as `kabao.v1.MemberService/GetMember`, in order.
pub fn methods() -> impl Iterator<Item = &'static str> {
    GROUPS.keys().copied()
}

/// Returns the method of this full name; `None` if the API has none.
pub fn method_named(name: &str) -> Option<&'static str> {
    GROUPS.get_key_value(name).map(|(name, _)| *name)
}

/// Returns the method of a request path.
pub(crate) fn method_of(path: &str) -> Option<&'static str> {
    path.strip_prefix('/').and_then(method_named)
}

/// Returns the group of a method by its full name; `None` if the API has none of that name.
pub fn group_of(method: &str) -> Option<Group> {
    GROUPS.get(method).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kabao_models::{Kind, Shape};
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_method_of_the_api_is_in_a_group_and_no_other() {
        let pool = DescriptorPool::decode(kabao_proto::DESCRIPTOR_SET).unwrap();
        let described: BTreeSet<String> = pool
            .services()
            .flat_map(|service| {
                let methods: Vec<_> = service
                    .methods()
                    .map(|method| format!("{}/{}", service.full_name(), method.name()))
                    .collect();
                methods
            })
            .collect();
        let grouped: BTreeSet<String> = methods().map(str::to_owned).collect();
        assert_eq!(grouped, described);
        assert!(grouped.len() > 100, "{}", grouped.len());
    }

    #[test]
    fn what_the_catalogue_calls_money_is_granted_as_money_and_changes_something() {
        let mut counted = 0;
        for method in METHODS.iter().filter(|method| method.operation.money) {
            let path = method.path.trim_start_matches('/');
            assert_eq!(group_of(path), Some(Group::Money), "{path}");
            assert!(method.operation.effect == Effect::Write, "{path}");
            counted += 1;
        }
        assert!(counted > 20, "{counted}");
    }

    #[test]
    fn what_answers_with_a_credential_is_granted_by_no_other_group() {
        let secrets: Vec<_> = methods()
            .filter(|method| group_of(method) == Some(Group::Secrets))
            .collect();
        assert_eq!(
            secrets,
            [
                "kabao.officialaccount.v1.StableTokenService/GetStableToken",
                "kabao.officialaccount.v1.TicketService/GetTicket",
                "kabao.officialaccount.v1.TokenService/GetToken",
            ]
        );
    }

    /// Words in the names of fields that are worth something.
    const WORTH: [&str; 6] = ["balance", "bonus", "point", "coupon", "gift", "stock_list"];

    /// Operations that have such fields and give nothing: they say how a template looks and which sections it has.
    const TEMPLATES: [&str; 8] = [
        "brand.cards.create",
        "brand.cards.update",
        "brand_direct.cards.create",
        "brand_direct.cards.update",
        "merchant.cards.create",
        "merchant.cards.update",
        "official_account.card.create",
        "official_account.card.update",
    ];

    fn worth(
        shape: &'static Shape,
        path: &str,
        seen: &mut BTreeSet<&'static str>,
        found: &mut Vec<String>,
    ) {
        if !seen.insert(shape.name) {
            return;
        }
        for field in shape.fields {
            let path = format!("{path}.{}", field.name);
            if WORTH.iter().any(|word| field.name.contains(word)) {
                found.push(path.clone());
            }
            if let Kind::Object(inside) = field.kind {
                worth(inside, &path, seen, found);
            }
        }
    }

    #[test]
    fn what_takes_a_value_that_is_worth_something_counts_as_money() {
        for method in METHODS {
            let operation = method.operation;
            let counted = operation.money || TEMPLATES.contains(&operation.id);
            if operation.effect == Effect::Read || counted {
                continue;
            }
            let mut found = Vec::new();
            worth(
                operation.request,
                operation.id,
                &mut BTreeSet::new(),
                &mut found,
            );
            assert!(
                found.is_empty(),
                "the catalogue does not say `money`: {found:?}"
            );
        }
    }
}
