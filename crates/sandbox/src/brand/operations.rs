//! The operations: each turns a request into one command of the core and its result into the
//! answer.
//!
//! Operations under `/brand/` differ from those of service providers in one point: the brand is
//! the caller and is not named. They are served as what they are variants of.

use kabao_models::brand::membership_activities as activities;
use kabao_models::brand::user_cards::{self, ImportUserCardByPhoneResponse};
use kabao_models::brand::{
    Card, PointExchangeResult, UserCardConfirmState, cards, media, open_user_card_tokens,
    pay_view_tokens, pre_auth_tokens, user_feeds, user_points,
};
use kabao_models::{Endpoint as _, Object, Operation, Personal, Variant as _};

use super::context::Caller;
use super::exchange::ExchangeAnswer;
use super::member_change::{Data, Key};
use super::{Core, Refused, Rule};
use crate::overlay::overlay;
use crate::serve::{Call, Serve, operations};
use crate::settings;

/// Takes the named members of a request.
macro_rules! data {
    ($request:ident { $($member:ident),* $(,)? }) => {
        Data { $($member: $request.$member.clone(),)* ..Data::default() }
    };
}

operations! {
    |core: Core, caller: Caller, request|

    // Templates.
    cards::CreateCard => {
        core.create_template(&caller.with_membership(&request.brand_id)?, members(&request)?)
    };
    cards::ListCards => {
        let context = caller.with_membership(&request.brand_id)?;
        let (offset, limit) = range(request.offset, request.limit);
        core.list_templates(&context, request.state.as_ref(), offset, limit)
    };
    cards::GetCard => {
        core.get_template(&caller.with_membership(&request.brand_id)?, &request.card_id)
    };
    cards::UpdateCard => {
        let context = caller.with_membership(&request.brand_id)?;
        core.update_template(&context, &request.card_id, members(&request)?)
    };
    // The earlier verb of an invalidation.
    cards::DeleteCard => {
        core.invalidate_template(&caller.with_membership(&request.brand_id)?, &request.card_id)
    };
    cards::InvalidateCard => {
        core.invalidate_template(&caller.with_membership(&request.brand_id)?, &request.card_id)
    };

    // Members.
    user_cards::GetUserCard => {
        let code = request.user_card_code.expose();
        let key = key(&request.card_id, &request.openid, code);
        core.get_member(&caller.with_membership(&request.brand_id)?, &key)
    };
    user_cards::ListUserCards => {
        let context = caller.with_membership(&request.brand_id)?;
        let (openid, state) = (text(&request.openid), request.user_card_state.as_ref());
        core.list_members(&context, openid, state, range(request.offset, request.limit))
    };
    user_cards::UpdateUserCard => {
        let context = caller.with_membership(&request.brand_id)?;
        let mut data = data!(request {
            card_color, card_picture_url, phone_number, level, valid_date_information,
            user_information, attach,
        });
        if context.rules.accept_legacy_fields {
            data.pickup_time.clone_from(&request.pickup_time);
        }
        let code = request.user_card_code.expose();
        core.update_member(&context, &key(&request.card_id, &request.openid, code), data)
    };
    user_cards::InvalidateUserCard => {
        let context = caller.with_membership(&request.brand_id)?;
        let code = request.user_card_code.expose();
        let key = key(&request.card_id, &request.openid, code);
        core.invalidate_member(&context, &key, request.invalid_reason.clone())
    };
    user_cards::ImportUserCardByOpenid => {
        let context = caller.with_membership(&request.brand_id)?;
        let mut data = data!(request {
            card_color, card_picture_url, phone_number, level, valid_date_information,
            user_information, pickup_time,
        });
        if context.rules.accept_legacy_fields && data.valid_date_information.is_none() {
            data.valid_date_information.clone_from(&request.date_information);
        }
        data.require_validity(&context)?;
        let code = text(&request.user_card_code);
        core.import_by_openid(&context, &key(&request.card_id, &request.openid, code), data)
    };
    user_cards::ImportUserCardByPhone => {
        let context = caller.with_membership(&request.brand_id)?;
        let mut data = data!(request {
            card_color, card_picture_url, phone_number, level, user_information, pickup_time,
        });
        data.valid_date_information.clone_from(&request.date_information);
        let code = text(&request.user_card_code);
        let card = core.import_by_phone(&context, text(&request.card_id), code, data)?;
        // The older answer has neither of the two times.
        Ok(ImportUserCardByPhoneResponse {
            user_card_code: card.user_card_code,
            card_id: card.card_id,
            openid: card.openid,
            card_color: card.card_color,
            card_picture_url: card.card_picture_url,
            brand_id: card.brand_id,
            card_type: card.card_type,
            phone_number: card.phone_number,
            level: card.level,
            valid_date_information: card.valid_date_information,
            pickup_time: card.pickup_time,
            user_information: card.user_information,
            attach: card.attach,
            user_card_state: card.user_card_state,
            invalid_reason: card.invalid_reason,
            invalid_time: card.invalid_time,
            ..ImportUserCardByPhoneResponse::default()
        })
    };
    user_cards::ConfirmUserCard => {
        let context = caller.with_membership(&request.brand_id)?;
        let data = data!(request {
            card_color, card_picture_url, phone_number, level, valid_date_information,
            user_information, attach,
        });
        let key = key(&request.card_id, &request.openid, request.user_card_code.expose());
        core.confirm_member(&context, &key, outcome(&request.user_card_confirm_state), data)
    };

    // Tokens.
    pre_auth_tokens::CreatePreAuthToken => {
        let context = caller.with_membership(&request.brand_id)?;
        core.create_join_token(&context, text(&request.card_id), text(&request.openid))
    };
    // The earlier name of the join token.
    open_user_card_tokens::CreateOpenUserCardToken => {
        let context = caller.with_membership(&request.brand_id)?;
        core.create_join_token(&context, text(&request.card_id), text(&request.openid))
    };
    pay_view_tokens::CreatePayViewToken => {
        let context = caller.with_membership(&request.brand_id)?;
        core.create_payment_code_token(&context, text(&request.card_id), text(&request.openid))
    };

    // Feeds.
    user_feeds::CreateUserFeed => {
        let context = caller.with_membership(&request.brand_id)?;
        let key = key(&request.card_id, &request.openid, text(&request.user_card_code));
        core.create_feed(&context, &key, text(&request.out_request_no), text(&request.cell))
    };

    // Points and activities. Their pages list no error for a brand without the feature.
    user_points::SyncUserPoints => {
        let context = caller.of_brand(&request.brand_id)?;
        let key = key(&request.card_id, &request.openid, text(&request.user_card_code));
        let balance = request.point_balance.unwrap_or_default();
        core.sync_points(&context, &key, text(&request.out_request_no), balance)
    };
    user_points::ConfirmExchangeCoupon => {
        let context = caller.of_brand(&request.brand_id)?;
        let key = key(&request.card_id, &request.openid, text(&request.user_card_code));
        let answer = ExchangeAnswer {
            record_id: text(&request.record_id),
            exchange_template: text(&request.exchange_coupon_template_id),
            result: result(&request.result),
            reject_reason: request.reject_reason.as_ref().map(Personal::expose),
        };
        core.confirm_exchange(&context, &key, &answer)
    };
    activities::CreateMembershipActivity => {
        core.create_activity(&caller.of_brand(&request.brand_id)?, &request)
    };
    activities::ListMembershipActivities => {
        core.list_activities(&caller.of_brand(&request.brand_id)?, &request)
    };
    activities::GetMembershipActivity => {
        core.get_activity(&caller.of_brand(&request.brand_id)?, request.activity_id)
    };
    activities::UpdateMembershipActivity => {
        core.update_activity(&caller.of_brand(&request.brand_id)?, &request)
    };
    activities::TerminateMembershipActivity => {
        core.terminate_activity(&caller.of_brand(&request.brand_id)?, request.activity_id)
    };

    // Pictures.
    media::UploadImage => {
        let (meta, file) = (request.meta.unwrap_or_default(), request.file.unwrap_or_default());
        core.upload_picture(text(&meta.filename), text(&meta.sha256), &file)
    };
}

/// Serves the requests of brands that call directly.
macro_rules! variants {
    ($($variant:ty = $original:ty { $($member:ident),* };)*) => {$(
        impl Serve for $variant {
            type Core = Core;

            const COMMAND: &'static Operation = <$original>::OPERATION;

            fn serve(self, core: &mut Core, call: &Call) -> Result<Self::Answer, Refused> {
                self.into_original().serve(core, call)
            }
        }
    )*};
}

kabao_models::brand_variants!(variants);

/// Tells whether an operation that the documents have dropped is still there.
pub(crate) fn is_there(operation: &Operation, rules: &settings::Brand) -> bool {
    match operation.id {
        id if id == cards::DELETE_CARD.id => rules.delete_answers,
        id if id == open_user_card_tokens::CREATE_OPEN_USER_CARD_TOKEN.id => {
            rules.open_user_card_tokens_answer
        }
        _ => true,
    }
}

/// Returns the members of a template that a request has.
fn members<T: Object>(request: &T) -> Result<Card, Refused> {
    overlay(&Card::default(), request, &[]).ok_or_else(|| Rule::Internal.into())
}

/// Returns a text that the catalogue requires; the gate has refused requests without it.
fn text<T: AsRef<str>>(value: &Option<T>) -> &str {
    value.as_ref().map_or("", AsRef::as_ref)
}

/// Returns the range of a list that the catalogue requires.
fn range(offset: Option<i64>, limit: Option<i64>) -> (i64, i64) {
    (offset.unwrap_or_default(), limit.unwrap_or_default())
}

/// Returns the names of a user card in a request.
fn key<'a>(card_id: &'a Option<String>, openid: &'a Option<Personal>, code: &'a str) -> Key<'a> {
    Key {
        card_id: text(card_id),
        openid: text(openid),
        code,
    }
}

/// The outcome that the catalogue requires.
fn outcome(state: &Option<UserCardConfirmState>) -> &UserCardConfirmState {
    state
        .as_ref()
        .unwrap_or(&UserCardConfirmState::CreateCardFail)
}

/// The result that the catalogue requires.
fn result(result: &Option<PointExchangeResult>) -> &PointExchangeResult {
    result
        .as_ref()
        .unwrap_or(&PointExchangeResult::PointExchangeCouponReject)
}

#[cfg(test)]
mod tests;
