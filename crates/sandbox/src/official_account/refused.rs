//! Every refusal of the official-account family: one table of codes and texts.

use std::borrow::Cow;

use kabao_models::{Operation, Personal};

use crate::trail::Complaint;

/// Why a request or a user action is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Something that the catalogue rules out.
    Internal,
    /// The token was replaced, or nobody issued it.
    TokenNotLatest,
    /// `grant_type` is not `client_credential`.
    GrantType,
    /// The openid cannot be one, or may not have the card.
    Openid,
    /// No account has the AppID.
    Appid,
    /// The token has not the form of one.
    TokenMalformed,
    /// A file is none of the pictures that are taken.
    FileType,
    /// A picture is too large.
    ImageSize,
    /// The content of a change or of a QR request is wrong.
    ActionInfo,
    /// Nobody holds a card under this code.
    Code,
    /// The path leads nowhere.
    Path,
    /// The card is not a membership card.
    CardType,
    /// The way in which the code is shown is unknown.
    CodeType,
    /// No card has this id.
    CardId,
    /// The encrypted code was not made for this account.
    EncryptCode,
    /// The state of the card does not allow this.
    CardStatus,
    /// A moment is wrong.
    Time,
    /// The code was redeemed.
    Redeemed {
        /// The card.
        card_id: String,
        /// The code.
        code: Personal,
    },
    /// The end of a range lies before its beginning, or the range would shrink.
    TimeRange,
    /// The code is malformed, or taken.
    CodeForm,
    /// The stock would be negative, too large, or larger than the number of imported codes.
    Stock,
    /// More than three of points, balance and custom fields are shown.
    Slots,
    /// What a page passes on is not signed as it should be.
    CardExt,
    /// The AppSecret is wrong.
    Secret,
    /// The user card is deleted, gifted away for now, invalidated or expired.
    UserCardStatus,
    /// A text hit the spam filter.
    Spam,
    /// The caller's IP is not on the list.
    CallerIp,
    /// The AppSecret is frozen.
    SecretFrozen,
    /// The token is missing.
    TokenMissing,
    /// The AppID is missing.
    AppidMissing,
    /// The AppSecret is missing.
    SecretMissing,
    /// The form has no file.
    MediaMissing,
    /// A required member is missing.
    Missing(Cow<'static, str>),
    /// `card_id` is missing.
    CardIdMissing,
    /// The token's time is over.
    TokenExpired,
    /// The operation wants GET.
    GetRequired,
    /// The operation wants POST.
    PostRequired,
    /// The account has no WeChat Pay.
    PayPermission,
    /// The card has no store.
    Store,
    /// The account may not bring its own codes.
    CustomCodes,
    /// The account may not use stored value.
    StoredValue,
    /// A POST without a body.
    EmptyBody,
    /// The calls of the day are used up.
    DailyQuota,
    /// The calls of the minute are used up.
    MinuteQuota,
    /// A text is too long.
    TooLong(Cow<'static, str>),
    /// Another account made the card.
    CardForeign,
    /// No stock is left.
    SoldOut,
    /// The user has as many of these cards as the card allows.
    ClaimLimit,
    /// The body is not JSON, has `null` in it or a value of the wrong kind.
    Body(Cow<'static, str>),
    /// The account may not use the card interfaces.
    Unauthorised,
    /// The account is banned.
    Banned,
    /// A picture does not come from WeChat's servers.
    Picture,
    /// A date is not `YYYY-MM-DD`.
    DateFormat,
    /// A range of days is too long, reversed or not over yet.
    DateRange,
    /// None of the merchant numbers is bound to the account.
    MerchantNotBound,
    /// The IP waits for the administrator's confirmation.
    RiskyIp,
    /// A setting chose the code, because the documents have none.
    Chosen {
        /// The code.
        errcode: i64,
        /// What happened.
        errmsg: &'static str,
    },
    /// A user cannot do this now. Never reaches an API caller.
    Action(&'static str),
    /// A user left out these required fields. Never reaches an API caller.
    FormIncomplete(String),
}

impl Refused {
    /// The table: code and text of every refusal.
    const fn row(&self) -> (i64, &'static str) {
        match self {
            Self::Internal | Self::Action(_) | Self::FormIncomplete(_) => (-1, "system error"),
            Self::TokenNotLatest => (
                40001,
                "invalid credential, access_token is invalid or not latest",
            ),
            Self::GrantType => (40002, "invalid grant_type"),
            Self::Openid => (40003, "invalid openid"),
            Self::Appid => (40013, "invalid appid"),
            Self::FileType => (40005, "invalid file type"),
            Self::ImageSize => (40009, "invalid image size"),
            Self::TokenMalformed => (40014, "invalid access_token"),
            Self::ActionInfo => (40053, "invalid actioninfo, please check document"),
            Self::Code => (40056, "invalid serial code"),
            Self::Path => (40066, "invalid url"),
            Self::CardType => (40071, "invalid card type"),
            Self::CodeType => (40072, "invalid code type"),
            Self::CardId => (40073, "invalid card id"),
            Self::EncryptCode => (40075, "invalid encrypt code"),
            Self::CardStatus => (40078, "invalid card status"),
            Self::Time => (40079, "invalid time"),
            Self::CardExt => (40080, "invalid cardext"),
            Self::Redeemed { .. } => (40099, "invalid code, this code has consumed"),
            Self::TimeRange => (40100, "invalid timestamp range"),
            Self::CodeForm => (40116, "invalid code"),
            Self::Stock => (40122, "invalid card quantity"),
            Self::Slots => (40124, "custom field, bonus and balance exceed three"),
            Self::Secret => (40125, "invalid appsecret"),
            Self::UserCardStatus => (
                40127,
                "invalid user-card status! the card was given to user, but may be deleted or set unavailable",
            ),
            Self::Spam => (40151, "card info refused by spam filter"),
            Self::CallerIp => (40164, "invalid ip, not in whitelist"),
            Self::SecretFrozen => (40243, "appsecret is frozen"),
            Self::TokenMissing => (41001, "access_token missing"),
            Self::AppidMissing => (41002, "appid missing"),
            Self::SecretMissing => (41004, "appsecret missing"),
            Self::MediaMissing => (41005, "media data missing"),
            Self::Missing(_) => (
                41011,
                "missing required fields! please check document and request json",
            ),
            Self::CardIdMissing => (41012, "missing cardid! please check document"),
            Self::TokenExpired => (42001, "access_token expired"),
            Self::GetRequired => (43001, "require GET method"),
            Self::PostRequired => (43002, "require POST method"),
            Self::PayPermission => (43008, "require biz pay auth"),
            Self::CustomCodes => (43009, "can not use custom code, need authorize"),
            Self::StoredValue => (43010, "can not use balance, need authorize"),
            Self::Store => (43017, "require location id"),
            Self::EmptyBody => (44002, "empty post data"),
            Self::DailyQuota => (45009, "reach max api daily quota limit"),
            Self::MinuteQuota => (
                45011,
                "api minute-quota reach limit, must slower, retry next minute",
            ),
            Self::TooLong(_) => (45021, "field length is over limit"),
            Self::CardForeign => (45030, "this cardid is not authorised to this account"),
            Self::SoldOut => (45031, "card stock is 0"),
            Self::ClaimLimit => (45033, "user has reached the get limit of the card"),
            Self::Body(_) => (47001, "data format error"),
            Self::Unauthorised => (48001, "api unauthorized"),
            Self::Banned => (
                48004,
                "api forbidden for irregularities, view detail on mp.weixin.qq.com",
            ),
            Self::Picture => (52000, "pic is not from cdn"),
            Self::DateFormat => (61500, "date format error"),
            Self::DateRange => (61501, "date range error"),
            Self::MerchantNotBound => (72002, "mchid is not bind appid"),
            Self::RiskyIp => (89503, "this ip needs the confirmation of the administrator"),
            Self::Chosen { errcode, errmsg } => (*errcode, errmsg),
        }
    }

    /// Returns the code.
    pub(crate) const fn errcode(&self) -> i64 {
        self.row().0
    }

    /// Returns the documented text alone.
    pub(crate) const fn text(&self) -> &'static str {
        self.row().1
    }

    /// Returns the member that a rule blames, and what it expects of it.
    pub(crate) fn complaint(&self) -> Option<Complaint> {
        let pointer = |member: &str| crate::pointer::of_field(member);
        Some(match self {
            Self::Missing(member) => Complaint::new(pointer(member), "is required"),
            Self::CardIdMissing => Complaint::new("/card_id", "is required"),
            Self::TooLong(member) => Complaint::new(pointer(member), "is too long"),
            Self::Body(text) => match text.strip_suffix(" is null") {
                Some(member) => Complaint::new(pointer(member), "must not be null"),
                None if text.contains(' ') => Complaint::new("", text.as_ref()),
                None => Complaint::new(pointer(text), "has a value that is not allowed here"),
            },
            Self::Slots => Complaint::new(
                "/card/member_card",
                "may show at most three of bonus, balance and custom fields",
            ),
            Self::Picture => Complaint::new(
                "/card/member_card",
                "must name pictures that an upload to WeChat returned",
            ),
            Self::Time => Complaint::new("date_info", "must hold moments that fit its type"),
            Self::TimeRange => Complaint::new(
                "date_info",
                "must end after it begins, and may only become longer",
            ),
            Self::Stock => Complaint::new("quantity", "must stay within the stock's bounds"),
            Self::DateFormat => Complaint::new("begin_date, end_date", "must be YYYY-MM-DD"),
            Self::DateRange => Complaint::new(
                "begin_date, end_date",
                "must be at most 62 days in order, and over",
            ),
            Self::CodeForm => Complaint::new("/code", "must be a free code of 1 to 20 characters"),
            Self::EmptyBody => Complaint::new("", "must not be empty"),
            _ => return None,
        })
    }

    /// Returns the text without its trace id. It names members, never values.
    pub(crate) fn errmsg(&self) -> Cow<'static, str> {
        let (_, text) = self.row();
        match self {
            Self::Missing(member) | Self::TooLong(member) | Self::Body(member)
                if !member.is_empty() =>
            {
                format!("{text}: {member}").into()
            }
            Self::Action(text) => (*text).into(),
            Self::FormIncomplete(fields) => {
                format!("required fields of the form are missing: {fields}").into()
            }
            _ => text.into(),
        }
    }

    /// Returns the same refusal in the words of an operation: a code that its table lacks is
    /// replaced by the nearest one that it has.
    pub(crate) fn fitted(self, operation: &Operation) -> Self {
        if lists(operation, self.errcode()) {
            return self;
        }
        let nearest = match &self {
            Self::CardForeign | Self::CardStatus => Self::CardId,
            Self::CardIdMissing => Self::Missing("card_id".into()),
            Self::Missing(member) => Self::Body(member.clone()),
            Self::TooLong(member) => Self::Body(member.clone()),
            Self::Code => Self::CodeForm,
            Self::TimeRange => Self::Time,
            Self::CustomCodes => Self::CardStatus,
            _ => return self,
        };
        if lists(operation, nearest.errcode()) {
            nearest
        } else {
            self
        }
    }
}

/// Tells whether the documented table of an operation has a code.
pub(crate) fn lists(operation: &Operation, errcode: i64) -> bool {
    operation
        .errors()
        .any(|row| row.code.parse() == Ok(errcode))
}

#[cfg(test)]
mod tests;
