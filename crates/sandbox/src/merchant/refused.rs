//! Every business refusal of the merchant family, with what the service says.
//!
//! Nearly all have the code `INVALID_REQUEST`: upstream, too, only the message tells them apart.

use serde_json::Value;

use crate::pay::{Detail, Refusal};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No such template.
    CardIdInvalid,
    /// Another merchant number created the template.
    NotOwner,
    /// The template is an old public-platform card.
    NotUpgraded,
    /// The template was deleted.
    CardDeleted,
    /// The template is not approved, so that nobody can receive it.
    CardNotApproved,
    /// No stock is left.
    OutOfStock,
    /// The AppID is not a service account.
    NotServiceAccount,
    /// `SYSTEM_ALLOCATE` cannot be left.
    CodeModeFixed,
    /// `SYSTEM_ALLOCATE` cannot be entered.
    CodeModeNotSystem,
    /// The mini program of the stored-value entry has no path.
    BalancePathEmpty,
    /// No member has the code.
    CodeNotExist,
    /// The code is taken.
    CodeTaken,
    /// A `REAL_TIME` card needs a code, a `MERCHANT_DEPOSIT` one a deposited code.
    CodeMissing,
    /// The user has the card already.
    AlreadyReceived,
    /// The user deleted the card.
    UserCardDeleted,
    /// The user card is expired.
    UserCardExpired,
    /// The merchant made the user card unavailable.
    UserCardUnavailable,
    /// The user card does not wait for an activation.
    NotWaiting,
    /// The request number was used before.
    NumberUsed,
    /// The template has no stored-value section.
    NoBalanceSection,
    /// A member is required under a condition that holds.
    Required(&'static str),
    /// A member has a value that the rules exclude.
    Value {
        /// Its path.
        field: &'static str,
        /// What is wrong, in English.
        issue: &'static str,
        /// The value.
        value: Value,
    },
    /// Something that the catalogue rules out.
    Internal,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let invalid = |chinese, english| Self::new(400, "INVALID_REQUEST", chinese, english);
        match refused {
            Refused::CardIdInvalid => invalid("card_id不合法", "card_id is not valid"),
            Refused::NotOwner => invalid(
                "调用商户号与创建会员卡的商户号不一致",
                "the calling merchant number is not the merchant number that created the card",
            ),
            Refused::NotUpgraded => invalid(
                "该会员卡为公众平台会员卡，请先升级",
                "the card is still an old public-platform card and must be upgraded first",
            ),
            Refused::CardDeleted => invalid("会员卡已删除", "the card was deleted"),
            Refused::CardNotApproved => invalid("会员卡未通过审核", "the card is not approved"),
            Refused::OutOfStock => invalid("会员卡库存不足", "no stock is left"),
            Refused::NotServiceAccount => {
                invalid("appid不是服务号的appid", "the AppID is not that of a service account")
            }
            Refused::CodeModeFixed => invalid(
                "code_mode不可修改，当前为SYSTEM_ALLOCATE",
                "code_mode cannot be changed: it is SYSTEM_ALLOCATE",
            ),
            Refused::CodeModeNotSystem => {
                invalid("code_mode不可修改为SYSTEM_ALLOCATE", "code_mode cannot be changed to SYSTEM_ALLOCATE")
            }
            Refused::BalancePathEmpty => {
                invalid("储值小程序path为空", "the path of the stored-value mini program is empty")
            }
            Refused::CodeNotExist => invalid("code不存在", "the code does not exist"),
            Refused::CodeTaken => invalid("code已被使用", "the code is taken"),
            Refused::CodeMissing => invalid("缺少code", "a code must be given for this code mode"),
            Refused::AlreadyReceived => invalid("用户已领取该会员卡", "the member already received this card"),
            Refused::UserCardDeleted => invalid(
                "用户会员卡无效：用户已删除，需先恢复",
                "the user card is not valid: the user deleted it; it must be restored first",
            ),
            Refused::UserCardExpired => {
                invalid("用户会员卡无效：已过期", "the user card is not valid: it has expired")
            }
            Refused::UserCardUnavailable => {
                invalid("用户会员卡无效：已失效", "the user card is not valid: it was made unavailable")
            }
            Refused::NotWaiting => {
                invalid("用户会员卡不是待激活状态", "the user card does not wait for an activation")
            }
            Refused::NumberUsed => Self::parameter(
                "商户请求单号out_request_no重复",
                "out_request_no was used before with other content",
                Detail::body("out_request_no", Value::from(""), "repeated out_request_no"),
            ),
            Refused::NoBalanceSection => {
                invalid("会员卡未开通储值", "the template has no stored-value section")
            }
            Refused::Required(field) => Self::parameter(
                format!("输入源“/body/{field}”必填性规则校验失败，此字段为必填项"),
                format!("{field} is required"),
                Detail::body(field, Value::from(""), "is required"),
            ),
            Refused::Value { field, issue, value } => Self::parameter(
                format!("输入源“/body/{field}”校验失败：{issue}"),
                format!("{field}: {issue}"),
                Detail::body(field, value, issue),
            ),
            Refused::Internal => Self::system_error(),
        }
    }
}
