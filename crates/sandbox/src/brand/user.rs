//! WeChat users, and whether an openid is one of the brand's.

use super::{Context, Core, Refused, Rule};

/// A user that the control API described.
#[derive(Clone)]
pub(crate) struct User {
    /// The AppID that gave the openid.
    pub(crate) appid: Option<String>,
    pub(crate) phone_number: Option<String>,
}

impl Core {
    /// Describes a user. Users that nobody described exist as well: their openids belong to the
    /// brand, and they have no phone number.
    pub(crate) fn put_user(&mut self, openid: &str, user: User) {
        self.users.insert(openid.to_owned(), user);
    }

    /// Checks that an openid has the form of one and belongs to an AppID of the brand.
    pub(super) fn check_openid(&self, context: &Context<'_>, openid: &str) -> Result<(), Refused> {
        let rules = context.rules;
        let form = openid
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let strict = openid.len() == 28 && openid.starts_with('o');
        if openid.is_empty() || !form || (rules.strict_openids && !strict) {
            return Err(Rule::OpenidInvalid.into());
        }
        let appid = self
            .users
            .get(openid)
            .and_then(|user| user.appid.as_deref());
        match appid {
            Some(appid) if !self.is_brand_appid(context, appid) => Err(Rule::OpenidForeign.into()),
            _ => Ok(()),
        }
    }

    /// Tells whether users of this AppID can be the brand's.
    fn is_brand_appid(&self, context: &Context<'_>, appid: &str) -> bool {
        let bound = &context.rules.bound_appids;
        if !bound.is_empty() {
            return bound.iter().any(|known| known == appid);
        }
        context.appid == Some(appid)
            || self.templates.values().any(|template| {
                template.brand() == context.brand && template.card.appid.as_deref() == Some(appid)
            })
    }

    /// Finds the user of a phone number among those of the brand's AppIDs.
    pub(super) fn user_of_phone(&self, context: &Context<'_>, phone: &str) -> Option<String> {
        let belongs = |user: &User| {
            user.phone_number.as_deref() == Some(phone)
                && user
                    .appid
                    .as_deref()
                    .is_none_or(|appid| self.is_brand_appid(context, appid))
        };
        self.users
            .iter()
            .find(|(_, user)| belongs(user))
            .map(|(openid, _)| openid.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{OPENID, context, core};
    use super::*;
    use crate::settings;

    #[test]
    fn openids_have_a_form_and_an_appid() {
        let mut core = core();
        core.put_user(
            "oElsewhere",
            User {
                appid: Some("wxother".into()),
                phone_number: None,
            },
        );
        let lenient = settings::Brand::default();
        let strict = settings::Brand {
            strict_openids: true,
            ..lenient.clone()
        };
        let bound = settings::Brand {
            bound_appids: vec!["wxother".into()],
            ..lenient.clone()
        };
        for (rules, openid, expected) in [
            (&lenient, OPENID, None),
            (&lenient, "oNew", None),
            (&lenient, "o New", Some(Rule::OpenidInvalid)),
            (&lenient, "", Some(Rule::OpenidInvalid)),
            (&strict, "oNew", Some(Rule::OpenidInvalid)),
            (&strict, OPENID, None),
            (&lenient, "oElsewhere", Some(Rule::OpenidForeign)),
            (&bound, "oElsewhere", None),
        ] {
            let found = core
                .check_openid(&context(rules), openid)
                .err()
                .map(|refused| refused.rule);
            assert_eq!(found, expected, "{openid}");
        }
    }
}
