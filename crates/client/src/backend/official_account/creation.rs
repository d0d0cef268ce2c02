//! New templates of the official-account family.

use kabao_api::{
    CallContext, CreateTemplate, Error, Method, NewTemplate, Support, Template, TemplateId,
    TemplateName, TemplateUpdate, UpstreamNewTemplate, Validity,
};
use kabao_models::official_account::card::{
    CreateCard, DateInfo, NewBaseInfo, NewCard, NewMemberCard, NewSku,
};
use kabao_models::official_account::{CardType, DateInfoType};

use super::OfficialAccount;
use crate::portable::{
    Names, made_without_name, or_written, other_family_request, refuse_request_id,
    require_same_account, require_supported, to_unix_seconds, validity_violation,
};

const NAMES: Names = Names(&[
    ("card.member_card.base_info.title", "title"),
    ("card.member_card.base_info.description", "description"),
    ("card.member_card.base_info.service_phone", "service_phone"),
    ("card.member_card.base_info.logo_url", "logo_url"),
    ("card.member_card.base_info.brand_name", "brand_name"),
    ("card.member_card.base_info.date_info", "validity"),
    ("card.member_card.base_info.sku.quantity", "stock.total"),
    (
        "card.member_card.background_pic_url",
        "background_picture_url",
    ),
]);

impl OfficialAccount {
    pub(super) async fn create_card(
        &self,
        context: &CallContext,
        request: CreateTemplate,
    ) -> Result<Template, Error> {
        let CreateTemplate {
            account,
            template,
            request_id,
            view,
            ..
        } = request;
        require_same_account(context, &account)?;
        let instead = "leave it out, and look for the template before you repeat";
        refuse_request_id(context, Self::FAMILY, request_id.as_ref(), instead)?;
        let answer = self
            .ground
            .call(context, filled(template)?)
            .await
            .map_err(|error| NAMES.translate(error))?;
        let name = answer
            .card_id
            .and_then(|id| TemplateId::new(id).ok())
            .map(|id| TemplateName::new(account, id))
            .ok_or_else(|| made_without_name("template"))?;
        let read = self.read_template(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Template::written(name, TemplateUpdate::default())
        }))
    }
}

/// The family's own request, with the portable fields in the places that it leaves empty.
fn filled(new: NewTemplate) -> Result<CreateCard, Error> {
    let NewTemplate {
        title,
        description,
        service_phone,
        logo_url,
        background_picture_url,
        brand_name,
        brand_id,
        appid,
        validity,
        total_stock,
        upstream,
    } = new;
    require_supported(
        Support::of(OfficialAccount::FAMILY, Method::CreateTemplate),
        [("brand_id", brand_id.is_some()), ("appid", appid.is_some())],
    )?;
    let mut creation = match upstream {
        Some(UpstreamNewTemplate::OfficialAccount(creation)) => *creation,
        None => CreateCard::default(),
        Some(_) => return Err(other_family_request(OfficialAccount::FAMILY)),
    };
    let card = creation.card.get_or_insert_with(NewCard::default);
    card.card_type.get_or_insert(CardType::MemberCard);
    let member_card = card.member_card.get_or_insert_with(NewMemberCard::default);
    let mut faults = Vec::new();
    let at = &mut faults;
    let picture = &mut member_card.background_pic_url;
    NewTemplate::fill(
        "background_picture_url",
        background_picture_url,
        picture,
        at,
    );
    let base = member_card
        .base_info
        .get_or_insert_with(NewBaseInfo::default);
    NewTemplate::fill("title", title, &mut base.title, at);
    NewTemplate::fill("description", description, &mut base.description, at);
    NewTemplate::fill("service_phone", service_phone, &mut base.service_phone, at);
    NewTemplate::fill("logo_url", logo_url, &mut base.logo_url, at);
    NewTemplate::fill("brand_name", brand_name, &mut base.brand_name, at);
    if total_stock.is_some() {
        let sku = base.sku.get_or_insert_with(NewSku::default);
        NewTemplate::fill("stock.total", total_stock, &mut sku.quantity, at);
    }
    if let Some(validity) = validity {
        match dates(validity) {
            Some(dates) => {
                NewTemplate::fill("validity", Some(dates), &mut base.date_info, at);
            }
            None => at.push(validity_violation()),
        }
    }
    if faults.is_empty() {
        Ok(creation)
    } else {
        Err(Error::field_invalid(faults))
    }
}

fn dates(validity: Validity) -> Option<DateInfo> {
    let mut dates = DateInfo::default();
    dates.r#type = Some(match validity {
        Validity::Range { begin, end } => {
            dates.begin_timestamp = Some(to_unix_seconds(begin?)?);
            dates.end_timestamp = Some(to_unix_seconds(end?)?);
            DateInfoType::DateTypeFixTimeRange
        }
        Validity::Days {
            valid_days,
            wait_days,
        } => {
            dates.fixed_term = Some(valid_days);
            dates.fixed_begin_term = Some(wait_days);
            DateInfoType::DateTypeFixTerm
        }
        Validity::Permanent => DateInfoType::DateTypePermanent,
        _ => return None,
    });
    Some(dates)
}
