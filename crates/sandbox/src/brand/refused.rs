//! Every business refusal of the brand family, with what the service says.

use serde_json::Value;

use crate::pay::{Detail, Refusal};

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The brand has no such template.
    TemplateNotFound,
    /// Brand, template, openid and code do not belong together.
    MemberNotFound,
    /// The caller does not act for this brand, or the brand has no memberships.
    FeatureOff,
    /// The retired operation is switched off.
    Retired,
    /// The openid has not the form of one.
    OpenidInvalid,
    /// Only effective cards can be operated on.
    NotEffective,
    /// The template is invalid.
    TemplateInvalid,
    /// The user holds or held a card of the template.
    AlreadyMember,
    /// The code is taken.
    CodeTaken,
    /// The template wants a code of the merchant.
    CodeMissing,
    /// The user card does not wait for a confirmation.
    NotWaiting,
    /// A jump object lacks its AppID or its path.
    JumpIncomplete(&'static str),
    /// The AppID of a jump object is not bound to the brand.
    JumpNotBound(&'static str),
    /// A text or picture fails the content review.
    Content(&'static str),
    /// Only `JUMP_MINI_PROGRAM` templates have a jump target of the code.
    CodeJumpFixed,
    /// Stored value is for BALANCE templates.
    NotBalance,
    /// A price is for PURCHASE templates.
    NotPurchase,
    /// The title holds other characters than allowed.
    TitleCharacters,
    /// The kind of validity is missing.
    ValidityTypeMissing,
    /// The kind of validity differs from the template's.
    ValidityType,
    /// A time range needs begin and end.
    RangeIncomplete,
    /// A time range has no number of days.
    RangeWithDays,
    /// A time is not RFC 3339.
    TimeForm,
    /// The range begins after its end.
    RangeReversed,
    /// A term needs its days and no times.
    TermIncomplete,
    /// A term of less than a day.
    TermTooShort,
    /// A term of more than 30 years.
    TermTooLong,
    /// Permanent cards have no days.
    PermanentWithDays,
    /// Permanent cards have no begin.
    PermanentWithBegin,
    /// Permanent cards have no end.
    PermanentWithEnd,
    /// A common field occurs twice.
    CommonFieldTwice,
    /// A custom field occurs twice.
    CustomFieldTwice,
    /// The custom field breaks its limits.
    CustomField,
    /// The template does not define the common field.
    CommonFieldUndefined,
    /// The template does not define the custom field or the option.
    CustomFieldUndefined,
    /// Not `yyyy-MM-DD`.
    Birthday,
    /// Not an email address.
    Email,
    /// Neither 男 nor 女.
    Gender,
    /// Not `province,city`.
    City,
    /// Something that the catalogue rules out.
    Internal,
}

/// The field of the rules about validity.
const VALIDITY: &str = "valid_date_information";
/// The fields of forms.
const COMMON: &str = "user_information/common_field_list";
const CUSTOM: &str = "user_information/custom_field_list";

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let parameter = |field: &str, chinese: &'static str, english: &'static str| {
            Self::parameter(chinese, english, Detail::body(field, Value::from(""), english))
        };
        let invalid = |chinese, english| Self::new(400, "INVALID_REQUEST", chinese, english);
        let not_found = |chinese, english| Self::new(404, "NOT_FOUND", chinese, english);
        match refused {
            Refused::TemplateNotFound => {
                not_found("品牌会员卡模板不存在", "no template with this card_id exists for the brand")
            }
            Refused::MemberNotFound => {
                not_found("用户会员卡不存在", "no user card matches brand, template, openid and code")
            }
            Refused::FeatureOff => {
                invalid("品牌未开通会员功能", "the membership feature is not enabled for the brand")
            }
            Refused::Retired => Self::new(404, "NOT_FOUND", "接口不存在", "the operation was retired"),
            Refused::OpenidInvalid => invalid("openid无效", "openid is invalid"),
            Refused::NotEffective => invalid(
                "用户会员卡非生效状态，仅支持操作已激活的会员卡",
                "the user card is not EFFECTIVE; only activated cards can be operated on",
            ),
            Refused::TemplateInvalid => invalid("会员卡模板已失效", "the template is invalid"),
            Refused::AlreadyMember => {
                invalid("用户已有该模板的会员卡", "the user has or had a card of this template")
            }
            Refused::CodeTaken => invalid("会员卡code已被使用", "the code is taken"),
            Refused::CodeMissing => invalid("缺少会员卡code", "the template wants a code of the merchant"),
            Refused::NotWaiting => {
                invalid("用户会员卡不是待激活状态", "the user card does not wait for a confirmation")
            }
            Refused::JumpIncomplete(field) => parameter(
                field,
                "jump_appid和jump_path必须同时填写",
                "jump_appid and jump_path must both be given",
            ),
            Refused::JumpNotBound(field) => parameter(
                field,
                "jump_appid无效或未与品牌绑定",
                "jump_appid is invalid or not bound to the brand",
            ),
            Refused::Content(field) => {
                parameter(field, "内容审核未通过", "text or image fails the content review")
            }
            Refused::CodeJumpFixed => parameter(
                "code_jump_information",
                "会员卡code_type不是JUMP_MINI_PROGRAM，不能修改code_jump_information",
                "the code_type is not JUMP_MINI_PROGRAM, so code_jump_information cannot be changed",
            ),
            Refused::NotBalance => parameter(
                "balance_information",
                "非储值会员卡不能填写balance_information",
                "balance_information is for BALANCE templates only",
            ),
            Refused::NotPurchase => parameter(
                "purchase_information",
                "非付费会员卡不能填写purchase_information",
                "purchase_information is for PURCHASE templates only",
            ),
            Refused::TitleCharacters => parameter(
                "card_title",
                "card_title仅支持中文、英文字母、数字和标点",
                "card_title holds characters other than Chinese, Latin letters, digits and punctuation",
            ),
            Refused::ValidityTypeMissing => {
                parameter(&format!("{VALIDITY}/type"), "缺少有效期类型", "type is required")
            }
            Refused::ValidityType => parameter(
                &format!("{VALIDITY}/type"),
                "有效期类型与会员卡模板不一致",
                "type differs from the validity type of the template",
            ),
            Refused::RangeIncomplete => parameter(
                VALIDITY,
                "固定时间范围必须填写开始时间和结束时间",
                "FIX_TIME_RANGE needs begin and end time",
            ),
            Refused::RangeWithDays => parameter(
                &format!("{VALIDITY}/available_day_after_receive"),
                "固定时间范围不能填写有效天数",
                "FIX_TIME_RANGE has no available_day_after_receive",
            ),
            Refused::TimeForm => parameter(VALIDITY, "时间格式错误", "a time is not RFC 3339"),
            Refused::RangeReversed => parameter(
                &format!("{VALIDITY}/available_begin_time"),
                "开始时间晚于结束时间",
                "available_begin_time is later than available_end_time",
            ),
            Refused::TermIncomplete => parameter(
                VALIDITY,
                "固定时长必须填写有效天数，不能填写开始时间和结束时间",
                "FIX_TERM needs available_day_after_receive and has no begin or end time",
            ),
            Refused::TermTooShort => parameter(
                &format!("{VALIDITY}/available_day_after_receive"),
                "有效天数必须大于0",
                "available_day_after_receive is not greater than 0",
            ),
            Refused::TermTooLong => parameter(
                &format!("{VALIDITY}/available_day_after_receive"),
                "有效天数不能超过10958天",
                "available_day_after_receive exceeds 10958 (30 years)",
            ),
            Refused::PermanentWithDays => parameter(
                &format!("{VALIDITY}/available_day_after_receive"),
                "永久有效不能填写有效天数",
                "PERMANENT has no available_day_after_receive",
            ),
            Refused::PermanentWithBegin => parameter(
                &format!("{VALIDITY}/available_begin_time"),
                "永久有效不能填写开始时间",
                "PERMANENT has no available_begin_time",
            ),
            Refused::PermanentWithEnd => parameter(
                &format!("{VALIDITY}/available_end_time"),
                "永久有效不能填写结束时间",
                "PERMANENT has no available_end_time",
            ),
            Refused::CommonFieldTwice => {
                parameter(COMMON, "通用字段重复", "common_field_list holds the same field twice")
            }
            Refused::CustomFieldTwice => {
                parameter(CUSTOM, "自定义字段重复", "custom_field_list holds the same field twice")
            }
            Refused::CustomField => parameter(
                CUSTOM,
                "自定义字段最多1个，选项1到10个，每个选项最多8个字符",
                "custom_field_list has at most one entry with 1 to 10 values of at most 8 characters",
            ),
            Refused::CommonFieldUndefined => parameter(
                COMMON,
                "会员卡模板未定义该通用字段",
                "a common field is sent that the template does not define",
            ),
            Refused::CustomFieldUndefined => parameter(
                CUSTOM,
                "会员卡模板未定义该自定义字段",
                "a custom field is sent that the template does not define",
            ),
            Refused::Birthday => {
                parameter(COMMON, "生日格式错误，应为yyyy-MM-DD", "the birthday is not in yyyy-MM-DD form")
            }
            Refused::Email => parameter(COMMON, "邮箱格式错误", "the email address is malformed"),
            Refused::Gender => parameter(COMMON, "性别只能是男或女", "the gender is neither 男 nor 女"),
            Refused::City => {
                parameter(COMMON, "城市格式错误，应为省,市", "the city is not of the form province,city")
            }
            Refused::Internal => Self::system_error(),
        }
    }
}
