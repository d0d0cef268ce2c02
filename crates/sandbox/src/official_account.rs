//! The official-account family: access tokens and `/card/...`.
//!
//! `state` holds the state, its neighbours hold the rules of one noun each, `operations` translates
//! HTTP operations into commands, `refused` is the one table of errors.

mod activation;
mod claim;
mod code;
mod context;
mod deposit;
mod dynamic_code;
mod entry;
mod figures;
mod form;
mod gift;
mod member;
mod member_change;
mod message;
mod operations;
mod page;
mod pay_rule;
mod payment;
mod picture;
mod qrcode;
mod redemption;
mod refused;
mod signed;
mod state;
mod stock;
mod template;
mod template_change;
mod template_rules;
mod tickets;
mod tokens;
pub(crate) mod tolerance;
mod user;
mod validity;
mod whitelist;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use self::claim::{Claim, Claimed};
pub(crate) use self::code::{Asked, Check, CodeState};
pub(crate) use self::context::Context;
pub(crate) use self::dynamic_code::Expired;
pub(crate) use self::entry::LandingPage;
pub(crate) use self::figures::{DayFigures, Use};
pub(crate) use self::form::Submission;
pub(crate) use self::member::Member;
pub(crate) use self::pay_rule::{NewPayRule, PayRule, Protocol, RuleOutcome};
pub(crate) use self::payment::Payment;
pub(crate) use self::qrcode::{NewQrCode, Scene};
pub(crate) use self::refused::{Refused, lists};
pub(crate) use self::signed::{CardExt, Choice};
pub(crate) use self::state::Core;
pub(crate) use self::template::Review;
pub(crate) use self::template::{SelfConsumeCell, Template};
pub(crate) use self::tokens::Tokens;
pub(crate) use self::whitelist::Testers;

use self::state::MemberKey;
