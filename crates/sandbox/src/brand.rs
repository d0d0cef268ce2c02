//! The brand family: `card-member`, for service providers and for brands that call directly.
//!
//! `state` holds the state, its neighbours hold the rules of one noun each, `operations` translates
//! HTTP operations into commands, `refused` is the one table of errors.

mod activity;
mod claim;
mod code;
mod context;
mod exchange;
mod feed;
mod form;
mod import;
mod member;
mod member_change;
mod operations;
mod page;
mod picture;
mod points;
mod refused;
mod review;
mod state;
mod template;
mod template_rules;
mod token;
mod user;
mod validity;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;

pub(crate) use self::claim::{Join, Way};
pub(crate) use self::context::Context;
pub(crate) use self::exchange::ExchangeTemplate;
pub(crate) use self::operations::is_there;
pub(crate) use self::refused::{Refused, Rule};
pub(crate) use self::state::{Core, in_clear};
pub(crate) use self::user::User;
