//! The demo card of the official-account family and its member.

use jiff::Timestamp;
use kabao_models::official_account::card::{BaseInfo, BonusRule, Card, CustomField, DateInfo, MemberCard, Sku};
use kabao_models::official_account::member::{
    CommonFieldValue, CustomFieldValue, GetUserInfoResponse, UserInfo,
};
use kabao_models::official_account::{
    CardColor, CardStatus, CardType, CodeType, CommonFormField, DateInfoType, FieldNameType, UserCardStatus,
};

use super::{OFFICIAL_ACCOUNT_APPID, OFFICIAL_ACCOUNT_CARD, OFFICIAL_ACCOUNT_CODE};
use crate::clock::plus_days;
use crate::official_account::{Core, Template};

const LOGO: &str = "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0";

/// Puts card and member in place.
pub(crate) fn fill(core: &mut Core, now: Timestamp) {
    core.put_template(Template { card: card(now), appid: OFFICIAL_ACCOUNT_APPID.to_owned(), message: None });
    core.put_member(OFFICIAL_ACCOUNT_CARD, OFFICIAL_ACCOUNT_CODE, member(), now);
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn card(now: Timestamp) -> Card {
    let created = plus_days(now, -30).as_second();
    Card {
        card_type: Some(CardType::MemberCard),
        member_card: Some(MemberCard {
            background_pic_url: text(LOGO),
            base_info: Some(BaseInfo {
                id: text(OFFICIAL_ACCOUNT_CARD),
                status: Some(CardStatus::CardStatusVerifyOk),
                create_time: Some(created),
                update_time: Some(created),
                logo_url: text(LOGO),
                brand_name: text("茶港"),
                code_type: Some(CodeType::CodeTypeBarcode),
                title: text("茶港会员卡"),
                color: Some(CardColor::Color010),
                notice: text("使用时向服务员出示此卡"),
                service_phone: text("020-88888888"),
                description: text("不可与其他优惠同享。"),
                date_info: Some(DateInfo { r#type: Some(DateInfoType::DateTypePermanent), ..DateInfo::default() }),
                sku: Some(Sku { quantity: Some(9_999), total_quantity: Some(10_000), ..Sku::default() }),
                get_limit: Some(1),
                use_custom_code: Some(false),
                bind_openid: Some(false),
                can_share: Some(true),
                can_give_friend: Some(true),
                location_id_list: Some(Vec::new()),
                need_push_on_view: Some(true),
                ..BaseInfo::default()
            }),
            prerogative: text("会员享九五折。"),
            auto_activate: Some(true),
            wx_activate: Some(false),
            supply_bonus: Some(true),
            supply_balance: Some(true),
            bonus_cleared: text("积分每年12月31日清零。"),
            bonus_rules: text("每消费一元获得一积分。"),
            balance_rules: text("余额不可提现。"),
            custom_field1: Some(CustomField {
                name_type: Some(FieldNameType::FieldNameTypeLevel),
                url: text("https://example.com/level"),
                ..CustomField::default()
            }),
            bonus_rule: Some(BonusRule {
                cost_money_unit: Some(100),
                increase_bonus: Some(1),
                init_increase_bonus: Some(10),
                ..BonusRule::default()
            }),
            ..MemberCard::default()
        }),
        ..Card::default()
    }
}

fn member() -> GetUserInfoResponse {
    GetUserInfoResponse {
        openid: Some("obLatjm43RA5C6QfMO5szKYnT3dM".into()),
        nickname: Some("林间".into()),
        membership_number: Some(OFFICIAL_ACCOUNT_CODE.into()),
        bonus: Some(460),
        balance: Some(3_000),
        sex: Some("FEMALE".into()),
        user_info: Some(UserInfo {
            common_field_list: Some(vec![
                CommonFieldValue {
                    name: Some(CommonFormField::UserFormInfoFlagMobile),
                    value: Some("13800000000".into()),
                    ..CommonFieldValue::default()
                },
                CommonFieldValue {
                    name: Some(CommonFormField::UserFormInfoFlagName),
                    value: Some("林间".into()),
                    ..CommonFieldValue::default()
                },
            ]),
            custom_field_list: Some(vec![CustomFieldValue {
                name: text("喜欢的茶"),
                value: Some("乌龙茶".into()),
                ..CustomFieldValue::default()
            }]),
            ..UserInfo::default()
        }),
        user_card_status: Some(UserCardStatus::Normal),
        has_active: Some(true),
        ..GetUserInfoResponse::default()
    }
}
