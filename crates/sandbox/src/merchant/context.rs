//! What a command knows besides its content.

use jiff::Timestamp;

use crate::account::Account;
use crate::serve::Call;
use crate::settings;

/// Whom a command acts for, when, and by which choices.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The number of the merchant; for an action of a user, of the merchant whose card it is.
    pub(crate) merchant: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) rules: &'a settings::Merchant,
}

impl<'a> Context<'a> {
    /// Makes the context of a call. Authentication has seen to it that there is a number.
    pub(super) fn of(call: &'a Call) -> Self {
        Self::at(&call.account, call.now, &call.settings)
    }

    /// Makes the context of an action of a user or of WeChat's staff.
    pub(crate) fn at(
        account: &'a Account,
        now: Timestamp,
        settings: &'a settings::Settings,
    ) -> Self {
        let merchant = account.mchid.as_deref().unwrap_or_default();
        Self {
            merchant,
            now,
            rules: &settings.merchant,
        }
    }
}
