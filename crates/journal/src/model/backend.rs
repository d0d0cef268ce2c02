//! A backend as those of the client are: it reads, plans, and sends one write.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Change, Error, Family, GetMember,
    ImportMember, InvalidateMember, ListMembers, Member, MemberApi, MemberRequest, MemberState,
    MemberValue, Page, PlannedValue, UpdateMember, Upstream, call,
};
use kabao_models::Endpoint as _;
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_cards::GetUserCard;
use kabao_models::official_account::member::{GetUserInfo, UpdateUser};

/// The backend of one account of the merchant or the official-account family.
pub struct ModelBackend {
    family: Family,
    upstream: Arc<dyn Upstream>,
}

impl ModelBackend {
    /// Makes one.
    pub fn new(family: Family, upstream: Arc<dyn Upstream>) -> Self {
        Self { family, upstream }
    }

    async fn points(
        &self,
        context: &CallContext,
        request: &GetMember,
    ) -> Result<Option<i64>, Error> {
        let (card_id, code) = (
            request.name.template().id().as_str(),
            request.name.code().clone(),
        );
        let upstream = self.upstream.as_ref();
        match self.family {
            Family::Merchant => {
                let card = call(upstream, context, GetUserCard::new(card_id, code)).await?;
                Ok(card.bonus_value)
            }
            _ => {
                let info = call(upstream, context, GetUserInfo::new(card_id, code)).await?;
                Ok(info.bonus)
            }
        }
    }
}

fn unsupported<T>(family: Family) -> Result<T, Error> {
    Err(Error::not_supported(family, &["method"]))
}

#[async_trait]
impl MemberApi for ModelBackend {
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error> {
        let points = self.points(context, &request).await?;
        let mut member = Member::new(request.name, MemberState::Active);
        member.points = points;
        Ok(member)
    }

    async fn list_members(&self, _: &CallContext, _: ListMembers) -> Result<Page<Member>, Error> {
        unsupported(self.family)
    }

    async fn update_member(&self, _: &CallContext, _: UpdateMember) -> Result<Member, Error> {
        unsupported(self.family)
    }

    async fn adjust_balance(&self, _: &CallContext, _: AdjustMember) -> Result<Adjustment, Error> {
        unsupported(self.family)
    }

    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        let earlier = context.entry().and_then(|entry| entry.planned());
        let (before, after) = match earlier {
            Some(earlier) => (earlier.before, earlier.after),
            None => {
                let before = self
                    .points(context, &GetMember::new(request.name.clone()))
                    .await?;
                let after = request.change.apply(before, request.minimum)?;
                if let Some(entry) = context.entry() {
                    entry.plan(PlannedValue {
                        value: MemberValue::Points,
                        before,
                        after,
                        is_difference: matches!(request.change, Change::Add(_)),
                    });
                }
                (before, after)
            }
        };
        let (card_id, code) = (
            request.name.template().id().as_str(),
            request.name.code().clone(),
        );
        let upstream = self.upstream.as_ref();
        match self.family {
            Family::Merchant => {
                let number = request.request_id.map(kabao_api::RequestId::into_string);
                let mut update =
                    UpdateUserCardRights::new(card_id, code, number.unwrap_or_default());
                update.before_bonus_value = before;
                update.bonus_value = Some(after);
                call(upstream, context, update).await?;
            }
            _ => {
                let mut update = UpdateUser::new(code, card_id);
                update.bonus = Some(after);
                call(upstream, context, update).await?;
            }
        }
        Ok(Adjustment::new(before, after))
    }

    async fn activate_member(&self, _: &CallContext, _: ActivateMember) -> Result<Member, Error> {
        unsupported(self.family)
    }

    async fn invalidate_member(
        &self,
        _: &CallContext,
        _: InvalidateMember,
    ) -> Result<Member, Error> {
        unsupported(self.family)
    }

    async fn import_member(&self, _: &CallContext, _: ImportMember) -> Result<Member, Error> {
        unsupported(self.family)
    }

    fn refusal(&self, context: &CallContext, request: &MemberRequest) -> Option<Error> {
        let operation = match (self.family, request.is_read()) {
            (Family::Merchant, true) => &GetUserCard::OPERATION,
            (Family::Merchant, false) => &UpdateUserCardRights::OPERATION,
            (_, true) => &GetUserInfo::OPERATION,
            (_, false) => &UpdateUser::OPERATION,
        };
        self.upstream.refusal(context, &*operation.new_request())
    }
}
