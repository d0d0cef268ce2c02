//! Request numbers that come again.

use std::sync::Arc;

use kabao_models::Sensitive;
use kabao_models::merchant::StateSetting;

use super::super::testing::{CARD, CODE, MERCHANT, core, now};
use super::super::{Refused, activity_rules, template_rules};
use super::*;
use crate::account::{Account, AccountConfig};
use crate::serve::{self, Call, Remarks, Serve};
use crate::settings::RepeatedNumber::{self, Apply, Refuse, Replay};
use crate::settings::Settings;

fn send<E: Serve<Core = Core>>(
    core: &mut Core,
    rule: RepeatedNumber,
    request: &E,
) -> Result<E::Answer, Refused> {
    let account = AccountConfig::merchant("demo-merchant", MERCHANT);
    let mut settings = Settings::default();
    settings.merchant.repeated_out_request_no = rule;
    let call = Call {
        operation: E::OPERATION,
        account: Arc::new(Account::new(account, None).unwrap()),
        now: now(),
        settings: Arc::new(settings),
        remarks: Remarks::default(),
    };
    serve::answer(core, &call, request.clone())
}

/// Checks what a request, the same again and another one under its number get under every rule.
fn check<E: Serve<Core = Core>>(start: fn() -> Core, first: &E, other: &E) {
    let used = Err(Refused::NumberUsed);
    for rule in [Replay, Refuse, Apply] {
        let mut core = start();
        let answer = send(&mut core, rule, first).unwrap();
        let effects = core.effects.len();
        let again = send(&mut core, rule, first);
        if rule == Replay {
            assert_eq!(again, Ok(answer), "{}", E::OPERATION.id);
        } else if rule == Refuse {
            assert_eq!(again, used, "{}", E::OPERATION.id);
        } else {
            assert_ne!(again, used, "{}", E::OPERATION.id);
        }
        let other = send(&mut core, rule, other);
        if rule == Apply {
            assert_ne!(other, used, "{}", E::OPERATION.id);
        } else {
            assert_eq!(other, used, "{}", E::OPERATION.id);
            assert_eq!(core.effects.len(), effects, "{}", E::OPERATION.id);
        }
    }
}

fn with_service() -> Core {
    let mut core = core();
    let request = service_modules::AddServiceModule::new(CARD, "731");
    send(&mut core, Replay, &request).unwrap();
    core
}

#[test]
fn the_settings_decide_about_repeated_numbers() {
    let update = |level: &str| user_cards::UpdateUserCard {
        level: Some(level.into()),
        ..user_cards::UpdateUserCard::new(CARD, CODE, "n-1")
    };
    check(core, &update("黄金会员"), &update("白银会员"));
    let rights = |points| models::user_card_rights::UpdateUserCardRights {
        bonus_value: Some(points),
        ..models::user_card_rights::UpdateUserCardRights::new(CARD, CODE, "n-1")
    };
    check(core, &rights(1), &rights(2));
    let by_openid = |openid: &str| user_cards::ImportUserCardByOpenid::new(CARD, openid, "n-1");
    check(core, &by_openid("oNew"), &by_openid("oOther"));
    let by_phone =
        |phone: &str| user_cards::ImportUserCardByPhone::new(CARD, Sensitive::plain(phone), "n-1");
    check(core, &by_phone("13800000417"), &by_phone("13800000418"));
    let template = |title: &str| cards::CreateCard {
        title: Some(title.into()),
        ..template_rules::tests::creation("n-1")
    };
    check(core, &template("茶港会员卡"), &template("茶港金卡"));
    let activity = |name: &str| activities::CreateActivity {
        activity_name: Some(name.into()),
        ..activity_rules::tests::creation("n-1")
    };
    check(core, &activity("春季开卡礼"), &activity("其他"));
    let service = |state: &str| {
        let setting = StateSetting {
            state_id: Some(state.into()),
            content_template_data: Some(Default::default()),
            ..StateSetting::default()
        };
        models::user_card_services::SetUserCardService::new(CARD, CODE, "n-1", "731", setting)
    };
    check(
        with_service,
        &service("CHECKED_IN"),
        &service("CHECKED_OUT"),
    );
}

#[test]
fn a_number_belongs_to_its_operation_and_is_used_up_by_success() {
    let mut core = core();
    let unknown = user_cards::UpdateUserCard::new(CARD, "nobody", "n-1");
    assert!(send(&mut core, Replay, &unknown).is_err());
    let update = user_cards::UpdateUserCard::new(CARD, CODE, "n-1");
    send(&mut core, Replay, &update).unwrap();
    let import = user_cards::ImportUserCardByOpenid::new(CARD, "oNew", "n-1");
    send(&mut core, Replay, &import).unwrap();
}

#[test]
fn every_numbered_operation_is_tried_here() {
    let numbered = |operation: &&&kabao_models::Operation| operation.request_number.is_some();
    assert_eq!(models::OPERATIONS.iter().filter(numbered).count(), 7);
}
