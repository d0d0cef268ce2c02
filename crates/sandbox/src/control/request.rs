//! What the control API can be asked for, as the bodies of its requests.

pub(super) mod brand;
pub(super) mod merchant;
pub(super) mod official_account;

use crate::described::described;
use crate::keys::KeyPhase;

described! {
    /// A user takes a card.
    pub(super) struct Claim {
        /// The account whose card it is.
        pub(super) account: String,
        /// The template.
        pub(super) card_id: String,
        /// Who takes the card.
        pub(super) openid: String,
        /// The code; without one the family's rules give it.
        pub(super) code: Option<String>,
        /// The user's number, where the family knows it.
        pub(super) phone_number: Option<String>,
        /// False to leave the card waiting for the merchant; true if absent.
        #[serde(default = "yes")]
        pub(super) activated: bool,
    }
}

fn yes() -> bool {
    true
}

described! {
    /// One member of one account.
    pub(super) struct Member {
        /// The account whose card it is.
        pub(super) account: String,
        /// The template.
        pub(super) card_id: String,
        /// The member's code.
        pub(super) code: String,
    }
}

described! {
    /// One member, where the path names the account.
    pub(super) struct Card {
        /// The template.
        pub(super) card_id: String,
        /// The member's code.
        pub(super) code: String,
    }
}

described! {
    /// One template of one account.
    pub(super) struct Template {
        /// The account whose template it is.
        pub(super) account: String,
        /// The template.
        pub(super) card_id: String,
    }
}

described! {
    /// How the clock moves: by or to.
    pub(super) struct Move {
        /// By so much; negative for back.
        pub(super) advance_seconds: Option<i64>,
        /// To this moment, RFC 3339 or Unix seconds as text.
        pub(super) set: Option<String>,
    }
}

described! {
    /// What else than data, settings, faults, records and clock returns to the start.
    pub(super) struct Reset {
        /// The keys that every account had when it came.
        #[serde(default)]
        pub(super) keys: bool,
        /// No accounts but those of the start.
        #[serde(default)]
        pub(super) accounts: bool,
    }
}

described! {
    /// An account of one's own. Numbers and secrets that are not given are made.
    pub(super) struct NewAccount {
        /// Its name.
        pub(super) name: String,
        /// Its family, and for brands whether a service provider calls or the brand itself.
        pub(super) family: NewFamily,
        /// The merchant number; merchants and service providers of a brand.
        pub(super) mchid: Option<String>,
        /// The number of the brand; brands only.
        pub(super) brand_id: Option<String>,
        /// The AppID.
        pub(super) appid: Option<String>,
        /// The secret of WeChat Pay; not for official accounts.
        pub(super) apiv3_key: Option<String>,
        /// The secret of an official account.
        pub(super) app_secret: Option<String>,
        /// A certificate whose private key stays with the caller.
        pub(super) certificate_pem: Option<String>,
        /// A public key whose private half stays with the caller; a certificate is issued for it.
        pub(super) public_key_pem: Option<String>,
    }
}

described! {
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) words enum NewFamily {
        Merchant = "merchant",
        Brand = "brand",
        BrandDirect = "brand_direct" or "brand-direct",
        OfficialAccount = "official_account" or "official-account",
    }
}

described! {
    /// How an account stands; what is absent stays.
    pub(super) struct Standing {
        /// Whether the account has the product permission.
        pub(super) permitted: Option<bool>,
        /// Which of its keys WeChat Pay signs answers with.
        pub(super) key_phase: Option<KeyPhase>,
    }
}

described! {
    /// A new key of an account.
    pub(super) struct Rotate {
        /// The account.
        pub(super) account: String,
        /// `platform_certificate`: a new one beside the old one; `sign_with_newest`: the newest
        /// platform certificate signs from now on; `public_key`: a new one of WeChat Pay in place of
        /// the old one; `client_certificate`: a new one of the account beside the old one.
        pub(super) key: RotatedKey,
        /// Whether a new platform certificate signs at once; true if absent.
        pub(super) signs: Option<bool>,
    }
}

described! {
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) words enum RotatedKey {
        PlatformCertificate = "platform_certificate",
        SignWithNewest = "sign_with_newest",
        PublicKey = "public_key",
        ClientCertificate = "client_certificate",
    }
}

described! {
    /// Certificates of an account.
    pub(super) struct Revoke {
        /// The account.
        pub(super) account: String,
        /// The certificate; all of the account if absent.
        pub(super) serial_no: Option<String>,
    }
}
