//! The messages of the methods, read outside their service.

use kabao_api::TemplateRequest;
use prost::Message;

use super::{creation, delete, get, list, update};
use crate::idempotency::Idempotency;

/// Reads a message; `None` if anything is wrong with it.
pub(crate) type ReadTemplate = fn(&[u8], &Idempotency) -> Option<TemplateRequest>;

/// The methods by their paths.
pub(crate) const TEMPLATES: [(&str, ReadTemplate); 5] = [
    ("/kabao.v1.TemplateService/GetTemplate", |message, _| {
        Some(TemplateRequest::Get(get(read(message)?).ok()?))
    }),
    ("/kabao.v1.TemplateService/ListTemplates", |message, _| {
        Some(TemplateRequest::List(list(read(message)?).ok()?))
    }),
    ("/kabao.v1.TemplateService/CreateTemplate", |message, id| {
        let create = creation::read(read(message)?, id).ok()?;
        Some(TemplateRequest::Create(create))
    }),
    ("/kabao.v1.TemplateService/UpdateTemplate", |message, id| {
        Some(TemplateRequest::Update(update(read(message)?, id).ok()?))
    }),
    ("/kabao.v1.TemplateService/DeleteTemplate", |message, id| {
        Some(TemplateRequest::Delete(delete(read(message)?, id).ok()?))
    }),
];

fn read<M: Message + Default>(message: &[u8]) -> Option<M> {
    M::decode(message).ok()
}
