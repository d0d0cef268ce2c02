//! The operations on points. Their pages list no error for a brand without the feature.

use kabao_models::brand::direct_user_points::{ConfirmDirectExchangeCoupon, SyncDirectUserPoints};
use kabao_models::brand::user_points::{ConfirmExchangeCoupon, SyncUserPoints};
use kabao_models::brand::{ExchangeRecord, PointExchangeResult, UserPoints};

use super::super::exchange::ExchangeAnswer;
use super::{Context, Core, Refused, key, text};
use crate::serve::{Call, Serve};

/// The result that the catalogue requires.
fn result(result: &Option<PointExchangeResult>) -> &PointExchangeResult {
    result
        .as_ref()
        .unwrap_or(&PointExchangeResult::PointExchangeCouponReject)
}

impl Serve for SyncUserPoints {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserPoints, Refused> {
        let context = Context::of(call, self.brand_id.as_deref())?;
        let key = key(&self.card_id, &self.openid, text(&self.user_card_code));
        let balance = self.point_balance.unwrap_or_default();
        core.sync_points(&context, &key, text(&self.out_request_no), balance)
    }
}

impl Serve for SyncDirectUserPoints {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserPoints, Refused> {
        let context = Context::of(call, None)?;
        let key = key(&self.card_id, &self.openid, text(&self.user_card_code));
        let balance = self.point_balance.unwrap_or_default();
        core.sync_points(&context, &key, text(&self.out_request_no), balance)
    }
}

impl Serve for ConfirmExchangeCoupon {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ExchangeRecord, Refused> {
        let context = Context::of(call, self.brand_id.as_deref())?;
        let key = key(&self.card_id, &self.openid, text(&self.user_card_code));
        let answer = ExchangeAnswer {
            record_id: text(&self.record_id),
            exchange_template: text(&self.exchange_coupon_template_id),
            result: result(&self.result),
            reject_reason: self.reject_reason.as_deref(),
        };
        core.confirm_exchange(&context, &key, &answer)
    }
}

impl Serve for ConfirmDirectExchangeCoupon {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ExchangeRecord, Refused> {
        let context = Context::of(call, None)?;
        let key = key(&self.card_id, &self.openid, text(&self.user_card_code));
        let answer = ExchangeAnswer {
            record_id: text(&self.record_id),
            exchange_template: text(&self.exchange_coupon_template_id),
            result: result(&self.result),
            reject_reason: self.reject_reason.as_deref(),
        };
        core.confirm_exchange(&context, &key, &answer)
    }
}
