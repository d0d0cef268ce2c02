//! `kabao.v1.MemberService`.

use std::sync::Arc;

use kabao_api::{
    Accounts, Error, GetMember, Member, MemberState, MemberUpdate, Personal, Reason, UpdateMember,
    UpstreamMember,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::member_service_server::MemberService;
use tonic::{Request, Response, Status};

use super::arguments::{Arguments, openid};
use super::text;
use crate::call::Call;
use crate::convert::FromModel;

/// Serves members of every configured account.
#[derive(Clone, Debug)]
pub struct MemberGrpc {
    accounts: Arc<Accounts>,
}

impl MemberGrpc {
    /// Serves the members of `accounts`.
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self { accounts }
    }
}

#[tonic::async_trait]
impl MemberService for MemberGrpc {
    async fn get_member(
        &self,
        request: Request<proto::GetMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(in_get);
        let get = get(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, get.name.account())?;
        match account.members.get_member(&context, get).await {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn update_member(
        &self,
        request: Request<proto::UpdateMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(in_update);
        let update = update(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, update.name.account())?;
        match account.members.update_member(&context, update).await {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}

fn get(request: proto::GetMemberRequest) -> Result<GetMember, Error> {
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let view = arguments.view(request.view);
    let openid = openid(request.openid);
    arguments.finish(name.map(|name| GetMember { name, openid, view }))
}

fn update(request: proto::UpdateMemberRequest) -> Result<UpdateMember, Error> {
    let mut arguments = Arguments::default();
    let member = request.member.unwrap_or_default();
    let name = arguments.name("member.name", &member.name);
    let update = changes(&mut arguments, member, request.update_mask);
    let request_id = arguments.request_id(request.request_id);
    let view = arguments.view(request.view);
    let openid = openid(request.openid);
    arguments.finish(name.map(|name| UpdateMember {
        name,
        openid,
        update,
        request_id,
        view,
    }))
}

fn changes(
    arguments: &mut Arguments,
    member: proto::Member,
    mask: Option<prost_types::FieldMask>,
) -> MemberUpdate {
    let chosen = arguments.mask(mask, MemberUpdate::FIELDS, |path| match path {
        "level" => !member.level.is_empty(),
        "membership_number" => !member.membership_number.is_empty(),
        "background_picture_url" => !member.background_picture_url.is_empty(),
        "points" => member.points.is_some(),
        "balance" => member.balance.is_some(),
        _ => false,
    });
    let mut update = MemberUpdate::default();
    let number = |arguments: &mut Arguments, field: &str, value: Option<i64>| {
        if value.is_none() {
            arguments.report(
                Reason::FieldInvalid,
                field,
                "is named by update_mask and has no value",
            );
        }
        value
    };
    for path in chosen {
        match path {
            "level" => update.level = Some(member.level.clone()),
            "membership_number" => {
                update.membership_number = Some(member.membership_number.clone().into());
            }
            "background_picture_url" => {
                update.background_picture_url = Some(member.background_picture_url.clone());
            }
            "points" => update.points = number(arguments, "member.points", member.points),
            "balance" => update.balance = number(arguments, "member.balance", member.balance),
            _ => {}
        }
    }
    update
}

fn answer(member: Member) -> proto::Member {
    let (state, upstream_state) = state(member.state);
    proto::Member {
        name: member.name.resource_name(),
        state: state.into(),
        upstream_state,
        openid: text(member.openid.map(Personal::into_exposed)),
        membership_number: text(member.membership_number.map(Personal::into_exposed)),
        level: text(member.level),
        balance: member.balance,
        points: member.points,
        background_picture_url: text(member.background_picture_url),
        nickname: text(member.nickname.map(Personal::into_exposed)),
        upstream: member.upstream.and_then(upstream),
    }
}

fn upstream(upstream: UpstreamMember) -> Option<proto::member::Upstream> {
    use proto::member::Upstream;
    Some(match upstream {
        UpstreamMember::Merchant(card) => Upstream::Merchant(FromModel::from_model(*card)),
        UpstreamMember::Brand(card) => Upstream::Brand(FromModel::from_model(*card)),
        UpstreamMember::OfficialAccount(answer) => {
            Upstream::OfficialAccount(FromModel::from_model(*answer))
        }
        _ => return None,
    })
}

fn state(state: MemberState) -> (proto::member::State, String) {
    use proto::member::State;
    let portable = match state {
        MemberState::PendingActivation => State::PendingActivation,
        MemberState::Active => State::Active,
        MemberState::Expired => State::Expired,
        MemberState::Invalid => State::Invalid,
        MemberState::Deleted => State::Deleted,
        MemberState::Other(word) => return (State::Unspecified, word),
        MemberState::Unspecified | _ => State::Unspecified,
    };
    (portable, String::new())
}

/// The words of the domain and of WeChat, in those of `GetMemberRequest`.
fn in_get(field: &str) -> Option<String> {
    is_name(field).then(|| "name".to_owned())
}

/// The same for `UpdateMemberRequest`.
fn in_update(field: &str) -> Option<String> {
    if is_name(field) {
        return Some("member.name".to_owned());
    }
    MemberUpdate::FIELDS
        .contains(&field)
        .then(|| format!("member.{field}"))
}

fn is_name(field: &str) -> bool {
    matches!(field, "account" | "card_id" | "code" | "user_card_code")
}

#[cfg(test)]
mod tests;
