//! Card templates of the official-account family.

use async_trait::async_trait;
use kabao_api::{
    CallContext, CreateTemplate, DeleteTemplate, Error, GetTemplate, ListTemplates, Method, Page,
    Reason, Stock, Template, TemplateApi, TemplateName, TemplateRequest, TemplateState,
    TemplateUpdate, UpdateTemplate, UpstreamTemplate, Validity, View,
};
use kabao_models::official_account::card::{
    BaseInfo, BaseInfoChange, Card, DateInfo, DeleteCard, GetCard, MemberCardChange, UpdateCard,
};

use super::OfficialAccount;
use crate::backend::look;
use crate::portable::{Names, or_written, require_changes, require_same_account, unix_seconds};

const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("member_card.base_info.title", "title"),
    ("member_card.base_info.description", "description"),
    ("member_card.base_info.service_phone", "service_phone"),
    ("member_card.base_info.logo_url", "logo_url"),
    ("member_card.background_pic_url", "background_picture_url"),
]);

#[async_trait]
impl TemplateApi for OfficialAccount {
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
        let mut change = MemberCardChange {
            background_pic_url: background_picture_url,
            ..MemberCardChange::default()
        };
        if title.is_some() || description.is_some() || service_phone.is_some() || logo_url.is_some()
        {
            change.base_info = Some(BaseInfoChange {
                title,
                description,
                service_phone,
                logo_url,
                ..BaseInfoChange::default()
            });
        }
        let request = UpdateCard::new(name.id().as_str(), change);
        self.ground
            .call(context, request)
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

impl OfficialAccount {
    pub(super) async fn read_template(
        &self,
        context: &CallContext,
        name: TemplateName,
        view: View,
    ) -> Result<Template, Error> {
        let card = self.read_card(context, &name).await?;
        Ok(self.template(name, card, view))
    }

    /// Reads a card of any type.
    pub(super) async fn read_card(
        &self,
        context: &CallContext,
        name: &TemplateName,
    ) -> Result<Card, Error> {
        let request = GetCard::new(name.id().as_str());
        let answer = self
            .ground
            .call(context, request)
            .await
            .map_err(|error| NAMES.translate(error))?;
        answer
            .card
            .ok_or_else(|| Error::new(Reason::UpstreamMalformed, "the answer holds no card"))
    }

    pub(super) fn template(&self, name: TemplateName, card: Card, view: View) -> Template {
        let base = card
            .member_card
            .as_ref()
            .and_then(|card| card.base_info.as_ref());
        let mut template = Template::new(name, base.map_or(TemplateState::Unspecified, state));
        template.upstream_state = base
            .and_then(|base| base.status.as_ref())
            .map(|state| state.as_str().to_owned());
        template.appid = Some(self.appid.clone());
        template.background_picture_url = card
            .member_card
            .as_ref()
            .and_then(|card| card.background_pic_url.clone());
        if let Some(base) = base {
            template.title.clone_from(&base.title);
            template.brand_name.clone_from(&base.brand_name);
            template.description.clone_from(&base.description);
            template.service_phone.clone_from(&base.service_phone);
            template.logo_url.clone_from(&base.logo_url);
            template.validity = base.date_info.as_ref().and_then(validity);
            template.stock = base.sku.as_ref().map(|sku| Stock {
                total: sku.total_quantity,
                remaining: sku.quantity,
            });
            template.create_time = base.create_time.and_then(unix_seconds);
            template.update_time = base.update_time.and_then(unix_seconds);
        }
        template.upstream =
            (view == View::Full).then(|| UpstreamTemplate::OfficialAccount(Box::new(card)));
        template
    }
}

fn state(base: &BaseInfo) -> TemplateState {
    base.status
        .as_ref()
        .map_or(TemplateState::Unspecified, |state| match state.as_str() {
            "CARD_STATUS_NOT_VERIFY" => TemplateState::PendingReview,
            "CARD_STATUS_VERIFY_FAIL" => TemplateState::Rejected,
            "CARD_STATUS_VERIFY_OK" | "CARD_STATUS_DISPATCH" => TemplateState::Active,
            "CARD_STATUS_DELETE" | "CARD_STATUS_USER_DELETE" => TemplateState::Deleted,
            _ => TemplateState::Other,
        })
}

fn validity(dates: &DateInfo) -> Option<Validity> {
    Some(match dates.r#type.as_ref()?.as_str() {
        "DATE_TYPE_FIX_TIME_RANGE" => Validity::Range {
            begin: dates.begin_timestamp.and_then(unix_seconds),
            end: dates.end_timestamp.and_then(unix_seconds),
        },
        "DATE_TYPE_FIX_TERM" => Validity::Days {
            valid_days: dates.fixed_term.unwrap_or_default(),
            wait_days: dates.fixed_begin_term.unwrap_or_default(),
        },
        "DATE_TYPE_PERMANENT" => Validity::Permanent,
        other => Validity::Other(other.to_owned()),
    })
}
