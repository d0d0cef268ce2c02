//! The demo data of the sandbox: the identifiers of WeChat's own examples.

/// One demo account with a template and a member.
pub(crate) struct Demo {
    pub(crate) account: &'static str,
    pub(crate) card_id: &'static str,
    pub(crate) code: &'static str,
    /// Needed by the brand family only, empty for the others.
    pub(crate) openid: &'static str,
}

pub(crate) const MERCHANT: Demo = Demo {
    account: "demo-merchant",
    card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0",
    code: "478515832665",
    openid: "",
};

pub(crate) const BRAND: Demo = Demo {
    account: "demo-brand",
    card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0",
    code: "478515832665",
    openid: "obLatjnx9gnqzS4myYGmLZ7LgLBA",
};

/// The brand of [`BRAND`] without a service provider.
pub(crate) const BRAND_DIRECT: Demo = Demo {
    account: "demo-brand-direct",
    ..BRAND
};

pub(crate) const BRAND_ID: &str = "1004";

pub(crate) const OFFICIAL_ACCOUNT: Demo = Demo {
    account: "demo-official-account",
    card_id: "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
    code: "916679873278",
    openid: "",
};

/// The second card of [`OFFICIAL_ACCOUNT`], for messages to advertise.
pub(crate) const ADVERTISED_CARD: &str = "p1Pj9jr90_SQRaVqYI239Ka1erkI";

pub(crate) const ALL: [&Demo; 3] = [&MERCHANT, &BRAND, &OFFICIAL_ACCOUNT];

impl Demo {
    /// `accounts/{account}`
    pub(crate) fn account(&self) -> String {
        format!("accounts/{}", self.account)
    }

    /// The name of the template.
    pub(crate) fn template(&self) -> String {
        format!("accounts/{}/templates/{}", self.account, self.card_id)
    }

    /// The name of the member.
    pub(crate) fn member(&self) -> String {
        format!("{}/members/{}", self.template(), self.code)
    }
}
