//! The demo data of the sandbox, as far as the banner names it.

/// One demo account with a template and a member.
#[derive(Debug)]
pub(super) struct Demo {
    pub(super) account: &'static str,
    pub(super) card_id: &'static str,
    pub(super) code: &'static str,
    /// Needed by the brand family only.
    pub(super) openid: Option<&'static str>,
}

/// The identifiers are those of WeChat's own examples.
pub(super) const ACCOUNTS: [Demo; 4] = [
    Demo {
        account: "demo-merchant",
        card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0",
        code: "478515832665",
        openid: None,
    },
    Demo {
        account: "demo-brand",
        card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0",
        code: "478515832665",
        openid: Some("obLatjnx9gnqzS4myYGmLZ7LgLBA"),
    },
    // The same brand without a service provider: both see one state.
    Demo {
        account: "demo-brand-direct",
        card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0",
        code: "478515832665",
        openid: Some("obLatjnx9gnqzS4myYGmLZ7LgLBA"),
    },
    Demo {
        account: "demo-official-account",
        card_id: "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
        code: "916679873278",
        openid: None,
    },
];
