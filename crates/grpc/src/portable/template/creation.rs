//! `CreateTemplateRequest`: portable fields and the family's own request.

use kabao_api::{
    CreateTemplate, Error, FieldViolation, NewTemplate, Reason, RequestId, UpstreamNewTemplate,
};
use kabao_models::Endpoint;
use kabao_proto::Encoded;
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::create_template_request::UpstreamRequest;

use crate::idempotency::Idempotency;
use crate::portable::arguments::{Arguments, given};
use crate::wire::{self, Malformed};

pub(super) fn read(
    request: proto::CreateTemplateRequest,
    idempotency: &Idempotency,
) -> Result<CreateTemplate, Error> {
    let mut arguments = Arguments::default();
    let account = arguments.account("parent", &request.parent);
    let parent = request.parent.as_str();
    let upstream = match request.upstream_request {
        Some(UpstreamRequest::Merchant(message)) => {
            family(&mut arguments, "merchant", parent, &message)?.map(UpstreamNewTemplate::Merchant)
        }
        Some(UpstreamRequest::Brand(message)) => {
            family(&mut arguments, "brand", parent, &message)?.map(UpstreamNewTemplate::Brand)
        }
        Some(UpstreamRequest::OfficialAccount(message)) => {
            family(&mut arguments, "official_account", parent, &message)?
                .map(UpstreamNewTemplate::OfficialAccount)
        }
        None => None,
    };
    let template = request.template.unwrap_or_default();
    let template = NewTemplate {
        title: given(template.title),
        description: given(template.description),
        service_phone: given(template.service_phone),
        logo_url: given(template.logo_url),
        background_picture_url: given(template.background_picture_url),
        brand_name: given(template.brand_name),
        brand_id: given(template.brand_id),
        appid: given(template.appid),
        validity: arguments.validity("template.validity", template.validity),
        total_stock: template.stock.and_then(|stock| stock.total),
        upstream,
    };
    let request_id = arguments
        .request_id(request.request_id, idempotency)
        .or_else(|| number(template.upstream.as_ref()?));
    let view = arguments.view(request.view);
    arguments.finish(account.map(|account| {
        let mut wanted = CreateTemplate::new(account, template).with_view(view);
        wanted.request_id = request_id;
        wanted
    }))
}

/// The request number of the family's own request, which names the change as well as an id would.
fn number(upstream: &UpstreamNewTemplate) -> Option<RequestId> {
    let number = match upstream {
        UpstreamNewTemplate::Merchant(card) => card.request_number(),
        UpstreamNewTemplate::Brand(card) => card.request_number(),
        UpstreamNewTemplate::OfficialAccount(card) => card.request_number(),
        _ => None,
    }?;
    let id = RequestId::new(number).ok()?;
    (id.as_str() == number).then_some(id)
}

/// Reads the family's own request; its limits are checked when it is complete.
fn family<E: Endpoint>(
    arguments: &mut Arguments,
    place: &str,
    parent: &str,
    message: &Encoded,
) -> Result<Option<Box<E>>, Malformed> {
    let mut request = Box::<E>::default();
    let (account, violations) = wire::read_inner(&mut *request, message.as_bytes())?;
    if !account.is_empty() && account != parent {
        let description = "must be empty or the same as parent";
        arguments.report(
            Reason::NameInvalid,
            &format!("{place}.account"),
            description,
        );
    }
    let is_read = violations.is_empty();
    for FieldViolation { field, description } in violations {
        arguments.report(
            Reason::FieldInvalid,
            &format!("{place}.{field}"),
            description,
        );
    }
    Ok(is_read.then_some(request))
}

/// The portable fields that a template is made from, as the domain calls them.
const PORTABLE: &[&str] = &[
    "title",
    "description",
    "service_phone",
    "logo_url",
    "background_picture_url",
    "brand_name",
    "brand_id",
    "appid",
    "validity",
    "stock.total",
];

pub(super) fn in_merchant(field: &str) -> Option<String> {
    in_family(field, "merchant")
}

pub(super) fn in_brand(field: &str) -> Option<String> {
    in_family(field, "brand")
}

pub(super) fn in_official_account(field: &str) -> Option<String> {
    in_family(field, "official_account")
}

/// What is not portable is a field of the family's own request.
fn in_family(field: &str, place: &str) -> Option<String> {
    match field {
        "account" => Some("parent".to_owned()),
        "request_id" => None,
        field if PORTABLE.contains(&field) => Some(format!("template.{field}")),
        field => Some(format!("{place}.{field}")),
    }
}
