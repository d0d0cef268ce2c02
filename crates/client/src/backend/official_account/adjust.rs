//! Points and stored value of the official-account family: written as absolute values.

use kabao_api::{AdjustMember, Adjustment, CallContext, Change, Error};
use kabao_models::official_account::member::{NotifyOptional, UpdateUser};

use super::OfficialAccount;
use crate::portable::{Names, changed, refuse_request_id, require_readable, require_same_account};

const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("record_bonus", "remark"),
    ("record_balance", "remark"),
]);

/// Which value is changed.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Balance,
    Points,
}

impl OfficialAccount {
    pub(super) async fn adjust(
        &self,
        context: &CallContext,
        request: AdjustMember,
        value: Value,
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
        if matches!(change, Change::Add(_)) {
            let instead = "leave it out, or use set_to, which does no harm when repeated";
            refuse_request_id(Self::FAMILY, request_id.as_ref(), instead)?;
        }
        let context = &changed(context.clone(), change);
        let _guard = self.ground.locks.lock(context, &name).await?;
        let info = self.read_user_info(context, &name).await?;
        let (before, member) = match value {
            Value::Balance => (info.balance, "balance"),
            Value::Points => (info.bonus, "bonus"),
        };
        if matches!(change, Change::Add(_)) {
            require_readable(&info.extra, member)?;
        }
        let after = change.apply(before, minimum)?;

        let mut update = UpdateUser::new(name.code().clone(), name.template().id().as_str());
        let mut notifications = NotifyOptional::default();
        // The absolute value alone: WeChat's texts disagree about a difference beside it.
        match value {
            Value::Balance => {
                update.balance = Some(after);
                update.record_balance = remark;
                notifications.is_notify_balance = notify;
            }
            Value::Points => {
                update.bonus = Some(after);
                update.record_bonus = remark;
                notifications.is_notify_bonus = notify;
            }
        }
        update.notify_optional = notify.map(|_| notifications);
        let answer = self
            .ground
            .call(context, update)
            .await
            .map_err(|error| NAMES.translate(error))?;
        let result = match value {
            Value::Balance => answer.result_balance,
            Value::Points => answer.result_bonus,
        };
        Ok(Adjustment::new(before, result.unwrap_or(after)))
    }
}
