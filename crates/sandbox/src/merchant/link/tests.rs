use kabao_models::Answer as _;
use kabao_models::merchant::UserCardStatus;

use super::super::claim::tests::claim_of;
use super::super::testing::{CARD, context, core, rules};
use super::*;
use crate::clock::plus_days;
use crate::settings;

fn jumping() -> CreateCardQrcode {
    CreateCardQrcode {
        activate_url: Some("https://example.com/member?shop=7".into()),
        outer_str: Some("sz_store_007".into()),
        ..CreateCardQrcode::new(CARD, ActivateType::JumpActivate)
    }
}

#[test]
fn a_qr_code_sends_the_user_to_the_page_with_a_pass() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let answer = core.create_qrcode(&context, &jumping()).unwrap();
    assert!(answer.strict_violations().is_empty());
    let opened = core
        .open_link(&context, &answer.url.unwrap(), &claim_of("oNew"))
        .unwrap();
    let Some(Destination::Page { url, pass }) = opened.jump else {
        panic!("not a page")
    };
    assert!(
        url.starts_with("https://example.com/member?shop=7&openid=oNew&encrypt_code="),
        "{url}"
    );
    assert!(url.contains(&pass.encrypt_code) && url.ends_with(&pass.activate_ticket));
    assert_eq!(
        opened.card.user_card_status,
        Some(UserCardStatus::NotActivate)
    );
    let scene = core
        .members
        .values()
        .find_map(|member| member.outer_str.clone());
    assert_eq!(scene.as_deref(), Some("sz_store_007"));
}

#[test]
fn the_mini_program_wins_and_gets_the_code_in_clear() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let request = CreatePermissionToken {
        activate_url: Some("https://example.com/member".into()),
        activate_appid: Some("wx1".into()),
        activate_path: Some("pages/join".into()),
        ..CreatePermissionToken::new(CARD, ActivateType::JumpActivate)
    };
    let answer = core.create_permission_token(&context, &request).unwrap();
    assert!(answer.strict_violations().is_empty());
    let token = answer.permission_token.unwrap().into_exposed();
    let opened = core.open_link(&context, &token, &claim_of("oNew")).unwrap();
    let Some(Destination::MiniProgram { code, .. }) = opened.jump else {
        panic!("not a mini program")
    };
    assert_eq!(opened.card.code.unwrap().expose(), code);
}

#[test]
fn tokens_die_by_time_and_by_use_if_the_settings_say_so() {
    let mut core = core();
    let rules = settings::Merchant {
        permission_token_single_use: true,
        ..rules()
    };
    let context = context(&rules);
    let request = CreatePermissionToken::new(CARD, ActivateType::AutoActivate);
    let mut token = || {
        let answer = core.create_permission_token(&context, &request).unwrap();
        answer.permission_token.unwrap().into_exposed()
    };
    let (first, second) = (token(), token());
    let card = core
        .open_link(&context, &first, &claim_of("o1"))
        .unwrap()
        .card;
    assert_eq!(card.user_card_status, Some(UserCardStatus::Effective));
    let refused = core.open_link(&context, &first, &claim_of("o2")).err();
    assert_eq!(refused, Some(Rule::LinkInvalid.into()));
    let late = Context {
        now: plus_days(context.now, 1),
        ..context
    };
    assert_eq!(
        core.open_link(&late, &second, &claim_of("o2")).err(),
        Some(Rule::LinkInvalid.into())
    );
}

#[test]
fn links_need_their_targets_and_the_right_template() {
    let rules = rules();
    let no_page = CreateCardQrcode {
        activate_url: None,
        ..jumping()
    };
    let no_path = CreateCardQrcode {
        activate_appid: Some("wx1".into()),
        ..jumping()
    };
    for (request, expected) in [
        (no_page, Refused::Required("activate_url")),
        (no_path, Refused::Required("activate_path")),
    ] {
        assert_eq!(
            core().create_qrcode(&context(&rules), &request),
            Err(expected)
        );
    }
    let mut core = core();
    core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::RealTime);
    let refused = core.create_qrcode(&context(&rules), &jumping());
    assert_eq!(refused, Err(Rule::QrcodeRealTime.into()));
    let request = CreatePermissionToken::new(CARD, ActivateType::AutoActivate);
    core.create_permission_token(&context(&rules), &request)
        .unwrap();
    let strict = settings::Merchant {
        refuse_real_time_tokens: true,
        ..rules
    };
    let refused = core.create_permission_token(&context(&strict), &request);
    assert_eq!(refused, Err(Rule::TokenRealTime.into()));
}

#[test]
fn a_failing_link_service_answers_500() {
    let rules = settings::Merchant {
        qr_links_fail: true,
        ..rules()
    };
    assert_eq!(
        core().create_qrcode(&context(&rules), &jumping()),
        Err(Rule::QrLinkFailed.into())
    );
}
