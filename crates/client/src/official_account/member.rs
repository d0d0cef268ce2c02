//! Members of the official-account family.

use async_trait::async_trait;
use kabao_api::{
    CallContext, Error, GetMember, Member, MemberApi, MemberName, MemberState, MemberUpdate,
    UpdateMember, UpstreamMember, View, call,
};
use kabao_models::official_account::member::{GetUserInfo, GetUserInfoResponse, UpdateUser};

use super::OfficialAccount;
use crate::portable::{Names, after_the_change, require_same_account, require_supported};

const SUPPORTED: &[&str] = &["background_picture_url", "points", "balance"];
const NAMES: Names = Names(&[
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
        require_supported(Self::FAMILY, &update.fields(), SUPPORTED)?;
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
        call(&self.pipeline, context, change)
            .await
            .map_err(|error| NAMES.translate(error))?;
        self.read_member(context, name, view)
            .await
            .map_err(after_the_change)
    }
}

impl OfficialAccount {
    async fn read_member(
        &self,
        context: &CallContext,
        name: MemberName,
        view: View,
    ) -> Result<Member, Error> {
        let request = GetUserInfo::new(name.template().id().as_str(), name.code().clone());
        let answer = call(&self.pipeline, context, request)
            .await
            .map_err(|error| NAMES.translate(error))?;
        Ok(member(name, answer, view))
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
            other => MemberState::Other(other.to_owned()),
        });
    let mut member = Member::new(name, state);
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
