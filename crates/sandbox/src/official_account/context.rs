//! What a command knows besides its content.

use jiff::Timestamp;

use crate::serve::{Call, Remarks};
use crate::settings::OfficialAccount;

/// Who asks, when, and under which settings.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The AppID of the caller; for user actions that of the card's account.
    pub(crate) appid: &'a str,
    /// Unix seconds.
    pub(crate) now: i64,
    pub(crate) rules: &'a OfficialAccount,
    /// Absent for user actions.
    pub(crate) remarks: Option<&'a Remarks>,
}

impl<'a> Context<'a> {
    /// Makes the context of a command.
    pub(crate) fn new(appid: &'a str, now: Timestamp, rules: &'a OfficialAccount) -> Self {
        Self {
            appid,
            now: now.as_second(),
            rules,
            remarks: None,
        }
    }

    /// Makes the context of a request.
    pub(crate) fn of(call: &'a Call) -> Self {
        // The token has seen to it that the account has an AppID.
        let appid = call.account.appid.as_deref().unwrap_or_default();
        Self {
            remarks: Some(&call.remarks),
            ..Self::new(appid, call.now, &call.settings.official_account)
        }
    }

    /// Remarks on something that is accepted.
    pub(super) fn remark(&self, remark: &str) {
        if let Some(remarks) = self.remarks {
            remarks.add(remark);
        }
    }
}
