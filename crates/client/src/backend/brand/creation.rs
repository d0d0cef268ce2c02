//! New templates of the brand family.

use kabao_api::{
    CallContext, CreateTemplate, Error, Method, NewTemplate, Template, TemplateId, TemplateName,
    UpstreamNewTemplate, Validity,
};
use kabao_models::brand::cards::CreateCard;
use kabao_models::brand::direct_cards::CreateDirectCard;
use kabao_models::brand::{ValidDateInformation, ValidDateType};

use super::Brand;
use super::template::template;
use crate::portable::{
    Names, beijing_time, made_without_name, numbered_creation, other_family_request,
    require_same_account, require_supported, validity_violation,
};

const NAMES: Names = Names(&[
    ("card_title", "title"),
    ("card_picture_url", "background_picture_url"),
    ("valid_date_information", "validity"),
    ("out_request_no", "request_id"),
]);

impl Brand {
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
        let mut creation = self.filled(new)?;
        let given = creation.out_request_no.take();
        let clock = self.ground.clock.as_ref();
        let (number, context) = numbered_creation(context, request_id, given, clock)?;
        let context = &context;
        creation.out_request_no = Some(number);
        let answer = self.call::<CreateDirectCard>(context, creation).await;
        let card = answer.map_err(|error| NAMES.translate(error))?;
        let name = card
            .card_id
            .as_deref()
            .and_then(|id| TemplateId::new(id).ok())
            .map(|id| TemplateName::new(account, id))
            .ok_or_else(|| made_without_name("template"))?;
        Ok(template(name, card, view))
    }

    /// The family's own request, with the portable fields in the places that it leaves empty.
    fn filled(&self, new: NewTemplate) -> Result<CreateCard, Error> {
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
            self.support(Method::CreateTemplate),
            [
                ("description", description.is_some()),
                ("logo_url", logo_url.is_some()),
                ("brand_name", brand_name.is_some()),
                ("stock.total", total_stock.is_some()),
            ],
        )?;
        let mut card = match upstream {
            Some(UpstreamNewTemplate::Brand(card)) => *card,
            None => CreateCard::default(),
            Some(_) => return Err(other_family_request(Self::FAMILY)),
        };
        let mut faults = Vec::new();
        let at = &mut faults;
        let own = Some(self.brand_id.clone());
        NewTemplate::fill("brand_id", own.clone(), &mut card.brand_id, at);
        NewTemplate::fill("brand_id", brand_id, &mut { own }, at);
        NewTemplate::fill("title", title, &mut card.card_title, at);
        NewTemplate::fill("service_phone", service_phone, &mut card.service_phone, at);
        let picture = &mut card.card_picture_url;
        NewTemplate::fill(
            "background_picture_url",
            background_picture_url,
            picture,
            at,
        );
        NewTemplate::fill("appid", appid, &mut card.appid, at);
        if let Some(validity) = validity {
            match dates(validity) {
                Some(dates) => {
                    let given = &mut card.valid_date_information;
                    NewTemplate::fill("validity", Some(dates), given, at);
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
}

/// The validity as the family has it: days count from the first, so there is no waiting.
pub(super) fn dates(validity: Validity) -> Option<ValidDateInformation> {
    let mut dates = ValidDateInformation::default();
    dates.r#type = Some(match validity {
        Validity::Range { begin, end } => {
            dates.available_begin_time = Some(beijing_time(begin?)?);
            dates.available_end_time = Some(beijing_time(end?)?);
            ValidDateType::FixTimeRange
        }
        Validity::Days {
            valid_days,
            wait_days: 0,
        } => {
            dates.available_day_after_receive = Some(valid_days);
            ValidDateType::FixTerm
        }
        Validity::Permanent => ValidDateType::Permanent,
        _ => return None,
    });
    Some(dates)
}
