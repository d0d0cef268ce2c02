//! The demo template of the brand family and its member.

use jiff::Timestamp;
use kabao_models::Sensitive;
use kabao_models::brand::{
    Card, CardState, CardType, CodeMode, CodeType, CommonField, CommonFieldValue, CustomFieldType,
    CustomFieldValue, CustomFormField, JumpTarget, UserCard, UserCardState, UserInformation,
    UserInformationForm, ValidDateInformation, ValidDateType,
};

use super::{BRAND_CARD, BRAND_CODE, BRAND_ID, BRAND_OPENID, OFFICIAL_ACCOUNT_APPID, PICTURE};
use crate::brand::{Core, ExchangeTemplate};
use crate::clock::{plus_days, rfc3339};

/// The coupon stock of activities and of the exchange.
const BRAND_STOCK: &str = "98065417";
/// The exchange of points that a member of the demo template can ask for.
const BRAND_EXCHANGE: &str = "7KpQ2mZrT1";

/// Puts template and member in place, and an exchange of points for coupons.
pub(crate) fn fill(core: &mut Core, now: Timestamp) {
    core.fill_template(card(now));
    core.fill_member(member(now), Some(plus_days(now, -7)));
    core.put_stock(BRAND_STOCK, 10_000);
    core.put_exchange_template(ExchangeTemplate {
        exchange_coupon_template_id: BRAND_EXCHANGE.to_owned(),
        card_id: BRAND_CARD.to_owned(),
        deduct_points: 300,
        product_coupon_id: "200000000417".to_owned(),
        stock_id: BRAND_STOCK.to_owned(),
        stock: 1_000,
        per_user_and_day: 5,
    });
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn permanent() -> Option<ValidDateInformation> {
    Some(ValidDateInformation {
        r#type: Some(ValidDateType::Permanent),
        ..ValidDateInformation::default()
    })
}

fn jump(path: &str) -> Option<JumpTarget> {
    Some(JumpTarget {
        jump_appid: text(OFFICIAL_ACCOUNT_APPID),
        jump_path: text(path),
        ..JumpTarget::default()
    })
}

fn card(now: Timestamp) -> Card {
    let created = rfc3339(plus_days(now, -30));
    Card {
        out_request_no: text("1004_20260301101500_0001"),
        card_id: text(BRAND_CARD),
        brand_id: text(BRAND_ID),
        appid: text(OFFICIAL_ACCOUNT_APPID),
        card_type: Some(CardType::Normal),
        card_title: text("茶港会员"),
        card_color: text("#1A7F5A"),
        card_picture_url: text(PICTURE),
        code_mode: Some(CodeMode::SystemAllocate),
        code_type: Some(CodeType::QrCode),
        benefits: text("生日饮品，会员价"),
        notify_url: text("https://notify.example.com/wechatpay/brand-member"),
        need_pinned: Some(true),
        need_display_level: Some(true),
        init_level: text("白银会员"),
        service_phone: text("020-80000000"),
        legal_agreement: text("会员须遵守门店规定。\n七天内可退款。"),
        valid_date_information: permanent(),
        member_information: jump("/pages/member/index"),
        points_information: jump("/pages/points/index"),
        user_information: Some(UserInformationForm {
            common_field_list: Some(vec![
                CommonField::UserFormFlagSex,
                CommonField::UserFormFlagBirthday,
            ]),
            custom_field_list: Some(vec![CustomFormField {
                r#type: Some(CustomFieldType::CheckBox),
                name: text("喜欢的茶"),
                values: Some(vec!["红茶".to_owned(), "绿茶".to_owned()]),
                ..CustomFormField::default()
            }]),
            ..UserInformationForm::default()
        }),
        state: Some(CardState::CardEffective),
        create_time: Some(created.clone()),
        modify_time: Some(created),
        ..Card::default()
    }
}

fn member(now: Timestamp) -> UserCard {
    let joined = rfc3339(plus_days(now, -7));
    UserCard {
        user_card_code: Some(BRAND_CODE.into()),
        card_id: text(BRAND_CARD),
        openid: Some(BRAND_OPENID.into()),
        card_color: text("#1A7F5A"),
        card_picture_url: text(PICTURE),
        brand_id: text(BRAND_ID),
        card_type: Some(CardType::Normal),
        phone_number: Some(Sensitive::plain("13800000000")),
        level: text("白银会员"),
        valid_date_information: permanent(),
        pickup_time: Some(joined.clone()),
        user_information: Some(UserInformation {
            common_field_list: Some(vec![
                CommonFieldValue {
                    name: Some(CommonField::UserFormFlagSex),
                    value: Some(Sensitive::plain("女")),
                    ..CommonFieldValue::default()
                },
                CommonFieldValue {
                    name: Some(CommonField::UserFormFlagBirthday),
                    value: Some(Sensitive::plain("1990-02-28")),
                    ..CommonFieldValue::default()
                },
            ]),
            custom_field_list: Some(vec![CustomFieldValue {
                name: text("喜欢的茶"),
                user_chosen_values: Some(vec![Sensitive::plain("绿茶")]),
                ..CustomFieldValue::default()
            }]),
            ..UserInformation::default()
        }),
        attach: Some("crm=881204".into()),
        user_card_state: Some(UserCardState::Effective),
        create_time: Some(joined.clone()),
        modify_time: Some(joined),
        ..UserCard::default()
    }
}
