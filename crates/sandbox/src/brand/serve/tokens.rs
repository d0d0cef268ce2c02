//! The operations that give tokens.

use kabao_models::brand::Token;
use kabao_models::brand::direct_pre_auth_tokens::CreateDirectPreAuthToken;
use kabao_models::brand::open_user_card_tokens::CreateOpenUserCardToken;
use kabao_models::brand::pay_view_tokens::CreatePayViewToken;
use kabao_models::brand::pre_auth_tokens::CreatePreAuthToken;

use super::super::Rule;
use super::{Context, Core, Refused, text};
use crate::serve::{Call, Serve};

impl Serve for CreatePreAuthToken {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Token, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.create_join_token(&context, text(&self.card_id), text(&self.openid))
    }
}

impl Serve for CreateDirectPreAuthToken {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Token, Refused> {
        let context = Context::with_membership(call, None)?;
        core.create_join_token(&context, text(&self.card_id), text(&self.openid))
    }
}

/// The earlier name of the join token.
impl Serve for CreateOpenUserCardToken {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Token, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        if !context.rules.open_user_card_tokens_answer {
            return Err(Rule::Retired.into());
        }
        core.create_join_token(&context, text(&self.card_id), text(&self.openid))
    }
}

impl Serve for CreatePayViewToken {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Token, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.create_payment_code_token(&context, text(&self.card_id), text(&self.openid))
    }
}
