//! Members of the brand family. They are named by template, code and openid together.

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, FieldViolation, GetMember,
    ImportMember, InvalidateMember, ListMembers, Member, MemberApi, MemberName, MemberRequest,
    MemberState, MemberUpdate, Method, Page, Personal, UpdateMember, UpstreamMember, View,
};
use kabao_models::brand::UserCard;
use kabao_models::brand::direct_user_cards::{GetDirectUserCard, UpdateDirectUserCard};
use kabao_models::brand::user_cards::{GetUserCard, UpdateUserCard};

use super::Brand;
use crate::backend::look;
use crate::portable::{Names, require_changes, require_same_account};

pub(super) const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("user_card_code", "name"),
    ("card_picture_url", "background_picture_url"),
]);

#[async_trait]
impl MemberApi for Brand {
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error> {
        let GetMember {
            name, openid, view, ..
        } = request;
        require_same_account(context, name.account())?;
        let openid = require_openid(openid)?;
        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let request = GetUserCard::new(code, self.brand_id.as_str(), card_id, openid);
        let answer = self.call::<GetDirectUserCard>(context, request).await;
        let card = answer.map_err(|error| NAMES.translate(error))?;
        Ok(member(name, card, view))
    }

    async fn update_member(
        &self,
        context: &CallContext,
        request: UpdateMember,
    ) -> Result<Member, Error> {
        let UpdateMember {
            name,
            openid,
            update,
            view,
            ..
        } = request;
        require_same_account(context, name.account())?;
        require_changes(self.support(Method::UpdateMember), update.fields())?;
        let openid = require_openid(openid)?;
        let MemberUpdate {
            level,
            background_picture_url,
            ..
        } = update;
        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let mut change = UpdateUserCard::new(code, self.brand_id.as_str(), card_id, openid);
        change.level = level;
        change.card_picture_url = background_picture_url;
        let answer = self.call::<UpdateDirectUserCard>(context, change).await;
        let card = answer.map_err(|error| NAMES.translate(error))?;
        Ok(member(name, card, view))
    }

    async fn list_members(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error> {
        self.list_cards_of_user(context, request).await
    }

    async fn adjust_balance(&self, _: &CallContext, _: AdjustMember) -> Result<Adjustment, Error> {
        Err(Error::method_not_supported(
            Self::FAMILY,
            Method::AdjustBalance,
        ))
    }

    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        self.sync_points(context, request).await
    }

    async fn activate_member(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        self.confirm(context, request).await
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

pub(super) fn require_openid(openid: Option<Personal>) -> Result<Personal, Error> {
    openid.filter(|openid| !openid.is_empty()).ok_or_else(|| {
        Error::field_invalid([FieldViolation::new(
            "openid",
            "is required by the brand family",
        )])
    })
}

pub(super) fn member(name: MemberName, card: UserCard, view: View) -> Member {
    let state = card
        .user_card_state
        .as_ref()
        .map_or(MemberState::Unspecified, |state| match state.as_str() {
            "UNACTIVATED" => MemberState::PendingActivation,
            "EFFECTIVE" => MemberState::Active,
            "EXPIRED" => MemberState::Expired,
            "INVALID" => MemberState::Invalid,
            _ => MemberState::Other,
        });
    let mut member = Member::new(name, state);
    member.upstream_state = card
        .user_card_state
        .as_ref()
        .map(|state| state.as_str().to_owned());
    member.openid.clone_from(&card.openid);
    member.level.clone_from(&card.level);
    member
        .background_picture_url
        .clone_from(&card.card_picture_url);
    member.upstream = (view == View::Full).then(|| UpstreamMember::Brand(Box::new(card)));
    member
}
