//! What a call asks for, as far as that can be told from its message alone.

use std::collections::HashMap;

use bytes::Bytes;
use kabao_api::{
    Account, AccountId, CallContext, Error, MemberRequest, RequestId, TemplateRequest,
};
use kabao_models::{AnyEndpoint, Effect};

use crate::audit::subjects;
use crate::generated::METHODS;
use crate::idempotency::{self, Idempotency};
use crate::method::Method;
use crate::portable::{self, ReadMember, ReadTemplate};
use crate::wire::{self, account_id};

/// The methods that are one call of one account, by their paths. Streams, batches, and what may answer with a credential
/// are none.
pub(super) fn methods() -> HashMap<&'static str, Reader> {
    let family = METHODS.iter().filter(|method| {
        let operation = method.operation;
        !operation.credential && operation.upload.is_none()
    });
    let family = family.map(|method| (method.path, Reader::Family(method)));
    let members = portable::MEMBERS.map(|(path, read)| (path, Reader::Member(read)));
    let templates = portable::TEMPLATES.map(|(path, read)| (path, Reader::Template(read)));
    family.chain(members).chain(templates).collect()
}

/// How the message of a method is read.
#[derive(Clone, Copy)]
pub(super) enum Reader {
    Family(&'static Method),
    Member(ReadMember),
    Template(ReadTemplate),
}

/// A call whose message means something.
pub(super) struct Asked {
    pub(super) account: AccountId,
    /// The id that the caller gave the change.
    pub(super) request_id: Option<RequestId>,
    pub(super) is_change: bool,
    wanted: Wanted,
}

enum Wanted {
    Family(Box<dyn AnyEndpoint>),
    Member(Box<MemberRequest>),
    Template(Box<TemplateRequest>),
}

impl Reader {
    /// Reads a message; `None` if anything is wrong with it.
    pub(super) fn read(self, message: &Bytes, idempotency: &Idempotency) -> Option<Asked> {
        Some(match self {
            Self::Family(method) => {
                let operation = method.operation;
                let asked = wire::read_request(operation, message).ok()?;
                let is_change = operation.effect == Effect::Write;
                let request_id = match is_change {
                    true => idempotency.given(None).ok()?,
                    false => None,
                };
                Asked {
                    account: account_id(&asked.account).ok()?,
                    request_id,
                    is_change,
                    wanted: Wanted::Family(asked.finish().ok()?),
                }
            }
            Self::Member(read) => {
                let request = read(message, idempotency)?;
                Asked {
                    account: request.account().clone(),
                    request_id: request.request_id().cloned(),
                    is_change: !request.is_read(),
                    wanted: Wanted::Member(Box::new(request)),
                }
            }
            Self::Template(read) => {
                let request = read(message, idempotency)?;
                Asked {
                    account: request.account().clone(),
                    request_id: request.request_id().cloned(),
                    is_change: !request.is_read(),
                    wanted: Wanted::Template(Box::new(request)),
                }
            }
        })
    }

    /// Says how to put the path of a field into the caller's words.
    pub(super) fn rename(self) -> Option<fn(&str) -> Option<String>> {
        match self {
            Self::Family(_) => Some(idempotency::in_metadata),
            Self::Member(_) | Self::Template(_) => None,
        }
    }
}

impl Asked {
    /// Says why the account would refuse the call now.
    pub(super) fn refusal(&self, account: &Account, context: &CallContext) -> Option<Error> {
        match &self.wanted {
            Wanted::Family(request) if request.operation().family != account.family => None,
            Wanted::Family(request) => account.upstream.refusal(context, &**request),
            Wanted::Member(request) => account.members.refusal(context, request),
            Wanted::Template(request) => account.templates.refusal(context, request),
        }
    }

    /// Returns the names of what would be changed.
    pub(super) fn subjects(&self) -> Vec<String> {
        match &self.wanted {
            Wanted::Family(request) => subjects::of_request(&self.account, &**request),
            Wanted::Member(request) => subjects::of_member_request(request),
            Wanted::Template(request) => subjects::of_template_request(request),
        }
    }
}
