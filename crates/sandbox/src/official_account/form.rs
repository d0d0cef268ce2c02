//! One-click activation: the form, its submission, the ticket of the jump type.

use kabao_models::official_account::UserInfo;
use kabao_models::official_account::member::{ActivateForm, SetActivateUserForm};
use serde::Serialize;

use super::template::ActivationMode;
use super::{Context, Core};
use crate::official_account::Refused;
use crate::random;

/// What a submitted form left for the merchant to read.
pub(super) struct Ticket {
    appid: String,
    info: UserInfo,
    expires: i64,
    used: bool,
}

/// A user submits the form of a card.
pub(crate) struct Submission {
    pub(crate) card_id: String,
    pub(crate) code: String,
    pub(crate) info: UserInfo,
}

/// What the page after the form gets.
#[derive(Serialize)]
pub(crate) struct Submitted {
    pub(crate) card_id: String,
    pub(crate) code: String,
    pub(crate) openid: String,
    /// Whether the card is active now.
    pub(crate) has_active: bool,
    /// The ticket for `activatetempinfo/get`; only with the jump type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activate_ticket: Option<String>,
    /// The code for `/card/code/decrypt`; only with the jump type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encrypt_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outer_str: Option<String>,
}

impl Core {
    /// Sets the form of a card.
    pub(crate) fn set_form(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        new: &SetActivateUserForm,
    ) -> Result<(), Refused> {
        let template = self.live_template(context, card_id)?;
        let after = match (&template.form, context.rules.form_set_replaces) {
            (Some(before), false) => {
                crate::overlay::overlay(before, new, &[]).ok_or(Refused::Internal)?
            }
            _ => new.clone(),
        };
        self.change_template(card_id, |template| template.form = Some(after));
        Ok(())
    }

    /// A user submits the form: the card is active then, or, with the jump type, the merchant gets
    /// a ticket and decides. Members may submit again what the form lets them modify.
    pub(crate) fn submit_form(
        &mut self,
        context: &Context<'_>,
        submission: Submission,
    ) -> Result<Submitted, Refused> {
        let Submission {
            card_id,
            code,
            info,
        } = submission;
        let (key, template, card) = self.held(&card_id, &code)?;
        card.check_usable(context, template)?;
        let mode = template.activation_mode();
        if !matches!(
            mode,
            ActivationMode::OneClick | ActivationMode::JumpOneClick
        ) {
            return Err(Refused::Action("the card is not activated by a form"));
        }
        let form = template
            .form
            .as_ref()
            .ok_or(Refused::Action("the card has no form yet"))?;
        if card.has_active && !can_modify(form) {
            return Err(Refused::Action(
                "the card is active and its form cannot be modified",
            ));
        }
        if !card.has_active
            && let Some(required) = &form.required_form
        {
            let missing = missing_fields(required, &info);
            if !missing.is_empty() {
                return Err(Refused::FormIncomplete(missing.join(", ")));
            }
        }
        let mut after = card.clone();
        after.user_info = info.clone();
        let (openid, outer_str, was_active) = (
            after.openid.clone(),
            after.outer_str.clone(),
            after.has_active,
        );
        let appid = template.appid.clone();
        self.put_member(key.clone(), after);
        let mut submitted = Submitted {
            card_id,
            code,
            openid,
            has_active: was_active,
            activate_ticket: None,
            encrypt_code: None,
            outer_str,
        };
        if was_active {
            return Ok(submitted);
        }
        if mode == ActivationMode::OneClick {
            self.activate_itself(context, &key)?;
            submitted.has_active = true;
        } else {
            let ticket = random::secret(64);
            let expires = context
                .now
                .saturating_add(context.rules.activate_ticket_seconds);
            self.tickets.insert(
                ticket.clone(),
                Ticket {
                    appid,
                    info,
                    expires,
                    used: false,
                },
            );
            submitted.activate_ticket = Some(ticket);
            submitted.encrypt_code = Some(self.encrypt_code(&key));
        }
        Ok(submitted)
    }

    /// Reads what was submitted under a ticket.
    pub(crate) fn temporary_info(
        &mut self,
        context: &Context<'_>,
        ticket: &str,
    ) -> Result<UserInfo, Refused> {
        let invalid = Refused::Chosen {
            errcode: context.rules.activate_ticket_errcode,
            errmsg: "invalid activate_ticket",
        };
        let Some(ticket) = self
            .tickets
            .get_mut(ticket)
            .filter(|ticket| ticket.appid == context.appid)
        else {
            return Err(invalid);
        };
        if context.now >= ticket.expires
            || (ticket.used && context.rules.activate_ticket_single_use)
        {
            return Err(invalid);
        }
        ticket.used = true;
        Ok(shown(&ticket.info))
    }
}

/// Returns what a user entered as the service answers it: both lists, and every member of every
/// entry, whatever is empty.
pub(super) fn shown(info: &UserInfo) -> UserInfo {
    let mut shown = info.clone();
    for field in shown.common_field_list.get_or_insert_default() {
        field.name.get_or_insert_with(|| "".into());
        field.value.get_or_insert_with(|| "".into());
    }
    for field in shown.custom_field_list.get_or_insert_default() {
        field.name.get_or_insert_default();
        field.value.get_or_insert_with(|| "".into());
        field.value_list.get_or_insert_default();
    }
    shown
}

fn can_modify(form: &SetActivateUserForm) -> bool {
    [&form.required_form, &form.optional_form]
        .into_iter()
        .flatten()
        .any(|part| part.can_modify == Some(true))
}

/// Lists the required fields that are not filled in, by the names that the form gives them.
fn missing_fields(required: &ActivateForm, info: &UserInfo) -> Vec<String> {
    let is_given = |name: &str| {
        info.custom_field_list.iter().flatten().any(|given| {
            let value = given.value.as_ref().is_some_and(|value| !value.is_empty());
            let values = given
                .value_list
                .as_ref()
                .is_some_and(|values| !values.is_empty());
            given.name.as_deref() == Some(name) && (value || values)
        })
    };
    let common = required
        .common_field_id_list
        .iter()
        .flatten()
        .filter(|field| {
            !info.common_field_list.iter().flatten().any(|given| {
                given.name.as_ref() == Some(field)
                    && given.value.as_ref().is_some_and(|value| !value.is_empty())
            })
        })
        .map(|field| field.as_str().to_owned());
    let custom = required.custom_field_list.iter().flatten().cloned();
    let rich = required
        .rich_field_list
        .iter()
        .flatten()
        .map(|field| field.name.clone().unwrap_or_default());
    common
        .chain(custom.chain(rich).filter(|name| !is_given(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::{CommonFieldValue, CommonFormField, CustomFieldValue};
    use serde_json::json;

    use super::*;
    use crate::official_account::testing::World;

    fn form(card_id: &str, can_modify: bool) -> SetActivateUserForm {
        SetActivateUserForm {
            required_form: Some(ActivateForm {
                can_modify: Some(can_modify),
                common_field_id_list: Some(vec![CommonFormField::UserFormInfoFlagMobile]),
                ..ActivateForm::default()
            }),
            ..SetActivateUserForm::new(card_id)
        }
    }

    fn info(phone: &str) -> UserInfo {
        let field = CommonFieldValue {
            name: Some(CommonFormField::UserFormInfoFlagMobile),
            value: Some(phone.into()),
            ..CommonFieldValue::default()
        };
        UserInfo {
            common_field_list: Some(vec![field]),
            ..UserInfo::default()
        }
    }

    fn submit(
        world: &mut World,
        card_id: &str,
        code: &str,
        info: UserInfo,
    ) -> Result<Submitted, Refused> {
        let submission = Submission {
            card_id: card_id.into(),
            code: code.into(),
            info,
        };
        world.run(|core, context| core.submit_form(context, submission))
    }

    #[test]
    fn every_entry_of_a_submitted_form_has_all_its_members() {
        let custom = CustomFieldValue {
            name: Some("座位".into()),
            value_list: Some(vec!["窗边".into()]),
            ..CustomFieldValue::default()
        };
        let entered = UserInfo {
            common_field_list: Some(vec![CommonFieldValue {
                name: Some(CommonFormField::UserFormInfoFlagSex),
                ..CommonFieldValue::default()
            }]),
            custom_field_list: Some(vec![custom, CustomFieldValue::default()]),
            ..UserInfo::default()
        };
        for (entered, expected) in [
            (
                entered,
                json!({
                    "common_field_list": [{ "name": "USER_FORM_INFO_FLAG_SEX", "value": "" }],
                    "custom_field_list": [
                        { "name": "座位", "value": "", "value_list": ["窗边"] },
                        { "name": "", "value": "", "value_list": [] },
                    ],
                }),
            ),
            (
                UserInfo::default(),
                json!({ "common_field_list": [], "custom_field_list": [] }),
            ),
        ] {
            assert_eq!(serde_json::to_value(shown(&entered)).unwrap(), expected);
        }
    }

    #[test]
    fn a_one_click_card_is_active_after_a_complete_form() {
        let mut world = World::new();
        let card_id = world.approved(|card| card.wx_activate = Some(true));
        let code = world.claim(&card_id, "oNew");
        assert!(
            submit(&mut world, &card_id, &code, info("13800000000")).is_err(),
            "no form yet"
        );
        world
            .run(|core, context| core.set_form(context, &card_id, &form(&card_id, false)))
            .unwrap();
        assert!(
            submit(&mut world, &card_id, &code, UserInfo::default()).is_err(),
            "phone missing"
        );
        let submitted = submit(&mut world, &card_id, &code, info("13800000000")).unwrap();
        assert!(submitted.has_active && submitted.activate_ticket.is_none());
        let shown = world
            .run(|core, context| core.get_member(context, &card_id, &code))
            .unwrap();
        let complete = UserInfo {
            custom_field_list: Some(Vec::new()),
            ..info("13800000000")
        };
        assert_eq!(
            (shown.has_active, shown.user_info),
            (Some(true), Some(complete))
        );
        assert!(
            submit(&mut world, &card_id, &code, info("13900000000")).is_err(),
            "cannot be modified"
        );
        world
            .run(|core, context| core.set_form(context, &card_id, &form(&card_id, true)))
            .unwrap();
        assert!(submit(&mut world, &card_id, &code, info("13900000000")).is_ok());
    }

    #[test]
    fn a_jump_type_card_leaves_a_ticket_that_is_read_once_and_in_time() {
        let mut world = World::new();
        let card_id = world.approved(|card| {
            card.wx_activate = Some(true);
            card.wx_activate_after_submit = Some(true);
        });
        let code = world.claim(&card_id, "oNew");
        world
            .run(|core, context| core.set_form(context, &card_id, &form(&card_id, false)))
            .unwrap();
        let submitted = submit(&mut world, &card_id, &code, info("13800000000")).unwrap();
        assert!(!submitted.has_active);
        let encrypted = submitted.encrypt_code.unwrap();
        assert_eq!(
            world.run(|core, context| core.decrypt_code(context, &encrypted)),
            Ok(code.clone())
        );
        let ticket = submitted.activate_ticket.unwrap();
        let read =
            |world: &mut World| world.run(|core, context| core.temporary_info(context, &ticket));
        let complete = UserInfo {
            custom_field_list: Some(Vec::new()),
            ..info("13800000000")
        };
        assert_eq!(read(&mut world), Ok(complete));
        assert_eq!(read(&mut world).unwrap_err().errcode(), 47001);
        world.rules.activate_ticket_single_use = false;
        assert!(read(&mut world).is_ok());
        world.now += 7_200;
        assert!(read(&mut world).is_err());
    }

    #[test]
    fn the_setting_decides_whether_a_second_form_replaces_the_first() {
        for replaces in [true, false] {
            let mut world = World::new();
            world.rules.form_set_replaces = replaces;
            let card_id = world.approved(|card| card.wx_activate = Some(true));
            let optional = SetActivateUserForm {
                optional_form: Some(ActivateForm::default()),
                ..SetActivateUserForm::new(card_id.as_str())
            };
            world
                .run(|core, context| core.set_form(context, &card_id, &form(&card_id, false)))
                .unwrap();
            world
                .run(|core, context| core.set_form(context, &card_id, &optional))
                .unwrap();
            let state = world
                .core
                .templates()
                .find(|state| state.card_id == card_id)
                .unwrap();
            assert_eq!(
                state.activate_user_form.unwrap().required_form.is_none(),
                replaces
            );
        }
    }

    #[test]
    fn required_fields_that_are_left_out_are_named() {
        let required: ActivateForm = serde_json::from_value(serde_json::json!({
            "common_field_id_list": ["USER_FORM_INFO_FLAG_MOBILE", "USER_FORM_INFO_FLAG_SEX"],
            "custom_field_list": ["座位"],
            "rich_field_list": [{"type": "FORM_FIELD_RADIO", "name": "茶", "values": ["红茶"]}],
        }))
        .unwrap();
        assert_eq!(
            missing_fields(&required, &info("13800000000")),
            ["USER_FORM_INFO_FLAG_SEX", "座位", "茶"]
        );
        let refused = Refused::FormIncomplete("座位".into());
        assert_eq!(
            refused.errmsg(),
            "required fields of the form are missing: 座位"
        );
    }
}
