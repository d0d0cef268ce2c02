//! Card templates of the brand family.

use async_trait::async_trait;
use kabao_api::{
    CallContext, CreateTemplate, DeleteTemplate, Error, GetTemplate, ListTemplates, Method, Page,
    Template, TemplateApi, TemplateName, TemplateRequest, TemplateState, TemplateUpdate,
    UpdateTemplate, UpstreamTemplate, Validity, View,
};
use kabao_models::brand::cards::{GetCard, InvalidateCard, UpdateCard};
use kabao_models::brand::direct_cards::{GetDirectCard, InvalidateDirectCard, UpdateDirectCard};
use kabao_models::brand::{Card, ValidDateInformation};

use super::Brand;
use crate::backend::look;
use crate::portable::{Names, require_changes, require_same_account, rfc3339};

const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("card_title", "title"),
    ("card_picture_url", "background_picture_url"),
]);

#[async_trait]
impl TemplateApi for Brand {
    async fn get_template(
        &self,
        context: &CallContext,
        request: GetTemplate,
    ) -> Result<Template, Error> {
        let GetTemplate { name, view, .. } = request;
        require_same_account(context, name.account())?;
        let card_id = name.id().as_str();
        let get = GetCard::new(card_id, self.brand_id.as_str());
        let answer = self.call::<GetDirectCard>(context, get).await;
        let card = answer.map_err(|error| NAMES.translate(error))?;
        Ok(template(name, card, view))
    }

    async fn list_templates(
        &self,
        context: &CallContext,
        request: ListTemplates,
    ) -> Result<Page<Template>, Error> {
        self.list_cards(context, request).await
    }

    async fn create_template(
        &self,
        context: &CallContext,
        request: CreateTemplate,
    ) -> Result<Template, Error> {
        self.create_card(context, request).await
    }

    async fn update_template(
        &self,
        context: &CallContext,
        request: UpdateTemplate,
    ) -> Result<Template, Error> {
        let UpdateTemplate {
            name, update, view, ..
        } = request;
        require_same_account(context, name.account())?;
        require_changes(self.support(Method::UpdateTemplate), update.fields())?;
        let TemplateUpdate {
            title,
            service_phone,
            background_picture_url,
            ..
        } = update;
        let card_id = name.id().as_str();
        let mut change = UpdateCard::new(card_id, self.brand_id.as_str());
        change.card_title = title;
        change.service_phone = service_phone;
        change.card_picture_url = background_picture_url;
        let answer = self.call::<UpdateDirectCard>(context, change).await;
        let card = answer.map_err(|error| NAMES.translate(error))?;
        Ok(template(name, card, view))
    }

    async fn delete_template(
        &self,
        context: &CallContext,
        request: DeleteTemplate,
    ) -> Result<(), Error> {
        require_same_account(context, request.name.account())?;
        let card_id = request.name.id().as_str();
        let invalidate = InvalidateCard::new(card_id, self.brand_id.as_str());
        let answer = self.call::<InvalidateDirectCard>(context, invalidate).await;
        answer.map_err(|error| NAMES.translate(error))?;
        Ok(())
    }

    fn refusal(&self, context: &CallContext, request: &TemplateRequest) -> Option<Error> {
        look::at_template(self, context, request)
    }
}

pub(super) fn template(name: TemplateName, card: Card, view: View) -> Template {
    let state = card
        .state
        .as_ref()
        .map_or(TemplateState::Unspecified, |state| match state.as_str() {
            "CARD_EFFECTIVE" => TemplateState::Active,
            "CARD_INVALID" => TemplateState::Deleted,
            _ => TemplateState::Other,
        });
    let mut template = Template::new(name, state);
    template.upstream_state = card.state.as_ref().map(|state| state.as_str().to_owned());
    template.title.clone_from(&card.card_title);
    template.brand_id.clone_from(&card.brand_id);
    template.appid.clone_from(&card.appid);
    template.service_phone.clone_from(&card.service_phone);
    template
        .background_picture_url
        .clone_from(&card.card_picture_url);
    template.validity = card.valid_date_information.as_ref().and_then(validity);
    template.create_time = card.create_time.as_deref().and_then(rfc3339);
    // Answers of 2025 call it update_time.
    template.update_time = card
        .modify_time
        .as_deref()
        .or(card.update_time.as_deref())
        .and_then(rfc3339);
    template.upstream = (view == View::Full).then(|| UpstreamTemplate::Brand(Box::new(card)));
    template
}

fn validity(dates: &ValidDateInformation) -> Option<Validity> {
    Some(match dates.r#type.as_ref()?.as_str() {
        "FIX_TIME_RANGE" => Validity::Range {
            begin: dates.available_begin_time.as_deref().and_then(rfc3339),
            end: dates.available_end_time.as_deref().and_then(rfc3339),
        },
        "FIX_TERM" => Validity::Days {
            valid_days: dates.available_day_after_receive.unwrap_or_default(),
            wait_days: 0,
        },
        "PERMANENT" => Validity::Permanent,
        other => Validity::Other(other.to_owned()),
    })
}
