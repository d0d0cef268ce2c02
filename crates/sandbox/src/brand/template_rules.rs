//! What a template may say at creation and at an update.

use kabao_models::brand::{Card, CardType, CodeType, JumpTarget};

use super::review::{check_appid, check_notify_url, check_text, check_title};
use super::{Context, Core, Refused, Rule, form, validity};
use crate::settings::ConflictingSections;

/// Checks a new template.
pub(super) fn check_creation(
    core: &Core,
    context: &Context<'_>,
    card: &Card,
) -> Result<(), Refused> {
    let levels = card.need_display_level == Some(true);
    if levels && card.init_level.as_ref().is_none_or(String::is_empty) {
        return Err(Refused::at(Rule::LevelMissing, "init_level", ""));
    }
    if let (false, Some(level)) = (levels, &card.init_level) {
        return Err(Refused::at(
            Rule::LevelUnwanted,
            "init_level",
            level.as_str(),
        ));
    }
    let jumps = card.code_type == Some(CodeType::JumpMiniProgram);
    match (jumps, &card.code_jump_information) {
        (true, None) => {
            return Err(Refused::at(
                Rule::CodeJumpMissing,
                "code_jump_information",
                "",
            ));
        }
        (false, Some(_)) if conflicts_refused(context) => {
            return Err(Refused::at(
                Rule::CodeJumpUnwanted,
                "code_jump_information",
                "",
            ));
        }
        _ => {}
    }
    check_appid(context, "appid", card.appid.as_deref().unwrap_or_default())?;
    check_members(core, context, card, card.card_type.as_ref())?;
    card.valid_date_information
        .as_ref()
        .map_or(Ok(()), |information| {
            validity::check_template(context, information, None)
        })
}

/// Tells whether sections that do not belong to the kind of the template are refused.
fn conflicts_refused(context: &Context<'_>) -> bool {
    context.rules.conflicting_sections == ConflictingSections::Refuse
}

/// Checks the members that an update has.
pub(super) fn check_update(
    core: &Core,
    context: &Context<'_>,
    card: &Card,
    change: &Card,
) -> Result<(), Refused> {
    let jumps = card.code_type == Some(CodeType::JumpMiniProgram);
    if change.code_jump_information.is_some() && !jumps && conflicts_refused(context) {
        return Err(Refused::at(
            Rule::CodeJumpFixed,
            "code_jump_information",
            "",
        ));
    }
    let shows_level = change.need_display_level == Some(true);
    let has_level = change.init_level.is_some() || card.init_level.is_some();
    if shows_level && !has_level && !context.rules.update_may_show_level {
        return Err(Refused::at(Rule::LevelMissing, "need_display_level", true));
    }
    check_members(core, context, change, card.card_type.as_ref())?;
    let kind = card
        .valid_date_information
        .as_ref()
        .and_then(|known| known.r#type.as_ref());
    change
        .valid_date_information
        .as_ref()
        .map_or(Ok(()), |information| {
            validity::check_template(context, information, kind)
        })
}

/// Checks what creation and update have in common.
fn check_members(
    core: &Core,
    context: &Context<'_>,
    card: &Card,
    kind: Option<&CardType>,
) -> Result<(), Refused> {
    let conflicts_refused = conflicts_refused(context);
    if card.balance_information.is_some() && kind != Some(&CardType::Balance) && conflicts_refused {
        return Err(Refused::at(
            Rule::BalanceUnwanted,
            "balance_information",
            "",
        ));
    }
    if let Some(purchase) = &card.purchase_information {
        if kind != Some(&CardType::Purchase) && conflicts_refused {
            return Err(Refused::at(
                Rule::PurchaseUnwanted,
                "purchase_information",
                "",
            ));
        }
        if let Some(price @ ..=0) = purchase.price {
            return Err(Refused::at(
                Rule::PriceNotPositive,
                "purchase_information/price",
                price,
            ));
        }
        let target = JumpTarget {
            jump_appid: purchase.jump_appid.clone(),
            jump_path: purchase.jump_path.clone(),
            ..JumpTarget::default()
        };
        check_jump(context, "purchase_information", Some(&target))?;
    }
    for (member, target) in [
        ("member_information", &card.member_information),
        ("code_jump_information", &card.code_jump_information),
        ("points_information", &card.points_information),
        ("balance_information", &card.balance_information),
    ] {
        check_jump(context, member, target.as_ref())?;
    }
    if let Some(title) = &card.card_title {
        check_title(title)?;
    }
    for (member, text) in [
        ("card_title", &card.card_title),
        ("benefits", &card.benefits),
        ("init_level", &card.init_level),
        ("legal_agreement", &card.legal_agreement),
    ] {
        check_text(context, member, text.as_ref())?;
    }
    core.check_picture(context, card.card_picture_url.as_ref())?;
    if let Some(url) = &card.notify_url {
        check_notify_url(context, url)?;
    }
    card.user_information
        .as_ref()
        .map_or(Ok(()), form::check_definition)
}

fn check_jump(
    context: &Context<'_>,
    member: &str,
    target: Option<&JumpTarget>,
) -> Result<(), Refused> {
    let Some(target) = target else { return Ok(()) };
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    match &target.jump_appid {
        Some(appid) if given(&target.jump_appid) && given(&target.jump_path) => {
            check_appid(context, &format!("{member}/jump_appid"), appid)
        }
        _ => Err(Refused::at(Rule::JumpIncomplete, member, "")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use kabao_models::brand::{
        CodeMode, CommonField, CustomFieldType, CustomFormField, PurchaseInformation,
        UserInformationForm, ValidDateInformation, ValidDateType,
    };

    use super::super::testing::{CARD, context, core};
    use super::super::validity::tests::{permanent, range, term};
    use super::*;
    use crate::settings;

    pub(in crate::brand) fn jump(path: &str) -> JumpTarget {
        JumpTarget {
            jump_appid: Some("wx1f2e3d4c5b6a7980".into()),
            jump_path: Some(path.into()),
            ..JumpTarget::default()
        }
    }

    /// What a request for a new template has.
    pub(in crate::brand) fn card(number: &str) -> Card {
        Card {
            out_request_no: Some(number.into()),
            appid: Some("wx1f2e3d4c5b6a7980".into()),
            card_type: Some(CardType::Normal),
            card_title: Some("HarborTea".into()),
            card_color: Some("#1A7F5A".into()),
            card_picture_url: Some("https://wxpaylogo.qpic.cn/wxpaylogo/face/0".into()),
            code_mode: Some(CodeMode::SystemAllocate),
            code_type: Some(CodeType::QrCode),
            benefits: Some("生日赠饮，会员价".into()),
            notify_url: Some("https://notify.example.com/wechatpay".into()),
            need_display_level: Some(true),
            init_level: Some("白银".into()),
            legal_agreement: Some("会员须知".into()),
            valid_date_information: Some(permanent()),
            member_information: Some(jump("/member")),
            user_information: Some(UserInformationForm {
                common_field_list: Some(vec![
                    CommonField::UserFormFlagSex,
                    CommonField::UserFormFlagBirthday,
                ]),
                custom_field_list: Some(vec![CustomFormField {
                    r#type: Some(CustomFieldType::Radio),
                    name: Some("喜欢的饮品".into()),
                    values: Some(vec!["茶".into(), "咖啡".into()]),
                    ..CustomFormField::default()
                }]),
                ..UserInformationForm::default()
            }),
            ..Card::default()
        }
    }

    fn purchase(price: i64) -> Option<PurchaseInformation> {
        Some(PurchaseInformation {
            price: Some(price),
            jump_appid: Some("wx1".into()),
            jump_path: Some("/buy".into()),
            ..PurchaseInformation::default()
        })
    }

    #[test]
    fn what_contradicts_itself_is_not_created() {
        let rules = settings::Brand {
            refused_texts: vec!["返利".into()],
            conflicting_sections: ConflictingSections::Refuse,
            ..settings::Brand::default()
        };
        for (change, expected) in [
            (
                Card {
                    init_level: None,
                    ..card("n")
                },
                Rule::LevelMissing,
            ),
            (
                Card {
                    need_display_level: None,
                    ..card("n")
                },
                Rule::LevelUnwanted,
            ),
            (
                Card {
                    code_type: Some(CodeType::JumpMiniProgram),
                    ..card("n")
                },
                Rule::CodeJumpMissing,
            ),
            (
                Card {
                    code_jump_information: Some(jump("/code")),
                    ..card("n")
                },
                Rule::CodeJumpUnwanted,
            ),
            (
                Card {
                    balance_information: Some(jump("/balance")),
                    ..card("n")
                },
                Rule::BalanceUnwanted,
            ),
            (
                Card {
                    purchase_information: purchase(990),
                    ..card("n")
                },
                Rule::PurchaseUnwanted,
            ),
            (
                Card {
                    card_type: Some(CardType::Purchase),
                    purchase_information: purchase(0),
                    ..card("n")
                },
                Rule::PriceNotPositive,
            ),
            (
                Card {
                    appid: Some("gh_1".into()),
                    ..card("n")
                },
                Rule::AppidUnbound,
            ),
            (
                Card {
                    member_information: Some(JumpTarget::default()),
                    ..card("n")
                },
                Rule::JumpIncomplete,
            ),
            (
                Card {
                    points_information: Some(JumpTarget {
                        jump_appid: Some("nobody".into()),
                        ..jump("/points")
                    }),
                    ..card("n")
                },
                Rule::AppidUnbound,
            ),
            (
                Card {
                    card_title: Some("高额返利".into()),
                    ..card("n")
                },
                Rule::ContentRefused,
            ),
            (
                Card {
                    card_title: Some("Harbor Tea".into()),
                    ..card("n")
                },
                Rule::TitleCharacters,
            ),
            (
                Card {
                    notify_url: Some("notify".into()),
                    ..card("n")
                },
                Rule::NotifyUrlInvalid,
            ),
            (
                Card {
                    valid_date_information: Some(term(0)),
                    ..card("n")
                },
                Rule::DaysNotPositive,
            ),
        ] {
            let mut core = core();
            let refused = core.create_template(&context(&rules), change).unwrap_err();
            assert_eq!(refused.rule, expected);
            assert!(core.effects.is_empty());
        }
    }

    #[test]
    fn an_update_must_fit_the_template() {
        let rules = settings::Brand {
            update_may_show_level: false,
            conflicting_sections: ConflictingSections::Refuse,
            bound_appids: vec!["wx1".into()],
            ..settings::Brand::default()
        };
        for (change, expected) in [
            (
                Card {
                    code_jump_information: Some(jump("/code")),
                    ..Card::default()
                },
                Rule::CodeJumpFixed,
            ),
            (
                Card {
                    balance_information: Some(jump("/b")),
                    ..Card::default()
                },
                Rule::BalanceUnwanted,
            ),
            (
                Card {
                    purchase_information: purchase(1),
                    ..Card::default()
                },
                Rule::PurchaseUnwanted,
            ),
            (
                Card {
                    member_information: Some(jump("/m")),
                    ..Card::default()
                },
                Rule::AppidUnbound,
            ),
            (
                Card {
                    valid_date_information: Some(term(3)),
                    ..Card::default()
                },
                Rule::ValidityType,
            ),
        ] {
            let refused = core()
                .update_template(&context(&rules), CARD, change)
                .unwrap_err();
            assert_eq!(refused.rule, expected);
        }
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().card.init_level = None;
        let change = Card {
            need_display_level: Some(true),
            ..Card::default()
        };
        let refused = core
            .update_template(&context(&rules), CARD, change)
            .unwrap_err();
        assert_eq!(refused.rule, Rule::LevelMissing);
    }

    #[test]
    fn sections_of_another_kind_are_stored_without_effect() {
        let days = |information| ValidDateInformation {
            available_day_after_receive: Some(200),
            ..information
        };
        let sections = Card {
            code_jump_information: Some(jump("/code")),
            balance_information: Some(jump("/balance")),
            purchase_information: purchase(100),
            valid_date_information: Some(days(range("2020-05-20", "2030-05-20"))),
            ..Card::default()
        };
        let rules = settings::Brand::default();
        let context = context(&rules);
        let mut core = core();
        let updated = core.update_template(&context, CARD, sections.clone());
        let created = core.create_template(
            &context,
            Card {
                code_jump_information: sections.code_jump_information.clone(),
                balance_information: sections.balance_information.clone(),
                purchase_information: sections.purchase_information.clone(),
                valid_date_information: sections.valid_date_information.clone(),
                ..card("n")
            },
        );
        for shown in [updated.unwrap(), created.unwrap()] {
            let card_id = shown.card_id.clone().unwrap();
            assert_eq!(core.get_template(&context, &card_id).unwrap(), shown);
            assert_eq!(shown.code_jump_information, sections.code_jump_information);
            assert_eq!(shown.balance_information, sections.balance_information);
            assert_eq!(shown.purchase_information, sections.purchase_information);
            assert_eq!(
                shown.valid_date_information,
                sections.valid_date_information
            );
            let template = core.template(&context, &card_id).unwrap();
            assert!(!template.jumps_from_code() && !template.is_expired(&context));
        }
        // The kind that the template had is the one that counts.
        let template = core.template(&context, CARD).unwrap();
        assert_eq!(template.validity_type(), Some(&ValidDateType::Permanent));
        let over = Card {
            valid_date_information: Some(range("2020-05-20", "2021-05-20")),
            ..Card::default()
        };
        core.update_template(&context, CARD, over).unwrap();
        assert!(
            core.get_template(&context, CARD)
                .unwrap()
                .valid_date_information
                .is_some()
        );
        assert!(!core.template(&context, CARD).unwrap().is_expired(&context));
        let own = Card {
            valid_date_information: Some(permanent()),
            ..Card::default()
        };
        let shown = core.update_template(&context, CARD, own).unwrap();
        assert_eq!(shown.valid_date_information, Some(permanent()));
        // What is wrong whatever the kind is still refused.
        for (change, expected) in [
            (
                Card {
                    purchase_information: purchase(0),
                    ..Card::default()
                },
                Rule::PriceNotPositive,
            ),
            (
                Card {
                    balance_information: Some(JumpTarget::default()),
                    ..Card::default()
                },
                Rule::JumpIncomplete,
            ),
            (
                Card {
                    valid_date_information: Some(term(0)),
                    ..Card::default()
                },
                Rule::DaysNotPositive,
            ),
            (
                Card {
                    valid_date_information: Some(days(range("2030-05-20", "2020-05-20"))),
                    ..Card::default()
                },
                Rule::BeginAfterEnd,
            ),
        ] {
            let refused = core.update_template(&context, CARD, change).unwrap_err();
            assert_eq!(refused.rule, expected);
        }
    }
}
