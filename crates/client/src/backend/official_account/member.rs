//! Members of the official-account family.

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, GetMember, ImportMember,
    InvalidateMember, ListMembers, Member, MemberApi, MemberName, MemberRequest, MemberState,
    MemberUpdate, MemberValue, Method, Page, UpdateMember, UpstreamMember, View,
};
use kabao_models::official_account::member::{GetUserInfo, GetUserInfoResponse, UpdateUser};

use super::OfficialAccount;
use crate::backend::look;
use crate::portable::{Names, or_written, require_changes, require_same_account};

pub(super) const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("background_pic_url", "background_picture_url"),
    ("bonus", "points"),
]);

#[async_trait]
impl MemberApi for OfficialAccount {
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error> {
        require_same_account(context, request.name.account())?;
        self.read_member(context, request.name, request.view).await
    }

    async fn update_member(
        &self,
        context: &CallContext,
        request: UpdateMember,
    ) -> Result<Member, Error> {
        let UpdateMember {
            name, update, view, ..
        } = request;
        require_same_account(context, name.account())?;
        require_changes(self.support(Method::UpdateMember), update.fields())?;
        let written = update.clone();
        let MemberUpdate {
            background_picture_url,
            points,
            balance,
            ..
        } = update;
        let mut change = UpdateUser::new(name.code().clone(), name.template().id().as_str());
        change.background_pic_url = background_picture_url;
        // Absolute values: repeating the call changes nothing more.
        change.bonus = points;
        change.balance = balance;
        // Not between the reading and the writing of an adjustment.
        let guard = match points.or(balance) {
            Some(_) => Some(self.ground.locks.lock(context, &name).await?),
            None => None,
        };
        let done = self.ground.call(context, change).await;
        drop(guard);
        done.map_err(|error| NAMES.translate(error))?;
        let read = self.read_member(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Member::written(name, MemberState::Unspecified, written)
        }))
    }

    async fn list_members(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error> {
        self.list_cards_of_user(context, request).await
    }

    async fn adjust_balance(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        self.adjust(context, request, MemberValue::Balance).await
    }

    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        self.adjust(context, request, MemberValue::Points).await
    }

    async fn activate_member(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        self.activate(context, request).await
    }

    async fn invalidate_member(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error> {
        self.invalidate(context, request).await
    }

    async fn import_member(&self, _: &CallContext, _: ImportMember) -> Result<Member, Error> {
        Err(Error::method_not_supported(
            Self::FAMILY,
            Method::ImportMember,
        ))
    }

    fn refusal(&self, context: &CallContext, request: &MemberRequest) -> Option<Error> {
        look::at_member(self, context, request)
    }
}

impl OfficialAccount {
    pub(super) async fn read_member(
        &self,
        context: &CallContext,
        name: MemberName,
        view: View,
    ) -> Result<Member, Error> {
        let answer = self.read_user_info(context, &name).await?;
        Ok(member(name, answer, view))
    }

    pub(super) async fn read_user_info(
        &self,
        context: &CallContext,
        name: &MemberName,
    ) -> Result<GetUserInfoResponse, Error> {
        let request = GetUserInfo::new(name.template().id().as_str(), name.code().clone());
        self.ground
            .call(context, request)
            .await
            .map_err(|error| NAMES.translate(error))
    }
}

fn member(name: MemberName, answer: GetUserInfoResponse, view: View) -> Member {
    let state = answer
        .user_card_status
        .as_ref()
        .map_or(MemberState::Unspecified, |state| match state.as_str() {
            // Activation is apart from the state; old answers leave it out.
            "NORMAL" if answer.has_active == Some(false) => MemberState::PendingActivation,
            "NORMAL" => MemberState::Active,
            "EXPIRE" => MemberState::Expired,
            "UNAVAILABLE" => MemberState::Invalid,
            "DELETE" => MemberState::Deleted,
            _ => MemberState::Other,
        });
    let mut member = Member::new(name, state);
    member.upstream_state = answer
        .user_card_status
        .as_ref()
        .map(|state| state.as_str().to_owned());
    member.openid.clone_from(&answer.openid);
    member.points = answer.bonus;
    member.balance = answer.balance;
    member
        .membership_number
        .clone_from(&answer.membership_number);
    member.nickname.clone_from(&answer.nickname);
    member.upstream =
        (view == View::Full).then(|| UpstreamMember::OfficialAccount(Box::new(answer)));
    member
}
