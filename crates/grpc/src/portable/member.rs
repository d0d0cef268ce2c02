//! `kabao.v1.MemberService`.

mod answer;
mod field_paths;
mod request;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use kabao_api::{Accounts, Page, PageToken};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::batch_get_members_response::{Result as Outcome, result};
use kabao_proto::kabao::v1::member_service_server::MemberService;
use tonic::{Request, Response, Status};

use self::answer::answer;
use super::text;
use crate::call::Call;
use crate::status;

/// How many members of one batch are read at once.
const READS_AT_ONCE: usize = 8;

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
        let mut call = Call::of(&request).renaming(field_paths::in_name);
        let get = request::get(request.into_inner()).map_err(|error| call.refuse(&error))?;
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
        let mut call = Call::of(&request).renaming(field_paths::in_update);
        let update = request::update(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, update.name.account())?;
        match account.members.update_member(&context, update).await {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn list_members(
        &self,
        request: Request<proto::ListMembersRequest>,
    ) -> Result<Response<proto::ListMembersResponse>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_list);
        let list = request::list(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, &list.account)?;
        match account.members.list_members(&context, list).await {
            Ok(page) => Ok(Response::new(list_answer(page))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn batch_get_members(
        &self,
        request: Request<proto::BatchGetMembersRequest>,
    ) -> Result<Response<proto::BatchGetMembersResponse>, Status> {
        let call = Call::of(&request).renaming(field_paths::in_name);
        let requests = request::batch(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let reads = requests.into_iter().map(|request| {
            let call = call.clone();
            async move {
                let result = match self.read(call, request).await {
                    Ok(member) => result::Result::Member(member),
                    Err(status) => result::Result::Error(status::to_message(&status)),
                };
                Outcome {
                    result: Some(result),
                }
            }
        });
        let results = stream::iter(reads).buffered(READS_AT_ONCE).collect().await;
        Ok(Response::new(proto::BatchGetMembersResponse { results }))
    }

    async fn adjust_balance(
        &self,
        request: Request<proto::AdjustBalanceRequest>,
    ) -> Result<Response<proto::AdjustBalanceResponse>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_name);
        let adjust_balance =
            request::adjust_balance(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, adjust_balance.name.account())?;
        match account
            .members
            .adjust_balance(&context, adjust_balance)
            .await
        {
            Ok(done) => Ok(Response::new(proto::AdjustBalanceResponse {
                before: done.before,
                after: done.after,
            })),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn adjust_points(
        &self,
        request: Request<proto::AdjustPointsRequest>,
    ) -> Result<Response<proto::AdjustPointsResponse>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_name);
        let adjust_points =
            request::adjust_points(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, adjust_points.name.account())?;
        match account.members.adjust_points(&context, adjust_points).await {
            Ok(done) => Ok(Response::new(proto::AdjustPointsResponse {
                before: done.before,
                after: done.after,
            })),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn activate_member(
        &self,
        request: Request<proto::ActivateMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_activate);
        let activate =
            request::activate(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, activate.name.account())?;
        match account.members.activate_member(&context, activate).await {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn invalidate_member(
        &self,
        request: Request<proto::InvalidateMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_name);
        let invalidate =
            request::invalidate(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, invalidate.name.account())?;
        match account
            .members
            .invalidate_member(&context, invalidate)
            .await
        {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn import_member(
        &self,
        request: Request<proto::ImportMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_import);
        let import = request::import(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, import.template.account())?;
        match account.members.import_member(&context, import).await {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}

impl MemberGrpc {
    /// Reads one member of a batch.
    async fn read(
        &self,
        mut call: Call,
        request: proto::GetMemberRequest,
    ) -> Result<proto::Member, Status> {
        let get = request::get(request).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, get.name.account())?;
        match account.members.get_member(&context, get).await {
            Ok(member) => Ok(answer(member)),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}

fn list_answer(page: Page<kabao_api::Member>) -> proto::ListMembersResponse {
    proto::ListMembersResponse {
        members: page.items.into_iter().map(answer).collect(),
        next_page_token: text(page.next.as_ref().map(PageToken::as_str)),
        total_size: page.total.and_then(|total| i64::try_from(total).ok()),
    }
}

#[cfg(test)]
mod tests;
