//! What a caller is told for each of WeChat's texts, without a look into the catalogue.

use tonic::Code;

use crate::refusal::{Refusal, refused};

/// The refusal for a text, or a piece of one.
pub(super) fn of(text: &str) -> Refusal {
    let (reason, texts) = MEANINGS
        .iter()
        .find(|(_, texts)| texts.iter().any(|(known, _)| *known == text))
        .unwrap_or_else(|| panic!("no meaning of {text}"));
    let (_, field) = texts.iter().find(|(known, _)| *known == text).unwrap();
    let code = match *reason {
        "ALREADY_EXISTS" => Code::AlreadyExists,
        "FIELD_INVALID" => Code::InvalidArgument,
        "MEMBER_NOT_FOUND" | "RESOURCE_NOT_FOUND" | "TEMPLATE_NOT_FOUND" => Code::NotFound,
        "UPSTREAM_PERMISSION_DENIED" => Code::PermissionDenied,
        _ => Code::FailedPrecondition,
    };
    let fields: Vec<&str> = [*field].into_iter().filter(|f| !f.is_empty()).collect();
    refused(code, reason).fields(&fields)
}

/// Texts with the field that is to blame, if one is.
type Texts = &'static [(&'static str, &'static str)];

const MEANINGS: &[(&str, Texts)] = &[
    (
        "ALREADY_EXISTS",
        &[
            ("会员卡已添加该服务项", ""),
            ("用户已领取该会员卡", ""),
            ("该订单已预通知积分", ""),
        ],
    ),
    (
        "FIELD_INVALID",
        &[
            ("activate_ticket无效或已过期", "activate_ticket"),
            ("appid不是服务号的appid", "appid"),
            ("code_mode不可修改为SYSTEM_ALLOCATE", "code_mode"),
            ("code_mode不可修改，当前为SYSTEM_ALLOCATE", "code_mode"),
            ("encrypt_code无效或已过期", "encrypt_code"),
            ("储值小程序path为空", "balance_information.balance_path"),
            (
                "内容字段不在服务项模板中",
                "state_setting.content_template_data.field_list",
            ),
            ("商户号不合法", ""),
            (
                "消息模板ID错误",
                "message_template_setting.message_template_id",
            ),
            (
                "消息模板部分字段值为空",
                "message_template_setting.field_list",
            ),
            ("状态不在服务项模板中", "state_setting.state_id"),
            ("积分跳转path为空", ""),
            ("缺少code", "code"),
        ],
    ),
    ("MEMBER_NOT_FOUND", &[("code不存在", "")]),
    (
        "MEMBER_STATE_INVALID",
        &[
            ("不是待激活状态", ""),
            ("已失效", ""),
            ("开卡结果已确认", ""),
            ("用户已删除", ""),
        ],
    ),
    (
        "RESOURCE_NOT_FOUND",
        &[
            ("activity_id不合法", ""),
            ("会员卡未添加该服务项", ""),
            ("未设置回调地址", ""),
            ("服务项ID不存在", ""),
            ("该订单未预通知积分", ""),
        ],
    ),
    ("RESOURCE_STATE_INVALID", &[("活动已结束", "")]),
    ("TEMPLATE_NOT_FOUND", &[("card_id不合法", "")]),
    (
        "TEMPLATE_STATE_INVALID",
        &[
            ("code_mode不是MERCHANT_DEPOSIT", ""),
            ("不支持REAL_TIME模式", ""),
            ("不支持二维码投放", ""),
            ("会员卡已删除", ""),
            ("会员卡未开通积分权益", ""),
            ("会员卡未开通储值", ""),
            ("会员卡未通过审核", ""),
            ("该会员卡为公众平台会员卡，请先升级", ""),
            ("该会员卡已迁移", ""),
            ("请先升级", ""),
        ],
    ),
    (
        "UPSTREAM_PERMISSION_DENIED",
        &[
            ("仅服务商可确认开卡结果", ""),
            ("品牌无权限使用该服务项", ""),
            ("商户号与会员卡品牌未绑定", ""),
            ("活动创建方与会员卡品牌未绑定", ""),
            ("活动创建方无该商家券批次的发放权限", ""),
            ("活动曝光商户号与会员卡品牌未绑定", ""),
        ],
    ),
    (
        "USER_NOT_ELIGIBLE",
        &[("用户一年内在该商户无微信支付交易", "")],
    ),
];
