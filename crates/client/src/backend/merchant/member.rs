//! Members of the merchant family.

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, GetMember, ImportMember,
    InvalidateMember, ListMembers, Member, MemberApi, MemberName, MemberRequest, MemberState,
    MemberUpdate, MemberValue, Method, Page, UpdateMember, UpstreamMember, View,
};
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};

use super::Merchant;
use crate::backend::look;
use crate::portable::{Names, numbered, or_written, require_changes, require_same_account};

pub(super) const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("out_request_no", "request_id"),
]);

#[async_trait]
impl MemberApi for Merchant {
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
            name,
            update,
            request_id,
            view,
            ..
        } = request;
        require_same_account(context, name.account())?;
        require_changes(self.support(Method::UpdateMember), update.fields())?;
        let (number, context) = numbered(context, request_id, self.ground.clock.as_ref())?;
        let context = &context;
        let written = update.clone();
        let MemberUpdate {
            level,
            membership_number,
            background_picture_url,
            ..
        } = update;
        let mut change =
            UpdateUserCard::new(name.template().id().as_str(), name.code().clone(), number);
        change.level = level;
        change.membership_number = membership_number;
        change.background_picture_url = background_picture_url;
        self.ground
            .call(context, change)
            .await
            .map_err(|error| NAMES.translate(error))?;
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

    async fn import_member(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error> {
        self.import(context, request).await
    }

    fn refusal(&self, context: &CallContext, request: &MemberRequest) -> Option<Error> {
        look::at_member(self, context, request)
    }
}

impl Merchant {
    pub(super) async fn read_member(
        &self,
        context: &CallContext,
        name: MemberName,
        view: View,
    ) -> Result<Member, Error> {
        let card = self.read_card(context, &name).await?;
        Ok(member(under_fixed_code(name, &card), card, view))
    }

    pub(super) async fn read_card(
        &self,
        context: &CallContext,
        name: &MemberName,
    ) -> Result<UserCard, Error> {
        let card_id = name.template().id().as_str();
        let request = GetUserCard::new(card_id, name.code().clone());
        self.ground
            .call(context, request)
            .await
            .map_err(|error| NAMES.translate(error))
    }
}

/// A member that was asked for by the dynamic code of its card has the name of its own code: the
/// other one is somebody else's in a minute.
fn under_fixed_code(name: MemberName, card: &UserCard) -> MemberName {
    match &card.code {
        Some(code) if code != name.code() => {
            MemberName::new(name.template().clone(), code.clone()).unwrap_or(name)
        }
        _ => name,
    }
}

fn member(name: MemberName, card: UserCard, view: View) -> Member {
    let state = card
        .user_card_status
        .as_ref()
        .map_or(MemberState::Unspecified, |status| state(status.as_str()));
    let mut member = Member::new(name, state);
    member.upstream_state = card
        .user_card_status
        .as_ref()
        .map(|status| status.as_str().to_owned());
    member.openid.clone_from(&card.openid);
    member.level.clone_from(&card.level);
    member.points = card.bonus_value;
    member.balance = card.balance;
    member.membership_number.clone_from(&card.membership_number);
    member.nickname.clone_from(&card.nickname);
    member
        .background_picture_url
        .clone_from(&card.background_picture_url);
    member.upstream = (view == View::Full).then(|| UpstreamMember::Merchant(Box::new(card)));
    member
}

pub(super) fn state(status: &str) -> MemberState {
    match status {
        "NOT_ACTIVATE" => MemberState::PendingActivation,
        "EFFECTIVE" => MemberState::Active,
        "EXPIRE" => MemberState::Expired,
        "UNAVAILABLE" => MemberState::Invalid,
        "DELETE" => MemberState::Deleted,
        _ => MemberState::Other,
    }
}
