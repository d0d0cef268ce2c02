//! Card templates of the merchant family.

use async_trait::async_trait;
use kabao_api::{
    CallContext, CreateTemplate, DeleteTemplate, Error, GetTemplate, ListTemplates, Method, Page,
    Stock, Template, TemplateApi, TemplateName, TemplateRequest, TemplateState, TemplateUpdate,
    UpdateTemplate, UpstreamTemplate, Validity, View,
};
use kabao_models::merchant::cards::{Card, DateInformation, DeleteCard, GetCard, UpdateCard};

use super::Merchant;
use crate::backend::look;
use crate::portable::{Names, or_written, require_changes, require_same_account, rfc3339};

const NAMES: Names = Names(&[("card_id", "name")]);

#[async_trait]
impl TemplateApi for Merchant {
    async fn get_template(
        &self,
        context: &CallContext,
        request: GetTemplate,
    ) -> Result<Template, Error> {
        require_same_account(context, request.name.account())?;
        self.read_template(context, request.name, request.view)
            .await
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
        let written = update.clone();
        let TemplateUpdate {
            title,
            description,
            service_phone,
            logo_url,
            background_picture_url,
        } = update;
        let mut change = UpdateCard::new(name.id().as_str());
        change.title = title;
        change.description = description;
        change.service_phone = service_phone;
        change.logo_url = logo_url;
        change.background_picture_url = background_picture_url;
        self.ground
            .call(context, change)
            .await
            .map_err(|error| NAMES.translate(error))?;
        let read = self.read_template(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Template::written(name, written)
        }))
    }

    async fn delete_template(
        &self,
        context: &CallContext,
        request: DeleteTemplate,
    ) -> Result<(), Error> {
        require_same_account(context, request.name.account())?;
        let deletion = DeleteCard::new(request.name.id().as_str());
        self.ground
            .call(context, deletion)
            .await
            .map_err(|error| NAMES.translate(error))?;
        Ok(())
    }

    fn refusal(&self, context: &CallContext, request: &TemplateRequest) -> Option<Error> {
        look::at_template(self, context, request)
    }
}

impl Merchant {
    async fn read_template(
        &self,
        context: &CallContext,
        name: TemplateName,
        view: View,
    ) -> Result<Template, Error> {
        let request = GetCard::new(name.id().as_str());
        let card = self
            .ground
            .call(context, request)
            .await
            .map_err(|error| NAMES.translate(error))?;
        Ok(template(name, card, view))
    }
}

pub(super) fn template(name: TemplateName, card: Card, view: View) -> Template {
    let mut template = Template::new(
        name,
        card.status
            .as_ref()
            .map_or(TemplateState::Unspecified, |state| match state.as_str() {
                "NOT_APPROVE" => TemplateState::PendingReview,
                "APPROVE_FAIL" => TemplateState::Rejected,
                "APPROVED" => TemplateState::Active,
                "DELETED" => TemplateState::Deleted,
                _ => TemplateState::Other,
            }),
    );
    template.upstream_state = card.status.as_ref().map(|state| state.as_str().to_owned());
    template.title.clone_from(&card.title);
    if let Some(brand) = &card.brand {
        template.brand_name.clone_from(&brand.display_name);
        template.brand_id.clone_from(&brand.brand_id);
    }
    template.appid.clone_from(&card.appid);
    template.description.clone_from(&card.description);
    template.service_phone.clone_from(&card.service_phone);
    template.logo_url.clone_from(&card.logo_url);
    template
        .background_picture_url
        .clone_from(&card.background_picture_url);
    template.validity = card.date_information.as_ref().and_then(validity);
    if card.total_quantity.is_some() || card.remain_quantity.is_some() {
        template.stock = Some(Stock {
            total: card.total_quantity,
            remaining: card.remain_quantity,
        });
    }
    template.create_time = card.create_time.as_deref().and_then(rfc3339);
    template.update_time = card.update_time.as_deref().and_then(rfc3339);
    template.upstream = (view == View::Full).then(|| UpstreamTemplate::Merchant(Box::new(card)));
    template
}

fn validity(dates: &DateInformation) -> Option<Validity> {
    Some(match dates.r#type.as_ref()?.as_str() {
        "FIX_TIME_RANGE" => Validity::Range {
            begin: dates.available_begin_time.as_deref().and_then(rfc3339),
            end: dates.available_end_time.as_deref().and_then(rfc3339),
        },
        "FIX_TERM" => Validity::Days {
            valid_days: dates.available_day_after_receive.unwrap_or_default(),
            wait_days: dates.wait_days_after_receive.unwrap_or_default(),
        },
        "PERMANENT" => Validity::Permanent,
        other => Validity::Other(other.to_owned()),
    })
}
