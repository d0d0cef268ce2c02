//! Points and stored value of the merchant family: written with the value before, the value after
//! and the difference.

use kabao_api::{
    AdjustMember, Adjustment, CallContext, Error, FieldViolation, MemberValue, Method, Personal,
};
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_cards::{BalanceChange, UpdateUserCard};

use super::Merchant;
use super::member::NAMES;
use crate::portable::{
    changed, numbered, planned, require_readable, require_same_account, require_supported,
};

impl Merchant {
    pub(super) async fn adjust(
        &self,
        context: &CallContext,
        request: AdjustMember,
        value: MemberValue,
    ) -> Result<Adjustment, Error> {
        let AdjustMember {
            name,
            change,
            minimum,
            remark,
            notify,
            request_id,
            ..
        } = request;
        require_same_account(context, name.account())?;
        let method = match value {
            MemberValue::Balance => Method::AdjustBalance,
            MemberValue::Points => Method::AdjustPoints,
        };
        require_supported(self.support(method), [("remark", remark.is_some())])?;
        let (number, context) = numbered(context, request_id, self.ground.clock.as_ref())?;
        let context = &changed(context, change);

        let _guard = self.ground.locks.lock(context, &name).await?;
        let read = async {
            let card = self.read_card(context, &name).await?;
            require_fixed_code(name.code(), card.code.as_ref())?;
            let (before, member) = match value {
                MemberValue::Balance => (card.balance, "balance"),
                MemberValue::Points => (card.bonus_value, "bonus_value"),
            };
            // The value before is part of the request.
            require_readable(&card.extra, member)?;
            Ok((before, change.apply(before, minimum)?))
        };
        let (before, after) = planned(context, value, change, read).await?;
        let stored = before.unwrap_or_default();
        let difference = after.checked_sub(stored).ok_or_else(|| {
            Error::field_invalid([FieldViolation::new(
                "set_to",
                "differs from the present value by more than 64 bits hold",
            )])
        })?;

        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let done = match value {
            MemberValue::Balance => {
                let mut update = UpdateUserCard::new(card_id, code, number);
                update.balance_information = Some(BalanceChange {
                    before_balance: Some(stored),
                    balance: Some(after),
                    add_balance: Some(difference),
                    balance_remark: remark,
                    ..BalanceChange::default()
                });
                update.need_inform_balance = notify;
                self.ground.call(context, update).await
            }
            MemberValue::Points => {
                let mut update = UpdateUserCardRights::new(card_id, code, number);
                update.before_bonus_value = Some(stored);
                update.bonus_value = Some(after);
                update.add_bonus_value = Some(difference);
                update.need_inform_bonus = notify;
                self.ground.call(context, update).await
            }
        };
        done.map_err(|error| NAMES.translate(error))?;
        Ok(Adjustment::new(before, after))
    }
}

/// A dynamic code is good for reading only, and would be another member to the lock.
fn require_fixed_code(asked: &Personal, answered: Option<&Personal>) -> Result<(), Error> {
    match answered {
        Some(answered) if answered != asked => Err(Error::field_invalid([FieldViolation::new(
            "name",
            "holds a dynamic code; name the member by its own code",
        )])),
        _ => Ok(()),
    }
}
