//! The official-account family: access tokens and `/card/...`, always answered with HTTP 200.
//!
//! [`core`] holds rules and state without HTTP; the modules named after resources translate
//! operations into its commands; [`refused`] is the one table of errors.

mod bounded;
mod card;
mod code;
mod core;
mod datacube;
mod entry;
mod forms;
mod gate;
mod media;
mod member;
mod parameters;
mod pay_gift_card;
mod pay_gift_member_card;
mod qrcode;
mod refused;
mod route;
mod tickets;
mod token;
mod tokens;
mod user;

#[cfg(test)]
mod life;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use self::core::{
    CardExt, Choice, Claim, Context, Core, Payment, Review, Submission, Template, Use, UserCard,
};
pub(crate) use self::gate::{answer, claimed_account, errcode};
pub(crate) use self::refused::Refused;
pub(crate) use self::route::{Target, find, owns};
pub(crate) use self::tokens::Tokens;
