//! `CreateTemplateRequest`: portable fields and the family's own request.

use kabao_api::{CreateTemplate, Error, FieldViolation, NewTemplate, Reason, UpstreamNewTemplate};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::create_template_request::UpstreamRequest;

use crate::convert::{FamilyRequest, IntoModel, Reader};
use crate::portable::arguments::{Arguments, given};

pub(super) fn read(request: proto::CreateTemplateRequest) -> Result<CreateTemplate, Error> {
    let mut arguments = Arguments::default();
    let account = arguments.account("parent", &request.parent);
    let upstream = request
        .upstream_request
        .and_then(|upstream| match upstream {
            UpstreamRequest::Merchant(message) => {
                let model = family(&mut arguments, "merchant", &request.parent, message)?;
                Some(UpstreamNewTemplate::Merchant(Box::new(model)))
            }
            UpstreamRequest::Brand(message) => {
                let model = family(&mut arguments, "brand", &request.parent, message)?;
                Some(UpstreamNewTemplate::Brand(Box::new(model)))
            }
            UpstreamRequest::OfficialAccount(message) => {
                let model = family(&mut arguments, "official_account", &request.parent, message)?;
                Some(UpstreamNewTemplate::OfficialAccount(Box::new(model)))
            }
        });
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
    let request_id = arguments.request_id(request.request_id);
    let view = arguments.view(request.view);
    arguments.finish(account.map(|account| CreateTemplate {
        account,
        template,
        request_id,
        view,
    }))
}

/// Reads the family's own request; its limits are checked when it is complete.
fn family<P, M>(arguments: &mut Arguments, place: &str, parent: &str, message: P) -> Option<M>
where
    P: FamilyRequest + IntoModel<M>,
{
    let account = message.account();
    if !account.is_empty() && account != parent {
        let description = "must be empty or the same as parent";
        arguments.report(
            Reason::NameInvalid,
            &format!("{place}.account"),
            description,
        );
    }
    match Reader::read_any(message) {
        Ok(model) => Some(model),
        Err(violations) => {
            for FieldViolation { field, description } in violations {
                arguments.report(
                    Reason::FieldInvalid,
                    &format!("{place}.{field}"),
                    description,
                );
            }
            None
        }
    }
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
