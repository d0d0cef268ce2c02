//! Service items: entries on a template, and the state that each user has of them.

use kabao_models::merchant::cards::CardServiceModule;
use kabao_models::merchant::service_modules::{
    AddServiceModule, RemoveServiceModule, ServiceModule, UpdateServiceModule,
};
use kabao_models::merchant::user_card_services::SetUserCardService;
use kabao_models::merchant::user_cards::UserServiceModule;
use kabao_models::merchant::{JumpMiniprogram, StateSetting, TemplateField};
use serde_json::json;

use super::core::Numbered;
use super::template_rules::is_empty;
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::ledger::differences;
use crate::settings::ServiceItem;

impl Core {
    /// Puts a service item on a template.
    pub(super) fn add_service(
        &mut self,
        context: &Context<'_>,
        request: &AddServiceModule,
    ) -> Result<ServiceModule, Refused> {
        let id = request.service_module_id.as_deref().ok_or(Refused::Required("service_module_id"))?;
        let jump = request.jump_miniprogram.as_ref();
        self.change_services(context, &request.card_id, id, jump, |modules| {
            if position(modules, id).is_ok() {
                return Err(Rule::ServiceAlreadyAdded.into());
            }
            modules.push(module(id, jump));
            Ok(())
        })?;
        Ok(answer(&request.card_id, id, jump))
    }

    /// Overwrites the mini program of a service item; leaving it out clears it.
    pub(super) fn update_service(
        &mut self,
        context: &Context<'_>,
        request: &UpdateServiceModule,
    ) -> Result<ServiceModule, Refused> {
        let id = request.service_module_id.as_str();
        let jump = request.jump_miniprogram.as_ref();
        self.change_services(context, &request.card_id, id, jump, |modules| {
            let index = position(modules, id)?;
            if let Some(entry) = modules.get_mut(index) {
                *entry = module(id, jump);
            }
            Ok(())
        })?;
        Ok(answer(&request.card_id, id, jump))
    }

    /// Takes a service item from a template and from the cards of its users.
    pub(super) fn remove_service(
        &mut self,
        context: &Context<'_>,
        request: &RemoveServiceModule,
    ) -> Result<(), Refused> {
        let id = request.service_module_id.as_str();
        self.change_services(context, &request.card_id, id, None, |modules| {
            let index = position(modules, id)?;
            modules.remove(index);
            Ok(())
        })?;
        let mut effects = Vec::new();
        for (key, member) in self.members.iter_mut().filter(|(key, _)| key.0 == request.card_id) {
            let before = member.card.clone();
            if let Some(modules) = &mut member.card.service_modules {
                modules.retain(|entry| entry.service_module_id.as_deref() != Some(id));
            }
            if member.card.service_modules.as_ref().is_some_and(Vec::is_empty) {
                member.card.service_modules = None;
            }
            effects.push((key.clone(), differences(&before, &member.card)));
        }
        for (key, changes) in effects {
            self.note_member(&key, None, changes);
        }
        Ok(())
    }

    fn change_services(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        id: &str,
        jump: Option<&JumpMiniprogram>,
        act: impl FnOnce(&mut Vec<CardServiceModule>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let template = self.template(context.merchant, card_id)?;
        if template.is_deleted() && !context.rules.modify_deleted_templates {
            return Err(Rule::CardDeleted.into());
        }
        offered(context, id)?;
        if jump.is_some_and(|jump| is_empty(jump.appid.as_ref()) || is_empty(jump.path.as_ref())) {
            return Err(Rule::ServiceSettingWrong.into());
        }
        let before = template.card.clone();
        let mut after = before.clone();
        let mut modules = after.service_modules.take().unwrap_or_default();
        act(&mut modules)?;
        after.service_modules = Some(modules).filter(|modules| !modules.is_empty());
        after.update_time = Some(rfc3339_millis(context.now));
        self.replace_template(before, after);
        Ok(())
    }

    /// Sets the state that a user has of a service item.
    pub(super) fn set_user_service(
        &mut self,
        context: &Context<'_>,
        request: &SetUserCardService,
    ) -> Result<(), Refused> {
        let (key, template, member) =
            self.member(context.merchant, &request.card_id, request.code.expose())?;
        let number = request.out_request_no.as_deref();
        let content = json!({ "card_id": key.0, "code": key.1, "body": request });
        let numbered = Numbered::new(context, "merchant.user_card_services.set", number, content);
        if let Some(()) = self.answered(context, &numbered)? {
            return Ok(());
        }
        let id = request.service_module_id.as_deref().ok_or(Refused::Required("service_module_id"))?;
        let item = offered(context, id)?;
        position(template.card.service_modules.as_deref().unwrap_or_default(), id)?;
        member.check_usable(context)?;
        let setting = request.state_setting.as_ref().ok_or(Refused::Required("state_setting"))?;
        check_state(item, setting)?;
        let before = member.card.clone();
        let mut after = before.clone();
        let mut modules = after.service_modules.take().unwrap_or_default();
        modules.retain(|entry| entry.service_module_id.as_deref() != Some(id));
        modules.push(UserServiceModule {
            service_module_id: Some(id.to_owned()),
            state_setting: Some(setting.clone()),
            ..UserServiceModule::default()
        });
        after.service_modules = Some(modules);
        self.note_member(&key, number, differences(&before, &after));
        self.remember(numbered, &());
        if let Some(member) = self.members.get_mut(&key) {
            member.card = after;
        }
        Ok(())
    }
}

/// Finds a service item that the brand may use.
fn offered<'a>(context: &Context<'a>, id: &str) -> Result<&'a ServiceItem, Refused> {
    let rules = context.rules;
    let item = rules.service_items.iter().find(|item| item.service_module_id == id);
    let item = item.ok_or(Rule::ServiceUnknown)?;
    let granted = &rules.granted_service_items;
    if !granted.is_empty() && !granted.iter().any(|granted| granted == id) {
        return Err(Rule::ServiceNotGranted.into());
    }
    Ok(item)
}

fn position(modules: &[CardServiceModule], id: &str) -> Result<usize, Refused> {
    let index = modules.iter().position(|entry| entry.service_module_id.as_deref() == Some(id));
    index.ok_or_else(|| Rule::ServiceNotAdded.into())
}

fn module(id: &str, jump: Option<&JumpMiniprogram>) -> CardServiceModule {
    CardServiceModule {
        service_module_id: Some(id.to_owned()),
        jump_miniprogram: jump.cloned(),
        ..CardServiceModule::default()
    }
}

fn answer(card_id: &str, id: &str, jump: Option<&JumpMiniprogram>) -> ServiceModule {
    ServiceModule {
        card_id: Some(card_id.to_owned()),
        service_module_id: Some(id.to_owned()),
        jump_miniprogram: jump.cloned(),
        ..ServiceModule::default()
    }
}

/// Checks a user's state against what the service item offers.
fn check_state(item: &ServiceItem, setting: &StateSetting) -> Result<(), Refused> {
    let id = setting.state_id.as_deref().unwrap_or_default();
    let state = item.states.iter().find(|state| state.state_id == id).ok_or(Rule::ServiceStateUnknown)?;
    let content = setting.content_template_data.as_ref();
    let fields = content.and_then(|content| content.field_list.as_deref()).unwrap_or_default();
    let ids = field_ids(fields)?;
    if ids.iter().any(|id| !state.field_ids.iter().any(|known| known == id)) {
        return Err(Rule::ServiceFieldUnknown.into());
    }
    let Some(message) = &setting.message_template_setting else { return Ok(()) };
    let id = message.message_template_id.as_deref().unwrap_or_default();
    let template = item.messages.iter().find(|template| template.message_template_id == id);
    let template = template.ok_or(Rule::ServiceMessageUnknown)?;
    let fields = message.field_list.as_deref().unwrap_or_default();
    let ids = field_ids(fields)?;
    if ids.iter().any(|id| !template.field_ids.iter().any(|known| known == id)) {
        return Err(Rule::ServiceSettingWrong.into());
    }
    let is_blank = |field: &TemplateField| field.field_value.as_deref().is_none_or(|value| value.trim().is_empty());
    if ids.len() < template.field_ids.len() || fields.iter().any(is_blank) {
        return Err(Rule::ServiceMessageEmpty.into());
    }
    Ok(())
}

/// Returns the ids of fields, of which none may come twice.
fn field_ids(fields: &[TemplateField]) -> Result<Vec<&str>, Refused> {
    let mut ids = Vec::with_capacity(fields.len());
    for field in fields {
        let id = field.field_id.as_deref().unwrap_or_default();
        if ids.contains(&id) {
            return Err(Rule::ServiceSettingWrong.into());
        }
        ids.push(id);
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::{ContentTemplateData, MessageTemplateSetting};

    use super::super::core::tests::{CARD, CODE, context, core, rules};
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
        let request =
            AddServiceModule { jump_miniprogram: Some(jump("a")), ..AddServiceModule::new(CARD, "731") };
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

    fn state(id: &str, content: &[(&str, &str)], message: Option<(&str, &[(&str, &str)])>) -> StateSetting {
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
        let cleared = core.update_service(&context, &UpdateServiceModule::new(CARD, "731")).unwrap();
        assert!(cleared.jump_miniprogram.is_none());
        set(&mut core, "number-1", "731", state("CHECKED_IN", &[("hotel_name", "海港店")], None)).unwrap();
        assert!(core.get_member(&context, CARD, CODE).unwrap().service_modules.is_some());
        let remove = RemoveServiceModule::new(CARD, "731");
        core.remove_service(&context, &remove).unwrap();
        assert!(core.get_template(&context, CARD).unwrap().service_modules.is_none());
        assert!(core.get_member(&context, CARD, CODE).unwrap().service_modules.is_none());
        assert_eq!(core.remove_service(&context, &remove), Err(Rule::ServiceNotAdded.into()));
    }

    #[test]
    fn the_catalogue_decides_about_items() {
        let unknown = core().add_service(&context(&rules()), &AddServiceModule::new(CARD, "999"));
        assert_eq!(unknown, Err(Rule::ServiceUnknown.into()));
        let narrow = settings::Merchant { granted_service_items: vec!["732".into()], ..rules() };
        let refused = core().add_service(&context(&narrow), &AddServiceModule::new(CARD, "731"));
        assert_eq!(refused, Err(Rule::ServiceNotGranted.into()));
        let empty = AddServiceModule { jump_miniprogram: Some(jump("")), ..AddServiceModule::new(CARD, "731") };
        let refused = core().add_service(&context(&rules()), &empty);
        assert_eq!(refused, Err(Rule::ServiceSettingWrong.into()));
    }

    #[test]
    fn a_state_must_be_what_the_item_offers() {
        let content = [("hotel_name", "海港店")];
        for (item, setting, expected) in [
            ("732", state("WAITING", &[], None), Rule::ServiceNotAdded),
            ("999", state("WAITING", &[], None), Rule::ServiceUnknown),
            ("731", state("WAITING", &[], None), Rule::ServiceStateUnknown),
            ("731", state("CHECKED_IN", &[("queue_number", "1")], None), Rule::ServiceFieldUnknown),
            ("731", state("CHECKED_IN", &content, Some(("nothing", &[]))), Rule::ServiceMessageUnknown),
            ("731", state("CHECKED_IN", &content, Some(("T3kLr8Qz", &[]))), Rule::ServiceMessageEmpty),
            (
                "731",
                state("CHECKED_IN", &content, Some(("T3kLr8Qz", &[("keyword1", " ")]))),
                Rule::ServiceMessageEmpty,
            ),
            (
                "731",
                state("CHECKED_IN", &content, Some(("T3kLr8Qz", &[("keyword9", "x")]))),
                Rule::ServiceSettingWrong,
            ),
            (
                "731",
                state("CHECKED_IN", &[("hotel_name", "a"), ("hotel_name", "b")], None),
                Rule::ServiceSettingWrong,
            ),
        ] {
            assert_eq!(set(&mut with_item(), "number-1", item, setting), Err(expected.into()));
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
        set(&mut core, "number-2", "731", state("CHECKED_OUT", &[], None)).unwrap();
        let modules = core.get_member(&context(&rules()), CARD, CODE).unwrap().service_modules.unwrap();
        assert_eq!(modules.len(), 1);
        let shown = modules[0].state_setting.as_ref().and_then(|setting| setting.state_id.as_deref());
        assert_eq!((shown, core.effects.len()), (Some("CHECKED_OUT"), 2));
        let refused = set(&mut core, "number-2", "731", checked_in());
        assert_eq!(refused, Err(Refused::NumberUsed));
    }
}
