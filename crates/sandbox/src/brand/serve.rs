//! The operations: each becomes one command, its result the answer.
//!
//! Operations under `/brand/` differ from those of service providers in one point: the brand is
//! the caller and is not named.

mod activities;
mod cards;
mod media;
mod tokens;
mod user_cards;
mod user_feeds;
mod user_points;

use kabao_models::brand as models;

use super::membership::Key;
use super::{Context, Core, Refused};
use crate::pay::{Route, route};

/// Returns the operations that are served.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        route::<models::cards::CreateCard>(),
        route::<models::cards::ListCards>(),
        route::<models::cards::GetCard>(),
        route::<models::cards::UpdateCard>(),
        route::<models::cards::DeleteCard>(),
        route::<models::cards::InvalidateCard>(),
        route::<models::user_cards::GetUserCard>(),
        route::<models::user_cards::ListUserCards>(),
        route::<models::user_cards::UpdateUserCard>(),
        route::<models::user_cards::InvalidateUserCard>(),
        route::<models::user_cards::ImportUserCardByOpenid>(),
        route::<models::user_cards::ImportUserCardByPhone>(),
        route::<models::user_cards::ConfirmUserCard>(),
        route::<models::pre_auth_tokens::CreatePreAuthToken>(),
        route::<models::pay_view_tokens::CreatePayViewToken>(),
        route::<models::open_user_card_tokens::CreateOpenUserCardToken>(),
        route::<models::user_feeds::CreateUserFeed>(),
        route::<models::user_points::SyncUserPoints>(),
        route::<models::user_points::ConfirmExchangeCoupon>(),
        route::<models::membership_activities::CreateMembershipActivity>(),
        route::<models::membership_activities::ListMembershipActivities>(),
        route::<models::membership_activities::GetMembershipActivity>(),
        route::<models::membership_activities::UpdateMembershipActivity>(),
        route::<models::membership_activities::TerminateMembershipActivity>(),
        route::<models::media::UploadImage>(),
        route::<models::direct_cards::CreateDirectCard>(),
        route::<models::direct_cards::ListDirectCards>(),
        route::<models::direct_cards::GetDirectCard>(),
        route::<models::direct_cards::UpdateDirectCard>(),
        route::<models::direct_cards::InvalidateDirectCard>(),
        route::<models::direct_user_cards::GetDirectUserCard>(),
        route::<models::direct_user_cards::ListDirectUserCards>(),
        route::<models::direct_user_cards::UpdateDirectUserCard>(),
        route::<models::direct_user_cards::InvalidateDirectUserCard>(),
        route::<models::direct_user_cards::ImportDirectUserCardByOpenid>(),
        route::<models::direct_user_cards::ConfirmDirectUserCard>(),
        route::<models::direct_pre_auth_tokens::CreateDirectPreAuthToken>(),
        route::<models::direct_user_feeds::CreateDirectUserFeed>(),
        route::<models::direct_user_points::SyncDirectUserPoints>(),
        route::<models::direct_user_points::ConfirmDirectExchangeCoupon>(),
        route::<models::direct_media::UploadDirectImage>(),
    ]
}

/// Returns a text that the catalogue requires; the shell has refused requests without it.
fn text<T: AsRef<str>>(value: &Option<T>) -> &str {
    value.as_ref().map_or("", AsRef::as_ref)
}

/// Returns the names of a user card in a request.
fn key<'a>(
    card_id: &'a Option<String>,
    openid: &'a Option<kabao_models::Personal>,
    code: &'a str,
) -> Key<'a> {
    Key {
        card_id: text(card_id),
        openid: text(openid),
        code,
    }
}

#[cfg(test)]
mod tests;
