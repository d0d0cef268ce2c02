//! The merchant family: `membercard-open` and `membercard-activity`.
//!
//! `state` holds the state, its neighbours hold the rules of one noun each, `operations` translates
//! HTTP operations into commands, `refused` is the one table of errors.

mod activation;
mod activity;
mod activity_rules;
mod bonus;
mod callback;
mod claim;
mod code;
mod context;
mod holder;
mod import;
mod link;
mod member;
mod member_change;
mod operations;
mod page;
mod phone_member;
mod picture;
mod refused;
mod section;
mod service_item;
mod state;
mod template;
mod template_rules;
mod upgrade;
mod validity;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;

pub(crate) use self::claim::{Claim, User};
pub(crate) use self::context::Context;
pub(crate) use self::member::Member;
pub(crate) use self::refused::Refused;
pub(crate) use self::state::Core;
pub(crate) use self::template::Template;
pub(crate) use self::upgrade::OldCard;

use self::refused::Rule;
