//! What only accounts of the merchant family can be asked for.

use kabao_models::merchant::UserInformation;

use crate::described::described;
use crate::merchant::User;

described! {
    /// A user scans a QR code or follows a token.
    pub(in crate::control) struct OpenLink {
        /// The URL of the QR code or the `permission_token`.
        pub(in crate::control) link: String,
        /// Who opens it.
        pub(in crate::control) user: User,
        /// For `REAL_TIME`, the code that the merchant will give.
        pub(in crate::control) code: Option<String>,
        /// What the user filled in.
        pub(in crate::control) user_information: Option<UserInformation>,
    }
}

described! {
    /// A user opens a card in the merchant's mini program, which has to activate it.
    pub(in crate::control) struct StartActivation {
        /// The template.
        pub(in crate::control) card_id: String,
        /// Who opens it.
        pub(in crate::control) user: User,
        /// For `REAL_TIME`, the code that the merchant will give.
        pub(in crate::control) code: Option<String>,
        /// What the scene of the link says.
        pub(in crate::control) outer_str: Option<String>,
        /// What the user filled in.
        pub(in crate::control) user_information: Option<UserInformation>,
    }
}

described! {
    /// A user fills in the form of a card.
    pub(in crate::control) struct SubmitForm {
        /// The template.
        pub(in crate::control) card_id: String,
        /// The member's code.
        pub(in crate::control) code: String,
        /// What the user filled in.
        pub(in crate::control) user_information: UserInformation,
    }
}

described! {
    /// A user paid the merchant.
    pub(in crate::control) struct Payment {
        /// Who paid; this, `phone_number` or both.
        pub(in crate::control) openid: Option<String>,
        /// The number of who paid.
        pub(in crate::control) phone_number: Option<String>,
        /// When, RFC 3339; now if absent.
        pub(in crate::control) at: Option<String>,
    }
}

described! {
    /// WeChat shows the reminder to a registered member.
    pub(in crate::control) struct Remind {
        /// The template.
        pub(in crate::control) card_id: String,
        /// The number that is registered.
        pub(in crate::control) phone_number: String,
    }
}
