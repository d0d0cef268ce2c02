//! The members that everything is about: many, since the gateway changes a member only once at a time, and reads one
//! only once for all who ask at the same time.

use kabao_proto::kabao::brand::v1 as brand;
use kabao_proto::kabao::merchant::v1 as merchant;
use kabao_proto::kabao::v1 as portable;
use prost::Message as _;

/// Its account.
pub(crate) const ACCOUNT: &str = "demo-merchant";
/// The account of a brand, whose operations have a documented rate.
pub(crate) const BRAND: &str = "demo-brand";
/// A member of the brand.
const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
pub(crate) const BRAND_ID: &str = "1004";
pub(crate) const CARD: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
/// Members that calls take turns with.
pub(crate) const MEMBERS: u64 = 256;
/// What a write writes.
pub(crate) const LEVEL: &str = "黄金会员";

/// The bearer token of one of many callers.
pub(crate) fn token(number: usize) -> String {
    format!("bench-caller-{number}")
}

/// The code of the member that a call is about.
pub(crate) fn code(call: u64) -> String {
    format!("{:012}", 100_000_000_000 + call % MEMBERS)
}

/// Path of WeChat's read, and of its write.
pub(crate) fn target(call: u64) -> String {
    format!(
        "/v3/marketing/membercard-open/cards/{CARD}/codes/{}",
        code(call)
    )
}

/// The body of WeChat's write, each with a number of its own.
pub(crate) fn update(number: &str) -> String {
    format!("{{\"level\":\"{LEVEL}\",\"out_request_no\":\"{number}\"}}")
}

/// A request number that nobody has used: the sandbox, like WeChat, answers a used one from memory.
pub(crate) fn request_number(series: u64, call: u64) -> String {
    format!("bench{series:014x}{call:010x}")
}

/// Something that is asked of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `AccountService.GetAccount`: the gateway answers by itself.
    Account,
    /// `MemberService.GetMember`: any family, one read of WeChat.
    PortableRead,
    /// `UserCardService.GetUserCard` of the family: the same read.
    FamilyRead,
    /// The same of a member that is not there, each time of another one, so that no two share an answer.
    UnknownRead,
    /// The read of one member, which all who ask at the same time share.
    SameRead,
    /// `UserCardService.ListUserCards` of a brand, each time of another page: WeChat takes ten a second.
    BrandList,
    /// `UserCardService.UpdateUserCard`: one write.
    Write,
}

impl Question {
    /// The path of the method.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Account => "/kabao.v1.AccountService/GetAccount",
            Self::PortableRead => "/kabao.v1.MemberService/GetMember",
            Self::FamilyRead | Self::UnknownRead | Self::SameRead => {
                "/kabao.merchant.v1.UserCardService/GetUserCard"
            }
            Self::BrandList => "/kabao.brand.v1.UserCardService/ListUserCards",
            Self::Write => "/kabao.merchant.v1.UserCardService/UpdateUserCard",
        }
    }

    /// The message of one of many calls, encoded.
    pub(crate) fn message(self, series: u64, call: u64) -> Vec<u8> {
        let account = format!("accounts/{ACCOUNT}");
        match self {
            Self::Account => portable::GetAccountRequest { name: account }.encode_to_vec(),
            Self::PortableRead => portable::GetMemberRequest {
                name: format!("{account}/templates/{CARD}/members/{}", code(call)),
                ..portable::GetMemberRequest::default()
            }
            .encode_to_vec(),
            Self::FamilyRead => merchant::GetUserCardRequest {
                account,
                card_id: CARD.to_owned(),
                code: code(call),
            }
            .encode_to_vec(),
            Self::UnknownRead => merchant::GetUserCardRequest {
                account,
                card_id: CARD.to_owned(),
                code: format!("{:012}", 900_000_000_000 + call),
            }
            .encode_to_vec(),
            Self::SameRead => Self::FamilyRead.message(series, 0),
            Self::BrandList => brand::ListUserCardsRequest {
                account: format!("accounts/{BRAND}"),
                brand_id: BRAND_ID.to_owned(),
                openid: OPENID.to_owned(),
                offset: i64::try_from(call).ok(),
                limit: 20,
                ..brand::ListUserCardsRequest::default()
            }
            .encode_to_vec(),
            Self::Write => merchant::UpdateUserCardRequest {
                account,
                card_id: CARD.to_owned(),
                code: code(call),
                level: Some(LEVEL.to_owned()),
                out_request_no: request_number(series, call),
                ..merchant::UpdateUserCardRequest::default()
            }
            .encode_to_vec(),
        }
    }
}
