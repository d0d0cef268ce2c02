//! Points of the brand family: the merchant keeps them, WeChat shows what it is told.

use kabao_api::{AdjustMember, Adjustment, CallContext, Change, Error};
use kabao_models::brand::direct_user_points::SyncDirectUserPoints;
use kabao_models::brand::user_points::SyncUserPoints;

use super::member::require_openid;
use super::{Brand, Route};
use crate::portable::{
    Names, made_up_is_not_repeatable, number_or_made_up, refuse_unsupported, require_same_account,
};

const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("user_card_code", "name"),
    ("out_request_no", "request_id"),
    ("point_balance", "set_to"),
]);

impl Brand {
    pub(super) async fn sync_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        let AdjustMember {
            name,
            openid,
            change,
            minimum,
            remark,
            notify,
            request_id,
        } = request;
        require_same_account(context, name.account())?;
        let adds = matches!(change, Change::Add(_));
        refuse_unsupported(
            Self::FAMILY,
            &[
                ("add", adds),
                ("remark", remark.is_some()),
                ("notify", notify.is_some()),
            ],
        )
        .map_err(|error| match adds {
            true => error.with_remedy("use set_to: WeChat does not tell the present value"),
            false => error,
        })?;
        let openid = require_openid(openid)?;
        let points = change.apply(None, minimum)?;
        let is_known = request_id.is_some();
        let number = number_or_made_up(request_id, self.clock.as_ref())?;
        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let patience = self.pipeline.settings().call_timeout;
        let guard = self
            .pipeline
            .members()
            .lock(context, &name, patience)
            .await?;
        let answer = match self.route()? {
            Route::Provider => {
                let brand = self.brand_id.as_ref();
                let sync = SyncUserPoints::new(number, brand, card_id, openid, code, points);
                self.pipeline.call_locked(context, sync, guard).await
            }
            Route::Direct => {
                let sync = SyncDirectUserPoints::new(number, card_id, openid, code, points);
                self.pipeline.call_locked(context, sync, guard).await
            }
        };
        let answer =
            answer.map_err(|error| made_up_is_not_repeatable(NAMES.translate(error), is_known))?;
        let after = answer.point_balance.unwrap_or(points);
        Ok(Adjustment::new(None, after))
    }
}
