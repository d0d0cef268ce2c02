//! What only accounts of the brand family can be asked for.

use kabao_models::brand::UserInformation;

use crate::described::described;

described! {
    /// A user fills in the form; with a token in the component, without one on the business card.
    pub(in crate::control) struct Joining {
        /// The template.
        pub(in crate::control) card_id: String,
        /// Who joins.
        pub(in crate::control) openid: String,
        /// The token of the component; without one the user joins on the business card.
        pub(in crate::control) token: Option<String>,
        /// The user's number.
        pub(in crate::control) phone_number: Option<String>,
        /// What the user filled in, in clear.
        pub(in crate::control) user_information: Option<UserInformation>,
    }
}

described! {
    /// The card that a user holds.
    pub(in crate::control) struct OfUser {
        /// The template.
        pub(in crate::control) card_id: String,
        /// The holder.
        pub(in crate::control) openid: String,
    }
}

described! {
    /// An order with the card in its `attach`.
    pub(in crate::control) struct PaidOrder {
        /// Who pays.
        pub(in crate::control) openid: String,
        /// The `attach` of the order, as the text that it is.
        pub(in crate::control) attach: String,
    }
}

described! {
    /// A user wants a coupon for points.
    pub(in crate::control) struct PointExchange {
        /// What is exchanged.
        pub(in crate::control) exchange_coupon_template_id: String,
        /// Who asks.
        pub(in crate::control) openid: String,
    }
}

described! {
    /// A user opens the payment code of a card.
    pub(in crate::control) struct PaymentCode {
        /// The token of the account's call.
        pub(in crate::control) token: String,
    }
}

described! {
    /// A user whose AppID or number matters.
    pub(in crate::control) struct Described {
        /// Who.
        pub(in crate::control) openid: String,
        /// The AppID that gave the openid.
        pub(in crate::control) appid: Option<String>,
        /// The user's number.
        pub(in crate::control) phone_number: Option<String>,
    }
}

described! {
    /// How many coupons there are.
    pub(in crate::control) struct Stock {
        /// Of which stock.
        pub(in crate::control) stock_id: String,
        /// How many; not negative.
        pub(in crate::control) available: i64,
    }
}
