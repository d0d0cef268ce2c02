//! The official-account family: access tokens and `/card/...`.
//!
//! [`core`] holds rules and state, [`operations`] translates operations into commands, [`refused`]
//! is the one table of errors.

mod core;
pub(crate) mod forms;
mod operations;
mod refused;
mod tickets;
mod tokens;

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
pub(crate) use self::refused::{Refused, lists};
pub(crate) use self::tokens::Tokens;
