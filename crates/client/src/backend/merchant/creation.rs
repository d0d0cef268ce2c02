//! New templates of the merchant family.

use kabao_api::{
    CallContext, CreateTemplate, Error, NewTemplate, Template, TemplateId, TemplateName,
    UpstreamNewTemplate, Validity,
};
use kabao_models::merchant::DateInformationType;
use kabao_models::merchant::cards::{Brand, CreateCard, DateInformation};

use super::Merchant;
use super::list::card_of_summary;
use super::template::template;
use crate::portable::{
    Names, beijing_time, made_without_name, numbered_creation, other_family_request,
    require_same_account, validity_violation,
};

const NAMES: Names = Names(&[
    ("brand.brand_id", "brand_id"),
    ("brand.display_name", "brand_name"),
    ("date_information", "validity"),
    ("total_quantity", "stock.total"),
    ("out_request_no", "request_id"),
]);

impl Merchant {
    pub(super) async fn create_card(
        &self,
        context: &CallContext,
        request: CreateTemplate,
    ) -> Result<Template, Error> {
        let CreateTemplate {
            account,
            template: new,
            request_id,
            view,
            ..
        } = request;
        require_same_account(context, &account)?;
        let mut creation = filled(new)?;
        let given = creation.out_request_no.take();
        let clock = self.ground.clock.as_ref();
        let (number, context) = numbered_creation(context, request_id, given, clock)?;
        let context = &context;
        creation.out_request_no = Some(number);
        let summary = self
            .ground
            .call(context, creation)
            .await
            .map_err(|error| NAMES.translate(error))?;
        let name = summary
            .card_id
            .as_deref()
            .and_then(|id| TemplateId::new(id).ok())
            .map(|id| TemplateName::new(account, id))
            .ok_or_else(|| made_without_name("template"))?;
        Ok(template(name, card_of_summary(summary), view))
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
    let mut card = match upstream {
        Some(UpstreamNewTemplate::Merchant(card)) => *card,
        None => CreateCard::default(),
        Some(_) => return Err(other_family_request(Merchant::FAMILY)),
    };
    let mut faults = Vec::new();
    let at = &mut faults;
    NewTemplate::fill("title", title, &mut card.title, at);
    NewTemplate::fill("description", description, &mut card.description, at);
    NewTemplate::fill("service_phone", service_phone, &mut card.service_phone, at);
    NewTemplate::fill("logo_url", logo_url, &mut card.logo_url, at);
    NewTemplate::fill(
        "background_picture_url",
        background_picture_url,
        &mut card.background_picture_url,
        at,
    );
    NewTemplate::fill("appid", appid, &mut card.appid, at);
    NewTemplate::fill("stock.total", total_stock, &mut card.total_quantity, at);
    if brand_id.is_some() || brand_name.is_some() {
        let brand = card.brand.get_or_insert_with(Brand::default);
        NewTemplate::fill("brand_id", brand_id, &mut brand.brand_id, at);
        NewTemplate::fill("brand_name", brand_name, &mut brand.display_name, at);
    }
    if let Some(validity) = validity {
        match dates(validity) {
            Some(dates) => {
                NewTemplate::fill("validity", Some(dates), &mut card.date_information, at);
            }
            None => at.push(validity_violation()),
        }
    }
    if faults.is_empty() {
        Ok(card)
    } else {
        Err(Error::field_invalid(faults))
    }
}

fn dates(validity: Validity) -> Option<DateInformation> {
    let mut dates = DateInformation::default();
    dates.r#type = Some(match validity {
        Validity::Range { begin, end } => {
            dates.available_begin_time = Some(beijing_time(begin?)?);
            dates.available_end_time = Some(beijing_time(end?)?);
            DateInformationType::FixTimeRange
        }
        Validity::Days {
            valid_days,
            wait_days,
        } => {
            dates.available_day_after_receive = Some(valid_days);
            dates.wait_days_after_receive = (wait_days != 0).then_some(wait_days);
            DateInformationType::FixTerm
        }
        Validity::Permanent => DateInformationType::Permanent,
        _ => return None,
    });
    Some(dates)
}
