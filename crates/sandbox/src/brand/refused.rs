//! Every business refusal of the brand family, with what the service says.

use serde_json::Value;

use crate::refusal::{Detail, Refusal};

/// A row of the table: status, code, Chinese and English text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) chinese: &'static str,
    pub(crate) english: &'static str,
}

macro_rules! rules {
    ($($status:literal $code:literal { $($name:ident: $chinese:literal, $english:literal;)* })*) => {
        /// The rule that a refused command breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Rule {
            $($($name,)*)*
        }

        impl Rule {
            /// Returns what the service says.
            pub(crate) fn row(self) -> Row {
                match self {
                    $($(Self::$name => Row {
                        status: $status,
                        code: $code,
                        chinese: $chinese,
                        english: $english,
                    },)*)*
                }
            }
        }
    };
}

rules! {
    400 "PARAM_ERROR" {
        LevelMissing: "需要展示等级时，初始等级必填", "init_level is required when need_display_level is true";
        LevelUnwanted: "不展示等级时，不允许填写初始等级", "init_level must be absent when need_display_level is false";
        CodeJumpMissing: "会员码类型为跳转小程序时，跳转信息必填", "code_jump_information is required for code_type JUMP_MINI_PROGRAM";
        CodeJumpUnwanted: "会员码类型不为跳转小程序时，不允许填写跳转信息", "code_jump_information is allowed for code_type JUMP_MINI_PROGRAM only";
        CodeJumpFixed: "会员码类型不为跳转小程序，不允许修改跳转信息", "the template's code_type is not JUMP_MINI_PROGRAM, so code_jump_information cannot be changed";
        BalanceUnwanted: "非储值会员卡不允许填写储值信息", "balance_information is allowed for card_type BALANCE only";
        PurchaseUnwanted: "非付费会员卡不允许填写付费信息", "purchase_information is allowed for card_type PURCHASE only";
        PriceNotPositive: "付费会员价格必须大于0", "purchase_information.price must be greater than 0";
        NumberUsed: "商户请求单号已被使用", "out_request_no was used before";
        AppidUnbound: "appid无效或未与品牌绑定", "the AppID is not valid or not bound to the brand";
        JumpIncomplete: "跳转小程序的appid和路径必须同时填写", "a jump target needs both jump_appid and jump_path";
        ContentRefused: "文本或图片未通过内容安全审核", "text or image fails the content review";
        PictureUnsuitable: "卡面图片必须由图片上传接口获得，格式为JPG、JPEG或PNG，且小于1M", "a card picture must come from the image upload, be JPG or PNG and smaller than 1 MB";
        TitleTooLong: "会员卡名称不能超过10个字", "card_title is longer than 10 characters";
        TitleCharacters: "会员卡名称只支持中文、英文字母、数字和标点", "card_title allows Chinese, Latin letters, digits and punctuation only";
        NotifyUrlInvalid: "回调地址不合法", "notify_url must be a complete http or https URL with a path and without a query string";
        ValidityMissing: "缺少有效期信息", "valid_date_information is required";
        ValidityType: "有效期类型与会员卡模板不一致", "valid_date_information.type is not the one of the template";
        RangeIncomplete: "固定时间范围必须填写开始和结束时间，且不允许填写天数", "FIX_TIME_RANGE needs begin and end time and no number of days";
        RangeWithDays: "固定时间范围不允许填写有效天数", "FIX_TIME_RANGE does not allow available_day_after_receive";
        BeginAfterEnd: "有效期开始时间不能晚于结束时间", "available_begin_time is later than available_end_time";
        TermIncomplete: "固定时长必须填写有效天数，且不允许填写开始和结束时间", "FIX_TERM needs available_day_after_receive and no begin or end time";
        DaysNotPositive: "有效天数必须大于0", "available_day_after_receive must be greater than 0";
        DaysTooMany: "有效天数不能超过10958天", "available_day_after_receive must not exceed 10958";
        PermanentWithDays: "永久有效不允许填写有效天数", "PERMANENT does not allow available_day_after_receive";
        PermanentWithBegin: "永久有效不允许填写开始时间", "PERMANENT does not allow available_begin_time";
        PermanentWithEnd: "永久有效不允许填写结束时间", "PERMANENT does not allow available_end_time";
        CommonFieldTwice: "通用字段重复", "common_field_list holds the same field twice";
        CustomFieldTwice: "自定义字段重复", "custom_field_list holds the same field twice";
        CustomFieldShape: "自定义字段最多1个，选项1至10个，每个选项最多8个字", "custom_field_list allows one entry with 1 to 10 values of at most 8 characters";
        OptionIllegal: "自定义字段的选项不合法", "a value in custom_field_list is not a legal string";
        CommonFieldUndefined: "会员卡模板未设置该通用字段", "the template does not define this common field";
        CustomFieldUndefined: "会员卡模板未设置该自定义字段", "the template does not define this custom field";
        BirthdayForm: "生日格式错误，应为yyyy-MM-DD", "the birthday must have the form yyyy-MM-DD";
        EmailForm: "邮箱格式错误", "the email address is malformed";
        GenderWord: "性别错误，应为男或女", "the gender must be 男 or 女";
        CityForm: "城市格式错误，省市之间用英文逗号分隔", "the city must be province and city separated by a comma";
        OpenidWrong: "openid错误", "openid is wrong";
        PickupTimeMissing: "缺少领卡时间", "pickup_time is required for this kind of validity";
        PickupTimeFuture: "领卡时间必须早于当前时间", "pickup_time must lie in the past";
        CellMalformed: "动态内容格式错误", "cell is malformed";
        ImageEmpty: "图片文件为空", "the image file is empty";
        ImageTooLarge: "图片大小不能超过2M", "the image is larger than 2 MB";
        OffsetNegative: "offset不能小于0", "offset must not be negative";
        ActivityTimes: "活动开始时间必须早于结束时间", "begin_time must be earlier than end_time";
        ActivityBegun: "活动已开始，开始时间不能晚于当前时间", "the activity has begun, so begin_time cannot lie in the future";
        ActivityOver: "活动结束时间必须晚于当前时间", "end_time must lie in the future";
        ApplyTotal: "活动总份数必须大于0且小于券批次的最小可用库存", "apply_total must be positive and smaller than the smallest available stock of the coupons";
        RejectReasonMissing: "拒绝兑换时，拒绝原因必填", "reject_reason is required with POINT_EXCHANGE_COUPON_REJECT";
        PointsNegative: "积分余额不能小于0", "point_balance must not be negative";
    }
    400 "INVALID_REQUEST" {
        FeatureClosed: "品牌未开通会员功能", "the membership feature is not enabled for the brand";
        BrandInvalid: "品牌ID无效", "the brand_id is not valid for this caller";
        CardTypeClosed: "该会员卡类型暂未开放", "card_type PURCHASE and BALANCE are not open yet";
        TooManyTemplates: "同一类型的会员卡模板数量已达上限", "the brand already has two templates of this card_type";
        TemplateInvalid: "会员卡模板已失效", "the template was invalidated";
        TemplateUnusable: "会员卡模板不可用", "the template is not usable: wrong card_id or already invalidated";
        TemplateExpired: "会员卡模板已过有效期", "the validity period of the template has ended";
        OpenidInvalid: "openid无效", "openid is not valid";
        OpenidForeign: "openid不属于品牌的appid", "openid does not belong to an AppID of the brand";
        NotEffective: "用户会员卡不是已激活状态", "only activated user cards can be operated on";
        NotInvalidable: "用户会员卡不是待激活或已激活状态，无法失效", "only UNACTIVATED and EFFECTIVE user cards can be invalidated";
        CodeTaken: "会员码已被使用", "user_card_code is already used under this template";
        CodeNotAllocated: "会员码由系统分配，不允许修改", "code_mode is SYSTEM_ALLOCATE: the code is not the allocated one";
        ImportExpired: "导入的会员卡已过期", "the card to be imported would already be expired";
        PendingCard: "用户有待激活的会员卡，请确认开卡", "the user has an UNACTIVATED card under the template; confirm that one instead";
        EffectiveCard: "用户已有生效中的会员卡，请先失效", "the user has an EFFECTIVE card under the template; invalidate it before importing again";
        DeletedByUser: "用户已删除该会员卡，不允许再次导入", "the user deleted this card, so it cannot be imported again";
        HoldsCard: "用户已有有效的会员卡", "the user already holds a valid card of this template";
        CallerClosed: "该功能暂未对调用方开放", "the feature is not open to this caller yet";
        NoCodeJump: "会员码类型不是跳转小程序", "the template's code_type is not JUMP_MINI_PROGRAM";
        NotMember: "未找到对应的会员关系", "no membership matches this user and code";
        ActivityTemplateUnknown: "会员卡模板不存在", "no template with this card_id exists for the brand";
        TemplateNotEffective: "会员卡模板不是生效状态", "the template is not effective";
        ActivityEnded: "活动已结束", "the activity has ended";
        ExchangeAnswered: "兑换记录已处理", "the exchange record was answered before";
        TokenInvalid: "凭证无效", "the token is unknown or belongs to somebody else";
        TokenOver: "凭证已过期或已使用", "the token has expired or was used";
        NotOffered: "用户不可再次加入该会员卡", "this user is not offered the template again";
        NotDeletable: "用户会员卡不能删除", "the user cannot delete a card in this state";
        PointsTooFew: "积分不足", "the stored points are fewer than the exchange costs";
        ExchangeOver: "兑换次数已达上限或券已兑完", "the daily limit or the stock of the exchange is used up";
        AttachMalformed: "订单attach格式错误", "the order's attach has no cell and card_id";
    }
    400 "ALREADY_EXISTS" {
        FeedExists: "动态已存在", "a feed with this out_request_no exists already";
        ActivityInForce: "会员卡模板已有生效中的活动", "the template already has an activity in force";
    }
    403 "NO_AUTH" {
        BrandUnauthorized: "无该品牌的操作权限", "the caller does not act for this brand";
        FeedNotGranted: "品牌无该动态模板的使用权限", "the brand may not use this feed template";
        ActivityForeign: "活动不属于该品牌", "the activity belongs to another brand";
    }
    403 "REQUEST_BLOCKED" {
        ImageType: "图片格式错误，只支持JPG、BMP、PNG", "the image is not JPG, BMP or PNG";
        ImageMismatch: "图片与meta信息不一致", "meta does not match the file";
    }
    404 "NOT_FOUND" {
        TemplateUnknown: "会员卡模板不存在", "no template with this card_id exists for the brand";
        UserCardUnknown: "用户会员卡不存在", "no user card matches brand, template, openid and code";
        NoPendingCard: "用户没有待激活的会员卡", "the user has no UNACTIVATED card under this template";
        RecordUnknown: "兑换记录不存在", "no points-for-coupon record with this record_id";
        ActivityUnknown: "活动不存在", "no activity with this activity_id";
        ExchangeTemplateUnknown: "兑换模板不存在", "no exchange template with this id";
    }
    500 "SYSTEM_ERROR" {
        Internal: "系统异常，请使用相同参数稍后重试", "system fault; try again later with the same parameters";
    }
}

/// Why a command is refused.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) rule: Rule,
    blamed: Option<Blamed>,
}

/// The parameter that is to blame.
#[derive(Clone, PartialEq, Eq)]
struct Blamed {
    /// The path of a member of the body, or the name of a query parameter.
    name: String,
    value: Value,
    in_body: bool,
}

impl Refused {
    /// Blames a member of the body, such as `member_information/jump_appid`.
    pub(super) fn at(rule: Rule, member: impl Into<String>, value: impl Into<Value>) -> Self {
        let blamed = Blamed {
            name: member.into(),
            value: value.into(),
            in_body: true,
        };
        Self {
            rule,
            blamed: Some(blamed),
        }
    }

    /// Blames a query parameter.
    pub(super) fn query(rule: Rule, name: &str, value: impl Into<Value>) -> Self {
        let blamed = Blamed {
            name: name.to_owned(),
            value: value.into(),
            in_body: false,
        };
        Self {
            rule,
            blamed: Some(blamed),
        }
    }
}

impl From<Rule> for Refused {
    fn from(rule: Rule) -> Self {
        Self { rule, blamed: None }
    }
}

/// Leaves the value out: it may be personal.
impl std::fmt::Debug for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refused")
            .field("rule", &self.rule)
            .field("blamed", &self.blamed.as_ref().map(|blamed| &blamed.name))
            .finish()
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let row = refused.rule.row();
        let mut refusal = Self::new(row.status, row.code, row.chinese, row.english);
        refusal.detail = refused.blamed.map(
            |Blamed {
                 name,
                 value,
                 in_body,
             }| {
                let detail = if in_body {
                    Detail::body(&name, value, row.english)
                } else {
                    Detail {
                        field: name,
                        value,
                        issue: row.english.to_owned(),
                        location: "query",
                    }
                };
                detail.into_json()
            },
        );
        refusal
    }
}

#[cfg(test)]
mod tests;
