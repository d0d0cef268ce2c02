//! The demo template of the merchant family and its member.

use jiff::Timestamp;
use kabao_models::merchant::cards::{
    AdditionalStatement, BalanceInformation, Brand, Card, CustomFormField, DateInformation,
    UserInformationForm,
};
use kabao_models::merchant::user_cards::UserCard;
use kabao_models::merchant::{
    Bonus, CardTemplateStatus, CodeMode, CodeType, CommonFieldValue, CommonFormField,
    CustomFieldType, CustomFieldValue, DateInformationType, UserCardStatus, UserInformation,
};

use super::{
    BRAND_ID, MERCHANT_CARD, MERCHANT_CODE, MERCHANT_NUMBER, OFFICIAL_ACCOUNT_APPID, PICTURE,
};
use crate::clock::{plus_days, rfc3339_millis};
use crate::merchant::{Core, Template};

/// Puts template and member in place.
pub(crate) fn fill(core: &mut Core, now: Timestamp) {
    core.fill_template(Template::new(card(now), MERCHANT_NUMBER));
    core.fill_member(member(), now);
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn card(now: Timestamp) -> Card {
    let created = rfc3339_millis(plus_days(now, -30));
    Card {
        card_id: text(MERCHANT_CARD),
        create_time: Some(created.clone()),
        update_time: Some(created),
        remain_quantity: Some(9_999),
        status: Some(CardTemplateStatus::Approved),
        brand: Some(Brand {
            brand_id: text(BRAND_ID),
            display_name: text("茶港"),
            ..Brand::default()
        }),
        appid: text(OFFICIAL_ACCOUNT_APPID),
        logo_url: text(PICTURE),
        title: text("茶港会员卡"),
        background_picture_url: text(PICTURE),
        description: text("出示会员卡可累积积分，余额可在所有门店使用。"),
        service_phone: text("0755-86001234"),
        code_type: Some(CodeType::BarCode),
        total_quantity: Some(10_000),
        date_information: Some(DateInformation {
            r#type: Some(DateInformationType::FixTimeRange),
            available_begin_time: Some(rfc3339_millis(plus_days(now, -30))),
            available_end_time: Some(rfc3339_millis(plus_days(now, 10 * 366))),
            ..DateInformation::default()
        }),
        code_mode: Some(CodeMode::SystemAllocate),
        need_display_level: Some(true),
        init_level: text("白银会员"),
        out_request_no: text("1900000109_20260301_0001"),
        balance_information: Some(BalanceInformation {
            need_balance: Some(true),
            balance_appid: text("wx7b20d4e6f8a1c359"),
            balance_path: text("pages/balance/index"),
            ..BalanceInformation::default()
        }),
        user_information_form: Some(UserInformationForm {
            common_field_list: Some(vec![
                CommonFormField::UserFormFlagMobile,
                CommonFormField::UserFormFlagBirthday,
            ]),
            can_modify_after_activate: Some(true),
            custom_field_list: Some(vec![CustomFormField {
                r#type: Some(CustomFieldType::Radio),
                name: text("喜欢的茶"),
                values: Some(vec![
                    "红茶".to_owned(),
                    "绿茶".to_owned(),
                    "乌龙茶".to_owned(),
                ]),
                ..CustomFormField::default()
            }]),
            ..UserInformationForm::default()
        }),
        additional_statement: Some(AdditionalStatement {
            title: text("会员须知"),
            url: text("https://example.com/member/statement"),
            ..AdditionalStatement::default()
        }),
        need_dynamic_code: Some(false),
        bonus: Some(Bonus {
            init_bonus: Some(100),
            bonus_value_word: text("积分"),
            bonus_cost_word: text("500积分=1杯茶"),
            ..Bonus::default()
        }),
        ..Card::default()
    }
}

fn member() -> UserCard {
    UserCard {
        card_id: text(MERCHANT_CARD),
        code: Some(MERCHANT_CODE.into()),
        openid: Some("obLatjnx9gnqzS4myYGmLZ7LgLBA".into()),
        membership_number: Some(MERCHANT_CODE.into()),
        level: text("白银会员"),
        nickname: Some("林间".into()),
        head_image_url: Some("https://wx.qlogo.cn/mmopen/x8Kq/0".into()),
        background_picture_url: text(PICTURE),
        // The official update example says that this was the balance before.
        balance: Some(888),
        user_card_status: Some(UserCardStatus::Effective),
        user_information: Some(UserInformation {
            common_field_list: Some(vec![CommonFieldValue {
                name: Some(CommonFormField::UserFormFlagMobile),
                value: Some("13800000000".into()),
                ..CommonFieldValue::default()
            }]),
            custom_field_list: Some(vec![CustomFieldValue {
                name: text("喜欢的茶"),
                value: Some("红茶".into()),
                value_list: Some(vec!["红茶".into()]),
                ..CustomFieldValue::default()
            }]),
            ..UserInformation::default()
        }),
        bonus_value: Some(600),
        ..UserCard::default()
    }
}
