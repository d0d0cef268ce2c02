//! What only official accounts can be asked for.

use kabao_models::official_account::UserInfo;
use serde_json::Value;

use crate::described::described;

described! {
    /// A claim with everything that this family knows of one.
    pub(in crate::control) struct FullClaim {
        /// The card.
        pub(in crate::control) card_id: String,
        /// Who takes it.
        pub(in crate::control) openid: String,
        /// The user's name.
        pub(in crate::control) nickname: Option<String>,
        /// The code; without one the card's rules give it.
        pub(in crate::control) code: Option<String>,
        /// What the scene says.
        pub(in crate::control) outer_str: Option<String>,
        /// The ticket of the QR code that the user scanned.
        pub(in crate::control) qr_ticket: Option<String>,
        /// `cardExt` of `wx.addCard`, as the text that the page passed on or as an object.
        pub(in crate::control) card_ext: Option<Value>,
    }
}

described! {
    pub(in crate::control) struct Nothing {}
}

described! {
    /// A friend takes a gift.
    pub(in crate::control) struct Acceptance {
        /// The card.
        pub(in crate::control) card_id: String,
        /// The member's code.
        pub(in crate::control) code: String,
        /// Who takes it.
        pub(in crate::control) friend_openid: String,
    }
}

described! {
    /// A user fills in the form of a card.
    pub(in crate::control) struct Form {
        /// The card.
        pub(in crate::control) card_id: String,
        /// The member's code.
        pub(in crate::control) code: String,
        /// What the user filled in.
        pub(in crate::control) user_info: UserInfo,
    }
}

described! {
    /// A user pays.
    pub(in crate::control) struct Paid {
        /// The merchant number that is paid.
        pub(in crate::control) mchid: String,
        /// Who pays.
        pub(in crate::control) openid: String,
        /// How much, in fen; positive.
        pub(in crate::control) fee: i64,
        /// Whether the user takes the card that the payment offers; false if absent.
        #[serde(default)]
        pub(in crate::control) joins: bool,
    }
}

described! {
    /// One card of the account.
    pub(in crate::control) struct OneCard {
        /// The card.
        pub(in crate::control) card_id: String,
    }
}
