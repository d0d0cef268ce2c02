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

impl<'a> Context<'a> {
    /// Finds out whom a call acts for: a service provider names the brand, a brand that calls
    /// directly does not.
    pub(super) fn of(call: &'a Call, named: Option<&'a str>) -> Result<Self, Refused> {
        let rules = &call.settings.brand;
        let own = call
            .account
            .brand_id
            .as_deref()
            .ok_or(Rule::BrandUnauthorized)?;
        let brand = named.unwrap_or(own);
        if brand != own {
            return Err(match rules.unauthorized_brand {
                UnauthorizedBrand::NoAuth => Rule::BrandUnauthorized,
                UnauthorizedBrand::InvalidRequest => Rule::BrandInvalid,
            }
            .into());
        }
        Ok(Self {
            brand,
            appid: call.account.appid.as_deref(),
            now: call.now,
            rules,
        })
    }

    /// The same for the calls that need the membership feature.
    pub(super) fn with_membership(call: &'a Call, named: Option<&'a str>) -> Result<Self, Refused> {
        let context = Self::of(call, named)?;
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
