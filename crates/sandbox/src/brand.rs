//! The brand family: `card-member` for service providers.
//!
//! `core` and its neighbours hold rules and state, `cards` and `user_cards` translate HTTP
//! operations into commands, `refused` is the one table of errors.

mod cards;
mod core;
mod form;
mod member;
mod refused;
mod template;
mod user_cards;
mod validity;

pub(crate) use self::core::Core;
pub(crate) use self::member::{Claim, readable};
pub(crate) use self::refused::Refused;

use kabao_models::brand as models;

use crate::pay::{Route, route};

/// Returns the operations that are served.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        route::<models::cards::GetCard>(),
        route::<models::cards::UpdateCard>(),
        route::<models::cards::DeleteCard>(),
        route::<models::cards::InvalidateCard>(),
        route::<models::user_cards::GetUserCard>(),
        route::<models::user_cards::UpdateUserCard>(),
    ]
}
