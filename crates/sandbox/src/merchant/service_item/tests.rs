use kabao_models::Answer as _;
use kabao_models::merchant::{ContentTemplateData, MessageTemplateSetting};

use super::super::testing::{CARD, CODE, context, core, rules};
use super::*;
use crate::settings;

fn jump(path: &str) -> JumpMiniprogram {
    JumpMiniprogram {
        appid: Some("wx7b20d4e6f8a1c359".into()),
        path: Some(path.into()),
        ..JumpMiniprogram::default()
    }
}

fn with_item() -> Core {
    let mut core = core();
    let request = AddServiceModule {
        jump_miniprogram: Some(jump("a")),
        ..AddServiceModule::new(CARD, "731")
    };
    let answer = core.add_service(&context(&rules()), &request).unwrap();
    assert!(answer.strict_violations().is_empty());
    core
}

fn fields(pairs: &[(&str, &str)]) -> Option<Vec<TemplateField>> {
    let field = |(id, value): &(&str, &str)| TemplateField {
        field_id: Some((*id).into()),
        field_value: Some((*value).into()),
        ..TemplateField::default()
    };
    Some(pairs.iter().map(field).collect())
}

fn state(
    id: &str,
    content: &[(&str, &str)],
    message: Option<(&str, &[(&str, &str)])>,
) -> StateSetting {
    StateSetting {
        state_id: Some(id.into()),
        content_template_data: Some(ContentTemplateData {
            field_list: fields(content),
            ..ContentTemplateData::default()
        }),
        message_template_setting: message.map(|(id, list)| MessageTemplateSetting {
            message_template_id: Some(id.into()),
            field_list: fields(list),
            ..MessageTemplateSetting::default()
        }),
        ..StateSetting::default()
    }
}

fn set(core: &mut Core, number: &str, item: &str, setting: StateSetting) -> Result<(), Refused> {
    let request = SetUserCardService::new(CARD, CODE, number, item, setting);
    core.set_user_service(&context(&rules()), &request)
}

#[test]
fn an_item_is_added_once_changed_and_removed() {
    let mut core = with_item();
    let rules = rules();
    let context = context(&rules);
    let again = core.add_service(&context, &AddServiceModule::new(CARD, "731"));
    assert_eq!(again, Err(Rule::ServiceAlreadyAdded.into()));
    let cleared = core
        .update_service(&context, &UpdateServiceModule::new(CARD, "731"))
        .unwrap();
    assert!(cleared.jump_miniprogram.is_none());
    set(
        &mut core,
        "number-1",
        "731",
        state("CHECKED_IN", &[("hotel_name", "海港店")], None),
    )
    .unwrap();
    assert!(
        core.get_member(&context, CARD, CODE)
            .unwrap()
            .service_modules
            .is_some()
    );
    let remove = RemoveServiceModule::new(CARD, "731");
    core.remove_service(&context, &remove).unwrap();
    assert!(
        core.get_template(&context, CARD)
            .unwrap()
            .service_modules
            .is_none()
    );
    assert!(
        core.get_member(&context, CARD, CODE)
            .unwrap()
            .service_modules
            .is_none()
    );
    assert_eq!(
        core.remove_service(&context, &remove),
        Err(Rule::ServiceNotAdded.into())
    );
}

#[test]
fn the_catalogue_decides_about_items() {
    let unknown = core().add_service(&context(&rules()), &AddServiceModule::new(CARD, "999"));
    assert_eq!(unknown, Err(Rule::ServiceUnknown.into()));
    let narrow = settings::Merchant {
        granted_service_items: vec!["732".into()],
        ..rules()
    };
    let refused = core().add_service(&context(&narrow), &AddServiceModule::new(CARD, "731"));
    assert_eq!(refused, Err(Rule::ServiceNotGranted.into()));
    let empty = AddServiceModule {
        jump_miniprogram: Some(jump(" ")),
        ..AddServiceModule::new(CARD, "731")
    };
    let refused = core().add_service(&context(&rules()), &empty);
    assert_eq!(refused, Err(Rule::ServiceSettingWrong.into()));
}

#[test]
fn a_state_must_be_what_the_item_offers() {
    let content = [("hotel_name", "海港店")];
    for (item, setting, expected) in [
        ("732", state("WAITING", &[], None), Rule::ServiceNotAdded),
        ("999", state("WAITING", &[], None), Rule::ServiceUnknown),
        (
            "731",
            state("WAITING", &[], None),
            Rule::ServiceStateUnknown,
        ),
        (
            "731",
            state("CHECKED_IN", &[("queue_number", "1")], None),
            Rule::ServiceFieldUnknown,
        ),
        (
            "731",
            state("CHECKED_IN", &content, Some(("nothing", &[]))),
            Rule::ServiceMessageUnknown,
        ),
        (
            "731",
            state("CHECKED_IN", &content, Some(("T3kLr8Qz", &[]))),
            Rule::ServiceMessageEmpty,
        ),
        (
            "731",
            state(
                "CHECKED_IN",
                &content,
                Some(("T3kLr8Qz", &[("keyword1", " ")])),
            ),
            Rule::ServiceMessageEmpty,
        ),
        (
            "731",
            state(
                "CHECKED_IN",
                &content,
                Some(("T3kLr8Qz", &[("keyword9", "x")])),
            ),
            Rule::ServiceSettingWrong,
        ),
        (
            "731",
            state(
                "CHECKED_IN",
                &[("hotel_name", "a"), ("hotel_name", "b")],
                None,
            ),
            Rule::ServiceSettingWrong,
        ),
    ] {
        assert_eq!(
            set(&mut with_item(), "number-1", item, setting),
            Err(expected.into())
        );
    }
}

#[test]
fn a_newer_state_replaces_the_older_one_and_a_repeat_does_nothing() {
    let mut core = with_item();
    core.effects.clear();
    let message: (&str, &[(&str, &str)]) = ("T3kLr8Qz", &[("keyword1", "海港店")]);
    let checked_in = || state("CHECKED_IN", &[("room_number", "808")], Some(message));
    set(&mut core, "number-1", "731", checked_in()).unwrap();
    set(&mut core, "number-1", "731", checked_in()).unwrap();
    set(
        &mut core,
        "number-2",
        "731",
        state("CHECKED_OUT", &[], None),
    )
    .unwrap();
    let modules = core
        .get_member(&context(&rules()), CARD, CODE)
        .unwrap()
        .service_modules
        .unwrap();
    assert_eq!(modules.len(), 1);
    let shown = modules[0]
        .state_setting
        .as_ref()
        .and_then(|setting| setting.state_id.as_deref());
    assert_eq!((shown, core.effects.len()), (Some("CHECKED_OUT"), 2));
}

#[test]
fn the_settings_decide_whether_an_item_needs_a_mini_program() {
    let rules = settings::Merchant {
        service_needs_miniprogram: true,
        ..rules()
    };
    let missing = || Refused::Required("jump_miniprogram");
    let added = core().add_service(&context(&rules), &AddServiceModule::new(CARD, "731"));
    assert_eq!(added, Err(missing()));
    let mut core = with_item();
    let update = UpdateServiceModule::new(CARD, "731");
    let updated = core.update_service(&context(&rules), &update);
    assert_eq!(updated, Err(missing()));
    let remove = RemoveServiceModule::new(CARD, "731");
    core.remove_service(&context(&rules), &remove).unwrap();
}
