//! Members of the merchant family.

use async_trait::async_trait;
use kabao_api::{
    CallContext, Error, GetMember, Member, MemberApi, MemberName, MemberState, MemberUpdate,
    Reason, UpdateMember, UpstreamMember, View, call,
};
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};

use super::Merchant;
use crate::portable::{
    Names, after_the_change, request_number, require_same, require_same_account, require_supported,
};

const SUPPORTED: &[&str] = &["level", "membership_number", "background_picture_url"];
const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("out_request_no", "request_id"),
]);

#[async_trait]
impl MemberApi for Merchant {
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error> {
        require_same_account(context, request.name.template())?;
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
        require_same_account(context, name.template())?;
        require_supported(Self::FAMILY, &update.fields(), SUPPORTED)?;
        let number = match &request_id {
            Some(request_id) => request_number(request_id)?,
            None => self
                .clock
                .nonce()
                .ok_or_else(|| Error::new(Reason::Internal, "the system gives no randomness"))?,
        };
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
        call(&self.pipeline, context, change)
            .await
            .map_err(|error| {
                let error = NAMES.translate(error);
                // A number of our own making is not known to the caller, who could not repeat with it.
                if request_id.is_none() && error.may_have_executed() {
                    error.mark_not_retryable()
                } else {
                    error
                }
            })?;
        self.read_member(context, name, view)
            .await
            .map_err(after_the_change)
    }
}

impl Merchant {
    async fn read_member(
        &self,
        context: &CallContext,
        name: MemberName,
        view: View,
    ) -> Result<Member, Error> {
        let card_id = name.template().id().as_str();
        let request = GetUserCard::new(card_id, name.code().clone());
        let card = call(&self.pipeline, context, request)
            .await
            .map_err(|error| NAMES.translate(error))?;
        // Not the code: a dynamic one is answered with the fixed one.
        require_same("card_id", card_id, card.card_id.as_deref())?;
        Ok(member(name, card, view))
    }
}

fn member(name: MemberName, card: UserCard, view: View) -> Member {
    let state = card
        .user_card_status
        .as_ref()
        .map_or(MemberState::Unspecified, |status| state(status.as_str()));
    let mut member = Member::new(name, state);
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
        other => MemberState::Other(other.to_owned()),
    }
}
