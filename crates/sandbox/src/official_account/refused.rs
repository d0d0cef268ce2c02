//! Every refusal of the official-account family. Upstream has one global table; texts are those
//! seen in answers.

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A passing fault of the service.
    Busy,
    /// `grant_type` is not `client_credential`.
    GrantTypeInvalid,
    /// The token is unknown, was revoked or replaced.
    TokenInvalid,
    /// The token has not the form of one.
    TokenMalformed,
    /// The token is over.
    TokenExpired,
    /// There is no token.
    TokenMissing,
    /// No such AppID.
    AppidInvalid,
    /// The AppID is missing.
    AppidMissing,
    /// The AppSecret is wrong.
    SecretInvalid,
    /// The AppSecret is missing.
    SecretMissing,
    /// The calls of the day are used up.
    DailyLimit,
    /// The calls of the minute are used up.
    MinuteLimit,
    /// The account may not use the interface.
    Unauthorised,
    /// No such path.
    PathInvalid,
    /// The path wants GET.
    GetRequired,
    /// The path wants POST.
    PostRequired,
    /// There is no body.
    BodyEmpty,
    /// The body is not the JSON that is wanted.
    BodyInvalid,
    /// A required member is missing.
    FieldMissing,
    /// A text is too long.
    FieldTooLong,
    /// `card_id` is missing.
    CardIdMissing,
    /// No such card.
    CardIdInvalid,
    /// The card belongs to another account.
    CardNotOwned,
    /// The state of the card does not allow it.
    CardStatus,
    /// The card type is wrong.
    CardTypeInvalid,
    /// The code type is wrong.
    CodeTypeInvalid,
    /// Nobody holds the code.
    CodeInvalid,
    /// The state of the member's card does not allow it.
    MemberStatus,
    /// A time is wrong.
    TimeInvalid,
    /// A time range is wrong.
    TimeRange,
    /// More than three value slots.
    TooManySlots,
    /// The account has no stored value.
    NoStoredValue,
    /// The card's codes are custom and not deposited.
    CustomCode,
    /// The picture is not on WeChat's CDN.
    PictureNotOnCdn,
    /// No stock is left.
    OutOfStock,
    /// The user has as many cards as one may have.
    GetLimit,
}

impl Refused {
    /// Returns `errcode` and `errmsg`.
    pub(crate) fn row(self) -> (i64, &'static str) {
        match self {
            Self::Busy => (-1, "system error"),
            Self::TokenInvalid => {
                (40001, "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r")
            }
            Self::GrantTypeInvalid => (40002, "invalid grant_type"),
            Self::AppidInvalid => (40013, "invalid appid"),
            Self::TokenMalformed => (40014, "invalid access_token"),
            Self::CodeInvalid => (40056, "invalid serial code"),
            Self::PathInvalid => (40066, "invalid url"),
            Self::CardTypeInvalid => (40071, "invalid card type"),
            Self::CodeTypeInvalid => (40072, "invalid code type"),
            Self::CardIdInvalid => (40073, "invalid card id"),
            Self::CardStatus => (40078, "invalid card status"),
            Self::TimeInvalid => (40079, "invalid time"),
            Self::TimeRange => (40100, "invalid time range"),
            Self::TooManySlots => (40124, "custom field, bonus and balance exceed limit of three"),
            Self::SecretInvalid => (40125, "invalid appsecret"),
            Self::MemberStatus => (40127, "invalid user-card status! Hint: the card was given to user, but may be deleted or set unavailable"),
            Self::TokenMissing => (41001, "access_token missing"),
            Self::AppidMissing => (41002, "appid missing"),
            Self::SecretMissing => (41004, "appsecret missing"),
            Self::FieldMissing => (41011, "missing required fields! please check document and request json!"),
            Self::CardIdMissing => (41012, "missing cardid"),
            Self::TokenExpired => (42001, "access_token expired"),
            Self::GetRequired => (43001, "require GET method"),
            Self::PostRequired => (43002, "require POST method"),
            Self::CustomCode => (43009, "can not use custom serial code, need authorize"),
            Self::NoStoredValue => (43010, "can not use balance, need authorize"),
            Self::BodyEmpty => (44002, "empty post data"),
            Self::DailyLimit => (45009, "reach max api daily quota limit"),
            Self::MinuteLimit => (45011, "api minute-quota reach limit, must slower, retry next minute"),
            Self::FieldTooLong => (45021, "field exceed length limit, please check wiki doc"),
            Self::CardNotOwned => (45030, "limited cardid, not support this function"),
            Self::OutOfStock => (45031, "needs stock"),
            Self::GetLimit => (45033, "user get card limit exceed"),
            Self::BodyInvalid => (47001, "data format error"),
            Self::Unauthorised => (48001, "api unauthorized"),
            Self::PictureNotOnCdn => (52000, "pic is not from cdn"),
        }
    }
}
