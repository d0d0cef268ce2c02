//! The operations on feeds.

use kabao_models::brand::UserFeed;
use kabao_models::brand::direct_user_feeds::CreateDirectUserFeed;
use kabao_models::brand::user_feeds::CreateUserFeed;

use super::{Context, Core, Refused, key, text};
use crate::serve::{Call, Serve};

impl Serve for CreateUserFeed {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserFeed, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let key = key(&self.card_id, &self.openid, text(&self.user_card_code));
        core.create_feed(&context, &key, text(&self.out_request_no), text(&self.cell))
    }
}

impl Serve for CreateDirectUserFeed {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserFeed, Refused> {
        let context = Context::with_membership(call, None)?;
        let key = key(&self.card_id, &self.openid, text(&self.user_card_code));
        core.create_feed(&context, &key, text(&self.out_request_no), text(&self.cell))
    }
}
