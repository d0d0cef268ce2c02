//! The demo card of the official-account family and its member.

use jiff::Timestamp;
use kabao_models::official_account::card::{
    AbstractInfo, AdvancedInfo, BaseInfo, BonusRule, CustomCell, CustomField, DateInfo, MemberCard,
    PayInfo, Sku, SwipeCard, TextImage, TimeLimit, UseCondition,
};
use kabao_models::official_account::{
    BusinessService, CardColor, CardStatus, CodeType, CommonFieldValue, CommonFormField,
    CustomFieldValue, DateInfoType, FieldNameType, UserInfo, WeekDay,
};

use super::{
    OFFICIAL_ACCOUNT_ADVERTISED_CARD, OFFICIAL_ACCOUNT_APPID, OFFICIAL_ACCOUNT_CARD,
    OFFICIAL_ACCOUNT_CODE,
};
use crate::clock::plus_days;
use crate::official_account::{Core, Member, Template};

const LOGO: &str = "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0";
const OPENID: &str = "oZb8FtzQk7PpC1dXe0WvNa4BsJmI";

/// Puts card and member in place, and a second card for messages to advertise. The member claimed
/// the card ten days ago.
pub(crate) fn fill(core: &mut Core, now: Timestamp) {
    let created = plus_days(now, -30).as_second();
    core.fill_template(Template::new(OFFICIAL_ACCOUNT_APPID, card(), base(created)));
    core.fill_member(
        OFFICIAL_ACCOUNT_CARD,
        OFFICIAL_ACCOUNT_CODE,
        member(plus_days(now, -10).as_second()),
    );
    core.note_history(OFFICIAL_ACCOUNT_CARD);
    let (card, base) = advertised(created);
    core.fill_template(Template::new(OFFICIAL_ACCOUNT_APPID, card, base));
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn base(created: i64) -> BaseInfo {
    BaseInfo {
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
        date_info: Some(DateInfo {
            r#type: Some(DateInfoType::DateTypePermanent),
            ..DateInfo::default()
        }),
        sku: Some(Sku {
            quantity: Some(9_999),
            total_quantity: Some(10_000),
            ..Sku::default()
        }),
        get_limit: Some(1),
        use_custom_code: Some(false),
        bind_openid: Some(false),
        can_share: Some(true),
        can_give_friend: Some(true),
        location_id_list: Some(vec![101, 102]),
        use_all_locations: Some(false),
        center_title: text("立即点单"),
        center_sub_title: text("到店自取"),
        center_url: text("https://shop.example.com/order"),
        custom_url_name: text("菜单"),
        custom_url: text("https://shop.example.com/menu"),
        custom_url_sub_title: text("新品"),
        promotion_url_name: text("活动"),
        promotion_url: text("https://shop.example.com/events"),
        promotion_url_sub_title: text("限时"),
        need_push_on_view: Some(true),
        pay_info: Some(PayInfo {
            swipe_card: Some(SwipeCard {
                is_swipe_card: Some(true),
                ..SwipeCard::default()
            }),
            ..PayInfo::default()
        }),
        is_pay_and_qrcode: Some(true),
        ..BaseInfo::default()
    }
}

fn card() -> MemberCard {
    MemberCard {
        background_pic_url: text(LOGO),
        advanced_info: Some(advanced()),
        prerogative: text("会员享九五折。"),
        auto_activate: Some(true),
        wx_activate: Some(false),
        supply_bonus: Some(true),
        bonus_url: text("https://shop.example.com/points"),
        supply_balance: Some(true),
        balance_url: text("https://shop.example.com/balance"),
        bonus_cleared: text("积分每年12月31日清零。"),
        bonus_rules: text("每消费一元获得一积分。"),
        balance_rules: text("余额不可提现。"),
        custom_field1: Some(CustomField {
            name_type: Some(FieldNameType::FieldNameTypeLevel),
            url: text("https://shop.example.com/level"),
            ..CustomField::default()
        }),
        custom_cell1: Some(CustomCell {
            name: text("我的订单"),
            tips: text("全部"),
            url: text("https://shop.example.com/orders"),
            ..CustomCell::default()
        }),
        bonus_rule: Some(BonusRule {
            cost_money_unit: Some(100),
            increase_bonus: Some(1),
            max_increase_bonus: Some(200),
            init_increase_bonus: Some(10),
            cost_bonus_unit: Some(5),
            reduce_money: Some(100),
            least_money_to_use_bonus: Some(1_000),
            max_reduce_bonus: Some(50),
            ..BonusRule::default()
        }),
        discount: Some(5),
        ..MemberCard::default()
    }
}

/// A plain card that nobody has claimed.
fn advertised(created: i64) -> (MemberCard, BaseInfo) {
    let card = MemberCard {
        background_pic_url: text(LOGO),
        prerogative: text("会员享新品试饮。"),
        auto_activate: Some(true),
        supply_bonus: Some(true),
        bonus_rules: text("每消费一元获得一积分。"),
        ..MemberCard::default()
    };
    let base = BaseInfo {
        id: text(OFFICIAL_ACCOUNT_ADVERTISED_CARD),
        status: Some(CardStatus::CardStatusVerifyOk),
        create_time: Some(created),
        update_time: Some(created),
        logo_url: text(LOGO),
        brand_name: text("茶港"),
        code_type: Some(CodeType::CodeTypeQrcode),
        title: text("新品尝鲜卡"),
        color: Some(CardColor::Color010),
        notice: text("使用时向服务员出示此卡"),
        description: text("新品上市首周有效。"),
        date_info: Some(DateInfo {
            r#type: Some(DateInfoType::DateTypePermanent),
            ..DateInfo::default()
        }),
        sku: Some(Sku {
            quantity: Some(1_000),
            total_quantity: Some(1_000),
            ..Sku::default()
        }),
        get_limit: Some(1),
        can_share: Some(true),
        can_give_friend: Some(true),
        ..BaseInfo::default()
    };
    (card, base)
}

fn advanced() -> AdvancedInfo {
    AdvancedInfo {
        use_condition: Some(UseCondition {
            accept_category: text("茶饮"),
            reject_category: text("礼盒"),
            can_use_with_other_discount: Some(false),
            ..UseCondition::default()
        }),
        r#abstract: Some(AbstractInfo {
            r#abstract: text("一杯好茶"),
            icon_url_list: Some(vec![LOGO.to_owned()]),
            ..AbstractInfo::default()
        }),
        text_image_list: Some(vec![TextImage {
            image_url: text(LOGO),
            text: text("当季新茶，每日现泡。"),
            ..TextImage::default()
        }]),
        time_limit: Some(vec![TimeLimit {
            r#type: Some(WeekDay::Monday),
            begin_hour: Some(10),
            begin_minute: Some(0),
            end_hour: Some(22),
            end_minute: Some(30),
            ..TimeLimit::default()
        }]),
        business_service: Some(vec![
            BusinessService::BizServiceDeliver,
            BusinessService::BizServiceFreeWifi,
        ]),
        ..AdvancedInfo::default()
    }
}

fn member(claimed: i64) -> Member {
    let mut member = Member::new(OPENID, claimed);
    member.nickname = text("林间");
    member.sex = text("FEMALE");
    member.membership_number = text(OFFICIAL_ACCOUNT_CODE);
    member.bonus = 460;
    member.balance = 3_000;
    member.custom_field_value1 = text("银卡");
    member.background_pic_url = text(LOGO);
    member.has_active = true;
    member.outer_str = text("counter-7");
    member.user_info = UserInfo {
        common_field_list: Some(vec![
            common(CommonFormField::UserFormInfoFlagMobile, "13800000000"),
            common(CommonFormField::UserFormInfoFlagName, "林间"),
        ]),
        custom_field_list: Some(vec![
            CustomFieldValue {
                name: text("喜欢的茶"),
                value: Some("乌龙茶".into()),
                ..CustomFieldValue::default()
            },
            CustomFieldValue {
                name: text("座位"),
                value_list: Some(vec!["窗边".into(), "露台".into()]),
                ..CustomFieldValue::default()
            },
        ]),
        ..UserInfo::default()
    };
    member
}

fn common(name: CommonFormField, value: &str) -> CommonFieldValue {
    CommonFieldValue {
        name: Some(name),
        value: Some(value.into()),
        ..CommonFieldValue::default()
    }
}
