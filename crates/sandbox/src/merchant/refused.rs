//! Every business refusal of the merchant family, with what the service says.
//!
//! Nearly all have the code `INVALID_REQUEST`: upstream, too, only the message tells them apart.

use serde_json::Value;

use crate::refusal::{Detail, Refusal};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A row of the table.
    Rule(Rule),
    /// A member is required under a condition that holds.
    Required(&'static str),
    /// A member has a value that the rules exclude.
    Value {
        /// Its path.
        field: &'static str,
        /// What is wrong, in English.
        issue: &'static str,
        /// The value; empty where it is personal.
        value: Value,
    },
    /// The request number was used before.
    NumberUsed,
    /// The request number is longer than the settings let it be.
    NumberTooLong {
        /// How long it may be, in characters.
        limit: usize,
    },
    /// The same as a row of the table, said as a missing resource: 404.
    NotFound(Rule),
    /// Something that the catalogue rules out.
    Internal,
}

impl Refused {
    /// Refuses the value of a member.
    pub(super) fn value(field: &'static str, issue: &'static str, value: impl Into<Value>) -> Self {
        Self::Value {
            field,
            issue,
            value: value.into(),
        }
    }
}

impl From<Rule> for Refused {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $chinese:literal, $english:literal;)*) => {
        /// A rule that a command broke: 400 `INVALID_REQUEST` unless [`Rule::answer`] says
        /// otherwise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            fn texts(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($chinese, $english),)*
                }
            }
        }
    };
}

rules! {
    // Templates.
    /// No such template.
    CardIdInvalid = "card_id不合法", "card_id is not valid";
    /// Another merchant number created the template.
    NotOwner = "调用商户号与创建会员卡的商户号不一致",
        "the calling merchant number is not the merchant number that created the card";
    /// The template is an old public-platform card.
    NotUpgraded = "该会员卡为公众平台会员卡，请先升级",
        "the card is still an old public-platform card and must be upgraded first";
    /// The template is no old public-platform card any more; seen in a developer forum.
    AlreadyUpgraded = "该会员卡已迁移", "the card was already migrated";
    /// The template was deleted.
    CardDeleted = "会员卡已删除", "the card was deleted";
    /// The template is not approved, so that nobody can receive it.
    CardNotApproved = "会员卡未通过审核", "the card is not approved";
    /// No stock is left.
    OutOfStock = "会员卡库存不足", "no stock is left";
    /// The AppID is not a service account.
    NotServiceAccount = "appid不是服务号的appid", "the AppID is not that of a service account";
    /// `SYSTEM_ALLOCATE` cannot be left.
    CodeModeFixed = "code_mode不可修改，当前为SYSTEM_ALLOCATE",
        "code_mode cannot be changed: it is SYSTEM_ALLOCATE";
    /// `SYSTEM_ALLOCATE` cannot be entered.
    CodeModeNotSystem = "code_mode不可修改为SYSTEM_ALLOCATE",
        "code_mode cannot be changed to SYSTEM_ALLOCATE";
    /// The other two modes cannot be swapped.
    CodeModesSwapped = "code_mode不可修改", "code_mode cannot be changed";
    /// Codes are deposited for `MERCHANT_DEPOSIT` only.
    CodeModeNotDeposit = "code_mode不是MERCHANT_DEPOSIT，不支持导入code",
        "codes can be deposited for cards in MERCHANT_DEPOSIT code mode only";
    /// The mini program of the stored-value entry has no path.
    BalancePathEmpty = "储值小程序path为空", "the path of the stored-value mini program is empty";
    /// The mini program of the bonus link has no path.
    BonusPathEmpty = "积分跳转path为空", "the path of the bonus-points link is empty";
    /// The template has no stored-value section.
    NoBalanceSection = "会员卡未开通储值", "the template has no stored-value section";
    /// The template has no bonus section.
    NoBonusSection = "会员卡未开通积分权益，请先开通",
        "the card has no bonus-points benefit; open it with the template rights operation first";

    // Links and activation.
    /// `REAL_TIME` templates are not distributed by QR code.
    QrcodeRealTime = "REAL_TIME模式的会员卡不支持二维码投放",
        "distribution by QR code does not support cards in REAL_TIME code mode";
    /// `REAL_TIME` templates are not distributed from web pages.
    TokenRealTime = "REAL_TIME模式的会员卡不支持网页投放",
        "distribution from web pages does not support cards in REAL_TIME code mode";
    /// The link of a QR code could not be made.
    QrLinkFailed = "二维码链接生成失败，请使用相同参数重试",
        "the QR code link could not be generated; retry with the same parameters";
    /// A link or token is unknown, used up or too old.
    LinkInvalid = "投放链接无效或已过期", "the link or token is unknown, used or expired";
    /// An `encrypt_code` is unknown, used up or too old.
    EncryptCodeInvalid = "encrypt_code无效或已过期", "encrypt_code is unknown, used or expired";
    /// An `activate_ticket` is unknown, used up or too old.
    TicketInvalid = "activate_ticket无效或已过期", "activate_ticket is unknown, used or expired";
    /// A form answer does not belong to the form of the template.
    FormAnswerUnknown = "填写的信息不在会员卡表单中", "an answer does not belong to the form of the card";
    /// The form of the template cannot be changed after activation.
    FormFixed = "激活后不可修改信息", "the form cannot be changed after activation";

    // User cards.
    /// No member has the code.
    CodeNotExist = "code不存在", "the code does not exist";
    /// The code is taken.
    CodeTaken = "code已被使用", "the code is taken";
    /// A `REAL_TIME` card needs a code, a `MERCHANT_DEPOSIT` one a deposited code.
    CodeMissing = "code_mode为REAL_TIME时缺少code",
        "the card is in REAL_TIME code mode and no code was given";
    /// The code was not deposited.
    CodeNotDeposited = "code未导入", "the code was not deposited or is in use";
    /// The user has the card already.
    AlreadyReceived = "用户已领取该会员卡", "the member already received this card";
    /// The user did not pay within a year.
    NoPayment = "用户一年内在该商户无微信支付交易，请更换手机号",
        "the member made no WeChat Pay payment with this merchant within one year and cannot be imported";
    /// The number was never imported.
    PhoneMemberUnknown = "手机号未导入", "the phone number was not imported";
    /// The user deleted the card.
    UserCardDeleted = "用户会员卡无效：用户已删除，需先恢复",
        "the user card is not valid: the user deleted it; it must be restored first";
    /// The user card is expired.
    UserCardExpired = "用户会员卡无效：已过期", "the user card is not valid: it has expired";
    /// The merchant made the user card unavailable.
    UserCardUnavailable = "用户会员卡无效：已失效",
        "the user card is not valid: it was made unavailable";
    /// The user card does not wait for an activation.
    NotWaiting = "用户会员卡不是待激活状态", "the user card does not wait for an activation";
    /// The user card is not deleted.
    NotDeleted = "用户会员卡未被删除", "the user card is not deleted";
    /// The user card was confirmed with another result.
    AlreadyConfirmed = "开卡结果已确认", "another result was confirmed for the user card before";
    /// The caller is no service provider.
    ConfirmNotOpen = "仅服务商可确认开卡结果", "only service providers can confirm the result";

    // After-payment points.
    /// The merchant number has not the form of one.
    MerchantNumberInvalid = "商户号不合法", "the merchant number is not valid";
    /// The merchant number is not bound to the brand.
    MerchantNotBound = "商户号与会员卡品牌未绑定",
        "the merchant number is not bound to the brand of the card";
    /// Other points were announced for the order.
    OrderAnnounced = "该订单已预通知积分", "other points were announced for the order before";
    /// No points were announced for the order.
    OrderUnknown = "该订单未预通知积分", "no points were announced for the order";

    // Service items.
    /// The service item is on the template already.
    ServiceAlreadyAdded = "会员卡已添加该服务项，请使用修改接口",
        "the service item was already added to the card; use the modify operation";
    /// No such service item.
    ServiceUnknown = "服务项ID不存在", "the service item ID does not exist";
    /// The brand may not use the service item.
    ServiceNotGranted = "品牌无权限使用该服务项",
        "the brand has no permission to use this service item";
    /// The service item is not on the template.
    ServiceNotAdded = "会员卡未添加该服务项，不可设置用户数据",
        "the service item was not added to the card, so no user data can be set";
    /// The service item has no such state.
    ServiceStateUnknown = "状态不在服务项模板中",
        "the state is not part of the template of the service item";
    /// The state has no such field.
    ServiceFieldUnknown = "内容字段不在服务项模板中",
        "a content field is not part of the template of the service item";
    /// The service item has no such message.
    ServiceMessageUnknown = "消息模板ID错误", "the message template ID is wrong";
    /// A field of the message is empty.
    ServiceMessageEmpty = "消息模板部分字段值为空",
        "some field values of the message template are empty";
    /// The setting contradicts itself: 400 `PARAM_ERROR`.
    ServiceSettingWrong = "服务设置参数错误", "the parameters of the service setting are wrong";

    // Activities.
    /// The creator may not give the coupon stock.
    StockNotAuthorized = "活动创建方无该商家券批次的发放权限",
        "the activity creator is not authorized to give coupons of this merchant-coupon stock";
    /// A merchant number that exposes the activity is not bound to the brand.
    ExposingNotBound = "活动曝光商户号与会员卡品牌未绑定",
        "a merchant number that exposes the activity is not bound to the brand of the card";
    /// The creator is not bound to the brand.
    CreatorNotBound = "活动创建方与会员卡品牌未绑定",
        "the activity creator is not bound to the brand of the card";
    /// `REAL_TIME` templates have no activities.
    ActivityRealTime = "不支持REAL_TIME模式的会员卡", "cards in REAL_TIME code mode are not supported";
    /// The caller has no such activity.
    ActivityUnknown = "activity_id不合法", "activity_id is not valid";
    /// The activity was terminated before.
    ActivityTerminated = "活动已终止", "the activity was terminated before";
    /// The activity is over.
    ActivityOver = "活动已结束", "the activity is over";

    // Pictures.
    /// The file is empty: 400 `PARAM_ERROR`.
    ImageEmpty = "图片文件为空", "the image file is empty";
    /// The file is too large: 400 `PARAM_ERROR`.
    ImageTooLarge = "图片大小不能超过2M", "the image is larger than 2 MB";
    /// The file is no picture that is taken: 403 `REQUEST_BLOCKED`.
    ImageType = "图片格式错误，只支持JPG、BMP、PNG", "the image is not JPG, BMP or PNG";
    /// The digest is that of another file: 403 `REQUEST_BLOCKED`.
    ImageMismatch = "图片与meta信息不一致", "meta does not match the file";

    // Callback.
    /// No callback was ever set.
    CallbackUnset = "未设置回调地址", "no callback was set";
}

impl Rule {
    /// Returns status and code.
    fn answer(self) -> (u16, &'static str) {
        match self {
            Self::QrLinkFailed => (500, "SYSTEM_ERROR"),
            Self::ServiceSettingWrong | Self::ImageEmpty | Self::ImageTooLarge => {
                (400, "PARAM_ERROR")
            }
            Self::ImageType | Self::ImageMismatch => (403, "REQUEST_BLOCKED"),
            _ => (400, "INVALID_REQUEST"),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Rule(rule) => {
                let ((status, code), (chinese, english)) = (rule.answer(), rule.texts());
                Self::new(status, code, chinese, english)
            }
            Refused::NumberUsed => Self::parameter(
                "商户请求单号out_request_no重复",
                "out_request_no was used before with other content",
                Detail::body("out_request_no", Value::from(""), "repeated out_request_no"),
            ),
            Refused::NumberTooLong { limit } => Self::parameter(
                format!(
                    "输入源“/body/out_request_no”映射到字段“商户请求单号”字符串规则校验失败，大于最大值 {limit}"
                ),
                format!("out_request_no is longer than {limit} characters"),
                Detail::body("out_request_no", Value::from(""), "is too long"),
            ),
            Refused::Required(field) => Self::parameter(
                format!("输入源“/body/{field}”必填性规则校验失败，此字段为必填项"),
                format!("{field} is required"),
                Detail::body(field, Value::from(""), "is required"),
            ),
            Refused::Value {
                field,
                issue,
                value,
            } => Self::parameter(
                format!("输入源“/body/{field}”校验失败：{issue}"),
                format!("{field}: {issue}"),
                Detail::body(field, value, issue),
            ),
            Refused::NotFound(rule) => {
                let (chinese, english) = rule.texts();
                Self::new(404, "RESOURCE_NOT_EXISTS", chinese, english)
            }
            Refused::Internal => Self::system_error(),
        }
    }
}

#[cfg(test)]
mod tests;
