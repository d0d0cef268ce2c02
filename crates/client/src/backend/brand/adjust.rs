//! Points of the brand family: the merchant keeps them, WeChat shows what it is told.

use kabao_api::{AdjustMember, Adjustment, CallContext, Change, Error, MemberValue, Method};
use kabao_models::brand::direct_user_points::SyncDirectUserPoints;
use kabao_models::brand::user_points::SyncUserPoints;

use super::Brand;
use super::member::require_openid;
use crate::portable::{Names, numbered, planned, require_same_account, require_supported};

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
            ..
        } = request;
        require_same_account(context, name.account())?;
        let adds = matches!(change, Change::Add(_));
        require_supported(
            self.support(Method::AdjustPoints),
            [
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
        let read = async { Ok((None, change.apply(None, minimum)?)) };
        let (_, points) = planned(context, MemberValue::Points, change, read).await?;
        let (number, context) = numbered(context, request_id, self.ground.clock.as_ref())?;
        let context = &context;
        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let _guard = self.ground.locks.lock(context, &name).await?;
        let brand = self.brand_id.as_str();
        let sync = SyncUserPoints::new(number, brand, card_id, openid, code, points);
        let answer = self.call::<SyncDirectUserPoints>(context, sync).await;
        let answer = answer.map_err(|error| NAMES.translate(error))?;
        let after = answer.point_balance.unwrap_or(points);
        Ok(Adjustment::new(None, after))
    }
}
