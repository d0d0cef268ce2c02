//! `kabao.v1.MemberService`.

mod answer;
mod batch;
mod field_paths;
mod list;
mod read;
mod request;

use futures_util::{Stream, StreamExt, stream};
use kabao_api::{
    Account, AdjustMember, CallContext, GetMember, ImportMember, Member, MemberName, Page,
    PageToken, UpdateMember,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::batch_get_members_response::{Result as Outcome, result};
use kabao_proto::kabao::v1::member_service_server::MemberService;
use std::pin::Pin;
use tonic::{Code, Request, Response, Status};

use self::answer::{adjusted, answer};
use self::batch::{Batch, Head, Single};
pub(crate) use self::read::{MEMBERS, ReadMember};
use super::{before_end, text};
use crate::audit::subjects;
use crate::call::Call;
use crate::generation::Generations;
use crate::status;

/// How many members of one batch are read at once.
const READS_AT_ONCE: usize = 8;

/// Serves members of every configured account.
#[derive(Clone, Debug)]
pub struct MemberGrpc {
    generations: Generations,
}

impl MemberGrpc {
    /// Serves the members of `accounts`.
    pub fn new(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
        }
    }
}

/// Serves a batch: its messages differ by name only.
macro_rules! batch {
    ($self:ident, $request:ident: $single:ty, $answer:ident { $done:ident::$result:ident }) => {{
        let call = Call::of(&$request);
        let message = $request.into_inner();
        let head = Head {
            parent: message.parent,
            request_id: message.request_id,
            parallelism: message.parallelism,
        };
        $self
            .batch::<$single, _>(call, head, message.items, |outcome| $answer {
                index: outcome.index,
                request_id: outcome.request_id,
                result: Some(outcome.result.map_or_else($done::Error, $done::$result)),
            })
            .await
    }};
}

#[tonic::async_trait]
impl MemberService for MemberGrpc {
    type BatchAdjustPointsStream = Results<proto::BatchAdjustPointsResponse>;
    type BatchUpdateMembersStream = Results<proto::BatchUpdateMembersResponse>;
    type BatchImportMembersStream = Results<proto::BatchImportMembersResponse>;

    async fn get_member(
        &self,
        request: Request<proto::GetMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_name);
        let get = request::get(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.generations, get.name.account())?;
        read(&call, &account, &context, get)
            .await
            .map(Response::new)
    }

    async fn update_member(
        &self,
        request: Request<proto::UpdateMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_update);
        let mut update = request::update(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, update.name.account())?;
        let subjects = || subjects::of_member(&update.name, update.openid.as_ref());
        call.begin(&account, &mut context, &mut update.request_id, subjects)?;
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
        let (account, context) = call.account(&self.generations, &list.account)?;
        match account.members.list_members(&context, list).await {
            Ok(page) => Ok(Response::new(list_answer(&account, page))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn batch_get_members(
        &self,
        request: Request<proto::BatchGetMembersRequest>,
    ) -> Result<Response<proto::BatchGetMembersResponse>, Status> {
        let call = Call::of(&request).renaming(field_paths::in_name);
        let requests = request::batch(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let reads = (0..).zip(requests).map(|(index, request)| {
            // One that is refused is written down by itself: each has an account of its own.
            let (call, record) = call.item(index);
            async move {
                let result = self.read(call, request).await;
                let code = result.as_ref().err().map_or(Code::Ok, Status::code);
                record.trail().end(code, None);
                let result = match result {
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
        let mut adjust_balance = request::adjust_balance(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) =
            call.account(&self.generations, adjust_balance.name.account())?;
        let subjects = || subjects::of_member(&adjust_balance.name, adjust_balance.openid.as_ref());
        call.begin(
            &account,
            &mut context,
            &mut adjust_balance.request_id,
            subjects,
        )?;
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
        let mut adjust_points = request::adjust_points(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) =
            call.account(&self.generations, adjust_points.name.account())?;
        let subjects = || subjects::of_member(&adjust_points.name, adjust_points.openid.as_ref());
        call.begin(
            &account,
            &mut context,
            &mut adjust_points.request_id,
            subjects,
        )?;
        match account.members.adjust_points(&context, adjust_points).await {
            Ok(done) => Ok(Response::new(adjusted(done))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn activate_member(
        &self,
        request: Request<proto::ActivateMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let mut call = Call::of(&request).renaming(field_paths::in_activate);
        let mut activate = request::activate(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, activate.name.account())?;
        let subjects = || subjects::of_member(&activate.name, activate.openid.as_ref());
        call.begin(&account, &mut context, &mut activate.request_id, subjects)?;
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
        let mut invalidate = request::invalidate(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, invalidate.name.account())?;
        let subjects = || subjects::of_member(&invalidate.name, invalidate.openid.as_ref());
        call.begin(&account, &mut context, &mut invalidate.request_id, subjects)?;
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
        let mut import = request::import(request.into_inner(), call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, import.template.account())?;
        let subjects = || subjects::of_import(&import.template, &import.user, import.code.as_ref());
        call.begin(&account, &mut context, &mut import.request_id, subjects)?;
        match account.members.import_member(&context, import).await {
            Ok(member) => Ok(Response::new(answer(member))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn batch_adjust_points(
        &self,
        request: Request<proto::BatchAdjustPointsRequest>,
    ) -> Result<Response<Results<proto::BatchAdjustPointsResponse>>, Status> {
        use proto::BatchAdjustPointsResponse as Answer;
        use proto::batch_adjust_points_response::Result as Done;
        batch!(self, request: AdjustMember, Answer { Done::Adjustment })
    }

    async fn batch_update_members(
        &self,
        request: Request<proto::BatchUpdateMembersRequest>,
    ) -> Result<Response<Results<proto::BatchUpdateMembersResponse>>, Status> {
        use proto::BatchUpdateMembersResponse as Answer;
        use proto::batch_update_members_response::Result as Done;
        batch!(self, request: UpdateMember, Answer { Done::Member })
    }

    async fn batch_import_members(
        &self,
        request: Request<proto::BatchImportMembersRequest>,
    ) -> Result<Response<Results<proto::BatchImportMembersResponse>>, Status> {
        use proto::BatchImportMembersResponse as Answer;
        use proto::batch_import_members_response::Result as Done;
        batch!(self, request: ImportMember, Answer { Done::Member })
    }
}

/// The results of a batch, one after another.
type Results<R> = Pin<Box<dyn Stream<Item = Result<R, Status>> + Send>>;

impl MemberGrpc {
    /// Runs the items of a batch.
    async fn batch<S: Single, R: Send + 'static>(
        &self,
        mut call: Call,
        head: Head,
        items: Vec<S::Message>,
        answer: fn(batch::Outcome<S::Done>) -> R,
    ) -> Result<Response<Results<R>>, Status> {
        let batch = Batch::<S>::read(head, items, call.idempotency())
            .map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.generations, batch.account())?;
        let context = list::begin(&account, context.in_bulk(), &batch)
            .await
            .map_err(|error| call.refuse(&error))?;
        let generations = self.generations.clone();
        let outcomes = batch.run(call.clone(), generations, account, context);
        let answers = outcomes.map(move |outcome| Ok(answer(outcome)));
        Ok(Response::new(before_end(call, answers)))
    }

    /// Reads one member of a batch.
    async fn read(
        &self,
        mut call: Call,
        request: proto::GetMemberRequest,
    ) -> Result<proto::Member, Status> {
        let get = request::get(request).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.generations, get.name.account())?;
        read(&call, &account, &context, get).await
    }
}

/// Reads a member. A change that is known before or after the reading may have ended in between.
async fn read(
    call: &Call,
    account: &Account,
    context: &CallContext,
    get: GetMember,
) -> Result<proto::Member, Status> {
    let was_changing = is_changing(account, &get.name);
    match account.members.get_member(context, get).await {
        Ok(member) => {
            let mut member = read_answer(account, member);
            member.change_in_progress |= was_changing;
            Ok(member)
        }
        Err(error) => Err(call.refuse(&error)),
    }
}

fn is_changing(account: &Account, name: &MemberName) -> bool {
    let journal = account.changes.as_ref();
    journal.is_some_and(|journal| journal.is_changing(name))
}

/// A member that was read: it may be changing.
fn read_answer(account: &Account, member: Member) -> proto::Member {
    let change_in_progress = is_changing(account, &member.name);
    proto::Member {
        change_in_progress,
        ..answer(member)
    }
}

fn list_answer(account: &Account, page: Page<Member>) -> proto::ListMembersResponse {
    let members = page.items.into_iter();
    proto::ListMembersResponse {
        members: members.map(|member| read_answer(account, member)).collect(),
        next_page_token: text(page.next.as_ref().map(PageToken::as_str)),
        total_size: page.total.and_then(|total| i64::try_from(total).ok()),
    }
}

#[cfg(test)]
mod tests;
