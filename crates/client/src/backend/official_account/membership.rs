//! Beginning and end of a membership in the official-account family.

use kabao_api::{
    ActivateMember, ActivationOutcome, CallContext, Error, InvalidateMember, Member, MemberState,
    MemberUpdate, Method,
};
use kabao_models::official_account::code::SetCodeUnavailable;
use kabao_models::official_account::member;

use super::OfficialAccount;
use super::member::NAMES;
use crate::portable::{Names, or_written, require_same_account, require_supported, set};

const ACTIVATION: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("membership_number", "initial_values.membership_number"),
    (
        "background_pic_url",
        "initial_values.background_picture_url",
    ),
    ("init_bonus", "initial_values.points"),
    ("init_balance", "initial_values.balance"),
]);

impl OfficialAccount {
    pub(super) async fn activate(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        let ActivateMember {
            name,
            outcome,
            initial,
            view,
            ..
        } = request;
        require_same_account(context, name.account())?;
        let other = outcome != ActivationOutcome::Enrolled;
        let asked = [("outcome", other)]
            .into_iter()
            .chain(set(initial.fields()));
        require_supported(self.support(Method::ActivateMember), asked)?;
        let written = initial.clone();
        let MemberUpdate {
            membership_number,
            background_picture_url,
            points,
            balance,
            ..
        } = initial;
        let code = name.code().clone();
        // WeChat wants a number; the documents name the code as the one to take.
        let number = membership_number.unwrap_or_else(|| code.clone());
        let mut activation = member::ActivateMember::new(number, code);
        activation.card_id = Some(name.template().id().as_str().to_owned());
        activation.background_pic_url = background_picture_url;
        activation.init_bonus = points;
        activation.init_balance = balance;
        let guard = self.ground.locks.lock(context, &name).await?;
        let done = self.ground.call(context, activation).await;
        drop(guard);
        done.map_err(|error| ACTIVATION.translate(error))?;
        let read = self.read_member(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Member::written(name, MemberState::Active, written)
        }))
    }

    pub(super) async fn invalidate(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error> {
        let InvalidateMember {
            name, reason, view, ..
        } = request;
        require_same_account(context, name.account())?;
        let mut invalidation = SetCodeUnavailable::new(name.code().clone());
        invalidation.card_id = Some(name.template().id().as_str().to_owned());
        invalidation.reason = reason;
        self.ground
            .call(context, invalidation)
            .await
            .map_err(|error| NAMES.translate(error))?;
        let read = self.read_member(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Member::written(name, MemberState::Invalid, MemberUpdate::default())
        }))
    }
}
