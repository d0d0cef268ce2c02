//! What a command knows besides its content.

use jiff::Timestamp;

use super::{Refused, Rule};
use crate::serve::Call;
use crate::settings::{self, UnauthorizedBrand};

/// Whom a command acts for, when, and by which choices.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) brand: &'a str,
    /// The AppID of the caller's account, which counts as bound to its brand.
    pub(crate) appid: Option<&'a str>,
    pub(crate) now: Timestamp,
    pub(crate) rules: &'a settings::Brand,
}

/// Who calls: a service provider, which names the brand that it acts for, or the brand itself, which
/// does not.
pub(super) struct Caller<'a>(&'a Call);

impl<'a> Caller<'a> {
    pub(super) fn of(call: &'a Call) -> Self {
        Self(call)
    }

    /// Finds out whom the call acts for.
    pub(super) fn of_brand(&self, named: &Option<String>) -> Result<Context<'a>, Refused> {
        let Self(call) = self;
        let rules = &call.settings.brand;
        let own = call
            .account
            .brand_id
            .as_deref()
            .ok_or(Rule::BrandUnauthorized)?;
        if named.as_deref().is_some_and(|brand| brand != own) {
            return Err(match rules.unauthorized_brand {
                UnauthorizedBrand::NoAuth => Rule::BrandUnauthorized,
                UnauthorizedBrand::InvalidRequest => Rule::BrandInvalid,
            }
            .into());
        }
        Ok(Context {
            brand: own,
            appid: call.account.appid.as_deref(),
            now: call.now,
            rules,
        })
    }

    /// The same for the calls that need the membership feature.
    pub(super) fn with_membership(&self, named: &Option<String>) -> Result<Context<'a>, Refused> {
        let context = self.of_brand(named)?;
        if context
            .rules
            .brands_without_membership
            .iter()
            .any(|brand| brand == context.brand)
        {
            return Err(Rule::FeatureClosed.into());
        }
        Ok(context)
    }
}
