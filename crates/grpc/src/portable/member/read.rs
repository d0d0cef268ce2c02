//! The messages of the methods that are one call, read outside their service.

use kabao_api::MemberRequest;
use prost::Message;

use super::request;
use crate::idempotency::Idempotency;

/// Reads a message; `None` if anything is wrong with it.
pub(crate) type ReadMember = fn(&[u8], &Idempotency) -> Option<MemberRequest>;

/// The methods by their paths.
pub(crate) const MEMBERS: [(&str, ReadMember); 8] = [
    ("/kabao.v1.MemberService/GetMember", |message, _| {
        let get = request::get(read(message)?).ok()?;
        Some(MemberRequest::Get(get))
    }),
    ("/kabao.v1.MemberService/ListMembers", |message, _| {
        let list = request::list(read(message)?).ok()?;
        Some(MemberRequest::List(list))
    }),
    ("/kabao.v1.MemberService/UpdateMember", |message, id| {
        let update = request::update(read(message)?, id).ok()?;
        Some(MemberRequest::Update(update))
    }),
    ("/kabao.v1.MemberService/AdjustBalance", |message, id| {
        let adjust = request::adjust_balance(read(message)?, id).ok()?;
        Some(MemberRequest::AdjustBalance(adjust))
    }),
    ("/kabao.v1.MemberService/AdjustPoints", |message, id| {
        let adjust = request::adjust_points(read(message)?, id).ok()?;
        Some(MemberRequest::AdjustPoints(adjust))
    }),
    ("/kabao.v1.MemberService/ActivateMember", |message, id| {
        let activate = request::activate(read(message)?, id).ok()?;
        Some(MemberRequest::Activate(activate))
    }),
    ("/kabao.v1.MemberService/InvalidateMember", |message, id| {
        let invalidate = request::invalidate(read(message)?, id).ok()?;
        Some(MemberRequest::Invalidate(invalidate))
    }),
    ("/kabao.v1.MemberService/ImportMember", |message, id| {
        let import = request::import(read(message)?, id).ok()?;
        Some(MemberRequest::Import(import))
    }),
];

fn read<M: Message + Default>(message: &[u8]) -> Option<M> {
    M::decode(message).ok()
}
