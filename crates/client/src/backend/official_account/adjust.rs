//! Points and stored value of the official-account family: written as absolute values.

use kabao_api::{AdjustMember, Adjustment, CallContext, Change, Error, MemberValue};
use kabao_models::official_account::member::{NotifyOptional, UpdateUser};

use super::OfficialAccount;
use crate::portable::{
    Names, changed, planned, refuse_request_id, require_readable, require_same_account,
};

const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("code", "name"),
    ("record_bonus", "remark"),
    ("record_balance", "remark"),
]);

impl OfficialAccount {
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
        if matches!(change, Change::Add(_)) {
            let instead = "leave it out, or use set_to, which does no harm when repeated";
            refuse_request_id(context, Self::FAMILY, request_id.as_ref(), instead)?;
        }
        let context = &changed(context.clone(), change);
        let _guard = self.ground.locks.lock(context, &name).await?;
        let read = async {
            let info = self.read_user_info(context, &name).await?;
            let (before, member) = match value {
                MemberValue::Balance => (info.balance, "balance"),
                MemberValue::Points => (info.bonus, "bonus"),
            };
            if matches!(change, Change::Add(_)) {
                require_readable(&info.extra, member)?;
            }
            Ok((before, change.apply(before, minimum)?))
        };
        let (before, after) = planned(context, value, change, read).await?;

        let mut update = UpdateUser::new(name.code().clone(), name.template().id().as_str());
        let mut notifications = NotifyOptional::default();
        // The absolute value alone: WeChat's texts disagree about a difference beside it.
        match value {
            MemberValue::Balance => {
                update.balance = Some(after);
                update.record_balance = remark;
                notifications.is_notify_balance = notify;
            }
            MemberValue::Points => {
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
            MemberValue::Balance => answer.result_balance,
            MemberValue::Points => answer.result_bonus,
        };
        Ok(Adjustment::new(before, result.unwrap_or(after)))
    }
}
