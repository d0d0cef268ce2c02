//! Service items: entries on a template, and the state that each user has of them.

use kabao_models::merchant::cards::CardServiceModule;
use kabao_models::merchant::service_modules::{
    AddServiceModule, RemoveServiceModule, ServiceModule, UpdateServiceModule,
};
use kabao_models::merchant::user_card_services::SetUserCardService;
use kabao_models::merchant::user_cards::UserServiceModule;
use kabao_models::merchant::{JumpMiniprogram, StateSetting, TemplateField};

use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::settings::ServiceItem;

impl Core {
    /// Puts a service item on a template.
    pub(super) fn add_service(
        &mut self,
        context: &Context<'_>,
        request: &AddServiceModule,
    ) -> Result<ServiceModule, Refused> {
        let id = request
            .service_module_id
            .as_deref()
            .ok_or(Refused::Required("service_module_id"))?;
        let jump = jump(context, request.jump_miniprogram.as_ref())?;
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
        let jump = jump(context, request.jump_miniprogram.as_ref())?;
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
        for key in self.members_of(&request.card_id) {
            self.change_member(&key, None, |member| {
                let mut modules = member.card.service_modules.take().unwrap_or_default();
                modules.retain(|entry| entry.service_module_id.as_deref() != Some(id));
                member.card.service_modules = Some(modules).filter(|modules| !modules.is_empty());
            });
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
        let is_blank =
            |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        if jump.is_some_and(|jump| is_blank(&jump.appid) || is_blank(&jump.path)) {
            return Err(Rule::ServiceSettingWrong.into());
        }
        let mut modules = template.card.service_modules.clone().unwrap_or_default();
        act(&mut modules)?;
        self.change_template(card_id, |template| {
            template.card.service_modules = Some(modules).filter(|modules| !modules.is_empty());
            template.card.update_time = Some(rfc3339_millis(context.now));
        });
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
        let id = request
            .service_module_id
            .as_deref()
            .ok_or(Refused::Required("service_module_id"))?;
        let item = offered(context, id)?;
        position(
            template.card.service_modules.as_deref().unwrap_or_default(),
            id,
        )?;
        member.check_usable(context)?;
        let setting = request
            .state_setting
            .as_ref()
            .ok_or(Refused::Required("state_setting"))?;
        check_state(item, setting)?;
        let mut after = member.card.clone();
        let mut modules = after.service_modules.take().unwrap_or_default();
        modules.retain(|entry| entry.service_module_id.as_deref() != Some(id));
        modules.push(UserServiceModule {
            service_module_id: Some(id.to_owned()),
            state_setting: Some(setting.clone()),
            ..UserServiceModule::default()
        });
        after.service_modules = Some(modules);
        self.change_member(&key, number, |member| member.card = after);
        Ok(())
    }
}

/// Returns where a service item leads; the settings may want that to be said.
fn jump<'a>(
    context: &Context<'_>,
    given: Option<&'a JumpMiniprogram>,
) -> Result<Option<&'a JumpMiniprogram>, Refused> {
    if given.is_none() && context.rules.service_needs_miniprogram {
        return Err(Refused::Required("jump_miniprogram"));
    }
    Ok(given)
}

/// Finds a service item that the brand may use.
fn offered<'a>(context: &Context<'a>, id: &str) -> Result<&'a ServiceItem, Refused> {
    let rules = context.rules;
    let item = rules
        .service_items
        .iter()
        .find(|item| item.service_module_id == id);
    let item = item.ok_or(Rule::ServiceUnknown)?;
    let granted = &rules.granted_service_items;
    if !granted.is_empty() && !granted.iter().any(|granted| granted == id) {
        return Err(Rule::ServiceNotGranted.into());
    }
    Ok(item)
}

fn position(modules: &[CardServiceModule], id: &str) -> Result<usize, Refused> {
    let index = modules
        .iter()
        .position(|entry| entry.service_module_id.as_deref() == Some(id));
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
    let state = item
        .states
        .iter()
        .find(|state| state.state_id == id)
        .ok_or(Rule::ServiceStateUnknown)?;
    let content = setting.content_template_data.as_ref();
    let fields = content
        .and_then(|content| content.field_list.as_deref())
        .unwrap_or_default();
    let ids = field_ids(fields)?;
    if ids
        .iter()
        .any(|id| !state.field_ids.iter().any(|known| known == id))
    {
        return Err(Rule::ServiceFieldUnknown.into());
    }
    let Some(message) = &setting.message_template_setting else {
        return Ok(());
    };
    let id = message.message_template_id.as_deref().unwrap_or_default();
    let template = item
        .messages
        .iter()
        .find(|template| template.message_template_id == id);
    let template = template.ok_or(Rule::ServiceMessageUnknown)?;
    let fields = message.field_list.as_deref().unwrap_or_default();
    let ids = field_ids(fields)?;
    if ids
        .iter()
        .any(|id| !template.field_ids.iter().any(|known| known == id))
    {
        return Err(Rule::ServiceSettingWrong.into());
    }
    let is_blank = |field: &TemplateField| {
        field
            .field_value
            .as_ref()
            .is_none_or(|value| value.expose().trim().is_empty())
    };
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
mod tests;
