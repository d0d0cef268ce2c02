//! Beginning and end of a membership in the merchant family.

use kabao_api::{
    ActivateMember, ActivationOutcome, CallContext, Error, ImportMember, ImportedUser,
    InvalidateMember, Member, MemberName, MemberState, MemberUpdate, Method, Personal,
};
use kabao_models::Sensitive;
use kabao_models::merchant::user_cards::{
    ActivateUserCard, ImportUserCardByOpenid, ImportUserCardByPhone, SetUserCardUnavailable,
};

use super::Merchant;
use super::member::NAMES;
use crate::portable::{
    Names, made_without_name, numbered, or_written, require_same_account, require_supported, set,
};

const ACTIVATION: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("membership_number", "initial_values.membership_number"),
]);
const IMPORT: Names = Names(&[
    ("card_id", "parent"),
    ("encrypted_phone_number", "phone_number"),
    ("out_request_no", "request_id"),
]);

impl Merchant {
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
        let mut activation =
            ActivateUserCard::new(name.template().id().as_str(), name.code().clone());
        activation
            .membership_number
            .clone_from(&initial.membership_number);
        self.ground
            .call(context, activation)
            .await
            .map_err(|error| ACTIVATION.translate(error))?;
        let read = self.read_member(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Member::written(name, MemberState::Active, initial)
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
        let mut invalidation =
            SetUserCardUnavailable::new(name.template().id().as_str(), name.code().clone());
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

    pub(super) async fn import(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error> {
        let ImportMember {
            template,
            user,
            code,
            initial,
            pickup_time,
            validity,
            request_id,
            view,
            ..
        } = request;
        require_same_account(context, template.account())?;
        let asked = [
            ("pickup_time", pickup_time.is_some()),
            ("validity", validity.is_some()),
        ];
        let asked = asked.into_iter().chain(set(initial.fields()));
        require_supported(self.support(Method::ImportMember), asked)?;
        let (number, context) = numbered(context, request_id, self.ground.clock.as_ref())?;
        let context = &context;
        let card_id = template.id().as_str();
        let done = match user {
            ImportedUser::Openid(openid) => {
                let mut import = ImportUserCardByOpenid::new(card_id, openid, number);
                import.code.clone_from(&code);
                self.ground.call(context, import).await
            }
            ImportedUser::Phone(phone) => {
                let phone = Sensitive::plain(phone.into_exposed());
                let mut import = ImportUserCardByPhone::new(card_id, phone, number);
                import.code.clone_from(&code);
                self.ground.call(context, import).await
            }
            _ => return Err(Error::not_supported(Self::FAMILY, &["user"])),
        };
        let answered = done.map_err(|error| IMPORT.translate(error))?.code;
        let name = answered
            .or(code)
            .filter(|code: &Personal| !code.is_empty())
            .and_then(|code| MemberName::new(template, code).ok())
            .ok_or_else(|| made_without_name("member"))?;
        let read = self.read_member(context, name.clone(), view).await;
        Ok(or_written(context, read, || {
            Member::written(name, MemberState::Unspecified, MemberUpdate::default())
        }))
    }
}
