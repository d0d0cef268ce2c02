//! `kabao.v1.TemplateService`.

mod creation;
mod read;

use kabao_api::{
    DeleteTemplate, Error, Family, GetTemplate, ListTemplates, PageToken, Template, TemplateState,
    TemplateUpdate, UpdateTemplate, UpstreamTemplate, Validity,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::template_service_server::TemplateService;
use tonic::{Request, Response, Status};

pub(crate) use self::read::{ReadTemplate, TEMPLATES};
use super::arguments::Arguments;
use super::{inner, text};
use crate::call::Call;
use crate::generation::Generations;
use crate::idempotency::Idempotency;

/// Serves card templates of every configured account.
#[derive(Clone, Debug)]
pub struct TemplateGrpc {
    generations: Generations,
}

impl TemplateGrpc {
    /// Serves the templates of `accounts`.
    pub fn new(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
        }
    }
}

#[tonic::async_trait]
impl TemplateService for TemplateGrpc {
    async fn get_template(
        &self,
        request: Request<proto::GetTemplateRequest>,
    ) -> Result<Response<proto::Template>, Status> {
        let mut call = Call::of(&request).renaming(in_name);
        let get = get(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.generations, get.name.account())?;
        match account.templates.get_template(&context, get).await {
            Ok(template) => Ok(Response::new(answer(template))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn list_templates(
        &self,
        request: Request<proto::ListTemplatesRequest>,
    ) -> Result<Response<proto::ListTemplatesResponse>, Status> {
        let mut call = Call::of(&request).renaming(in_parent);
        let list = list(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.generations, &list.account)?;
        match account.templates.list_templates(&context, list).await {
            Ok(page) => Ok(Response::new(proto::ListTemplatesResponse {
                templates: page.items.into_iter().map(answer).collect(),
                next_page_token: text(page.next.as_ref().map(PageToken::as_str)),
                total_size: page.total.and_then(|total| i64::try_from(total).ok()),
            })),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn create_template(
        &self,
        request: Request<proto::CreateTemplateRequest>,
    ) -> Result<Response<proto::Template>, Status> {
        let mut call = Call::of(&request).renaming(in_parent);
        let mut create = creation::read(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, &create.account)?;
        call.begin(&account, &mut context, &mut create.request_id, Vec::new)?;
        let call = call.renaming(match account.family {
            Family::Merchant => creation::in_merchant,
            Family::Brand => creation::in_brand,
            Family::OfficialAccount => creation::in_official_account,
        });
        match account.templates.create_template(&context, create).await {
            Ok(template) => Ok(Response::new(answer(template))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn update_template(
        &self,
        request: Request<proto::UpdateTemplateRequest>,
    ) -> Result<Response<proto::Template>, Status> {
        let mut call = Call::of(&request).renaming(in_update);
        let mut update = update(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, update.name.account())?;
        let subjects = || vec![update.name.to_string()];
        call.begin(&account, &mut context, &mut update.request_id, subjects)?;
        match account.templates.update_template(&context, update).await {
            Ok(template) => Ok(Response::new(answer(template))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn delete_template(
        &self,
        request: Request<proto::DeleteTemplateRequest>,
    ) -> Result<Response<()>, Status> {
        let mut call = Call::of(&request).renaming(in_name);
        let mut delete = delete(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, delete.name.account())?;
        let subjects = || vec![delete.name.to_string()];
        call.begin(&account, &mut context, &mut delete.request_id, subjects)?;
        match account.templates.delete_template(&context, delete).await {
            Ok(()) => Ok(Response::new(())),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}

fn get(request: proto::GetTemplateRequest) -> Result<GetTemplate, Error> {
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let view = arguments.view(request.view);
    arguments.finish(name.map(|name| GetTemplate::new(name).with_view(view)))
}

fn list(request: proto::ListTemplatesRequest) -> Result<ListTemplates, Error> {
    let mut arguments = Arguments::default();
    let account = arguments.account("parent", &request.parent);
    let page = arguments.page(request.page_size, request.page_token);
    let view = arguments.view(request.view);
    arguments
        .finish(account.map(|account| ListTemplates::new(account).with_page(page).with_view(view)))
}

fn delete(
    request: proto::DeleteTemplateRequest,
    idempotency: &Idempotency,
) -> Result<DeleteTemplate, Error> {
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let request_id = arguments.request_id(request.request_id, idempotency);
    arguments.finish(name.map(|name| {
        let mut wanted = DeleteTemplate::new(name);
        wanted.request_id = request_id;
        wanted
    }))
}

fn update(
    request: proto::UpdateTemplateRequest,
    idempotency: &Idempotency,
) -> Result<UpdateTemplate, Error> {
    let mut arguments = Arguments::default();
    let template = request.template.unwrap_or_default();
    let name = arguments.name("template.name", &template.name);
    let update = changes(&mut arguments, template, request.update_mask);
    let request_id = arguments.request_id(request.request_id, idempotency);
    let view = arguments.view(request.view);
    arguments.finish(name.map(|name| {
        let mut wanted = UpdateTemplate::new(name, update).with_view(view);
        wanted.request_id = request_id;
        wanted
    }))
}

fn changes(
    arguments: &mut Arguments,
    template: proto::Template,
    mask: Option<prost_types::FieldMask>,
) -> TemplateUpdate {
    let chosen = arguments.mask(mask, TemplateUpdate::FIELDS, |path| match path {
        "title" => !template.title.is_empty(),
        "description" => !template.description.is_empty(),
        "service_phone" => !template.service_phone.is_empty(),
        "logo_url" => !template.logo_url.is_empty(),
        "background_picture_url" => !template.background_picture_url.is_empty(),
        _ => false,
    });
    let value = |path, text: String| chosen.contains(&path).then_some(text);
    TemplateUpdate {
        title: value("title", template.title),
        description: value("description", template.description),
        service_phone: value("service_phone", template.service_phone),
        logo_url: value("logo_url", template.logo_url),
        background_picture_url: value("background_picture_url", template.background_picture_url),
    }
}

fn answer(template: Template) -> proto::Template {
    proto::Template {
        name: template.name.to_string(),
        title: text(template.title),
        state: state(template.state).into(),
        upstream_state: text(template.upstream_state),
        description: text(template.description),
        service_phone: text(template.service_phone),
        logo_url: text(template.logo_url),
        background_picture_url: text(template.background_picture_url),
        brand_name: text(template.brand_name),
        brand_id: text(template.brand_id),
        appid: text(template.appid),
        validity: template.validity.and_then(validity),
        stock: template.stock.map(|stock| proto::Stock {
            total: stock.total,
            remaining: stock.remaining,
        }),
        create_time: template.create_time.map(Into::into),
        update_time: template.update_time.map(Into::into),
        partial: template.partial,
        upstream: template.upstream.and_then(upstream),
    }
}

fn upstream(upstream: UpstreamTemplate) -> Option<proto::template::Upstream> {
    use proto::template::Upstream;
    Some(match upstream {
        UpstreamTemplate::Merchant(card) => Upstream::Merchant(inner(&*card)),
        UpstreamTemplate::Brand(card) => Upstream::Brand(inner(&*card)),
        UpstreamTemplate::OfficialAccount(card) => Upstream::OfficialAccount(inner(&*card)),
        _ => return None,
    })
}

fn state(state: TemplateState) -> proto::template::State {
    use proto::template::State;
    match state {
        TemplateState::PendingReview => State::PendingReview,
        TemplateState::Rejected => State::Rejected,
        TemplateState::Active => State::Active,
        TemplateState::Deleted => State::Deleted,
        TemplateState::Unspecified | TemplateState::Other | _ => State::Unspecified,
    }
}

fn validity(validity: Validity) -> Option<proto::Validity> {
    use proto::validity::{Days, Kind, Range};
    let kind = match validity {
        Validity::Range { begin, end } => Kind::Range(Range {
            begin_time: begin.map(Into::into),
            end_time: end.map(Into::into),
        }),
        Validity::Days {
            valid_days,
            wait_days,
        } => Kind::Days(Days {
            valid_days,
            wait_days,
        }),
        Validity::Permanent => Kind::Permanent(()),
        Validity::Other(word) => Kind::UpstreamKind(word),
        _ => return None,
    };
    Some(proto::Validity { kind: Some(kind) })
}

/// The words of the domain and of WeChat, in those of requests with a `name`.
fn in_name(field: &str) -> Option<String> {
    matches!(field, "account" | "card_id").then(|| "name".to_owned())
}

/// The same for requests with a `parent`.
fn in_parent(field: &str) -> Option<String> {
    (field == "account").then(|| "parent".to_owned())
}

/// The same for `UpdateTemplateRequest`.
fn in_update(field: &str) -> Option<String> {
    if matches!(field, "account" | "card_id") {
        return Some("template.name".to_owned());
    }
    TemplateUpdate::FIELDS
        .contains(&field)
        .then(|| format!("template.{field}"))
}

#[cfg(test)]
mod tests;
