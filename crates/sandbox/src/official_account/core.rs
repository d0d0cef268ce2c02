//! The rules and the state of the official-account family, without HTTP.
//!
//! A command either changes nothing and names its refusal, or changes the state and leaves an
//! effect for the ledger. Times are unix seconds, as everywhere in this family.

mod activation;
mod card;
mod change;
mod check;
mod claim;
mod code;
mod deposit;
mod dynamic_code;
mod entry;
mod figures;
mod form;
mod gift;
mod member;
mod message;
mod pay_rule;
mod payment;
mod picture;
mod qrcode;
mod redemption;
mod signed;
mod template;
mod user_card;
mod whitelist;

#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub(crate) use self::card::Review;
pub(crate) use self::claim::{Claim, Claimed};
pub(crate) use self::code::{Asked, Check, CodeState};
pub(crate) use self::dynamic_code::Expired;
pub(crate) use self::entry::LandingPage;
pub(crate) use self::figures::{DayFigures, Use};
pub(crate) use self::form::Submission;
pub(crate) use self::pay_rule::{NewPayRule, PayRule, Protocol, RuleOutcome};
pub(crate) use self::payment::Payment;
pub(crate) use self::qrcode::{NewQrCode, Scene};
pub(crate) use self::signed::{CardExt, Choice};
pub(crate) use self::template::{SelfConsumeCell, Template};
pub(crate) use self::user_card::UserCard;
pub(crate) use self::whitelist::Testers;

use self::code::EncryptedCode;
use self::dynamic_code::DynamicCode;
use self::figures::Figures;
use self::form::Ticket;
use self::qrcode::QrCode;
use super::Refused;
use crate::bounded::Bounded;
use crate::ledger::{Effect, note};
use crate::records::Records;
use crate::serve::{self, Call, Remarks};
use crate::settings::OfficialAccount;

/// How many tickets, QR codes and encrypted codes are remembered.
const REMEMBERED: usize = 10_000;

/// `card_id` and `code`.
pub(crate) type Key = (String, String);

/// Who asks, when, and under which settings.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The AppID of the caller; for user actions that of the card's account.
    pub(crate) appid: &'a str,
    /// Unix seconds.
    pub(crate) now: i64,
    pub(crate) rules: &'a OfficialAccount,
    /// Absent for user actions.
    pub(crate) remarks: Option<&'a Remarks>,
}

impl<'a> Context<'a> {
    /// Makes the context of a command.
    pub(crate) fn new(appid: &'a str, now: Timestamp, rules: &'a OfficialAccount) -> Self {
        Self {
            appid,
            now: now.as_second(),
            rules,
            remarks: None,
        }
    }

    /// Makes the context of a request.
    pub(crate) fn of(call: &'a Call) -> Self {
        // The token has seen to it that the account has an AppID.
        let appid = call.account.appid.as_deref().unwrap_or_default();
        Self {
            remarks: Some(&call.remarks),
            ..Self::new(appid, call.now, &call.settings.official_account)
        }
    }

    /// Remarks on something that is accepted.
    fn remark(&self, remark: &str) {
        if let Some(remarks) = self.remarks {
            remarks.add(remark);
        }
    }
}

/// Cards, members, codes, tickets and pay rules of all official accounts.
#[derive(Default)]
pub(crate) struct Core {
    templates: Records<Template>,
    user_cards: Records<UserCard>,
    /// The card of every code that the platform assigned.
    platform_codes: BTreeMap<String, String>,
    encrypted_codes: Bounded<String, EncryptedCode, REMEMBERED>,
    dynamic_codes: Bounded<String, DynamicCode, REMEMBERED>,
    /// The random texts of signed claims, each behind its card.
    used_nonces: Bounded<String, (), REMEMBERED>,
    landing_pages: Records<LandingPage>,
    /// The testers by AppID, of accounts that set a list.
    testers: Records<Testers>,
    qrcodes: Bounded<String, QrCode, REMEMBERED>,
    tickets: Bounded<String, Ticket, REMEMBERED>,
    pay_rules: Records<PayRule>,
    figures: Figures,
    /// Counts everything that has an order.
    sequence: i64,
    effects: Vec<Effect>,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn internal() -> Refused {
        Refused::Internal
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

impl Core {
    /// Returns the AppID of the account that made a card.
    pub(crate) fn owner(&self, card_id: &str) -> Option<&str> {
        self.templates
            .get(card_id)
            .map(|template| template.appid.as_str())
    }

    /// Finds a card of the caller.
    fn template(&self, context: &Context<'_>, card_id: &str) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardId)?;
        if template.appid == context.appid {
            Ok(template)
        } else {
            Err(Refused::CardForeign)
        }
    }

    /// The same for a change, which a deleted card does not take.
    fn live_template(&self, context: &Context<'_>, card_id: &str) -> Result<&Template, Refused> {
        let template = self.template(context, card_id)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        Ok(template)
    }

    /// Changes a card.
    fn change_template(&mut self, card_id: &str, change: impl FnOnce(&mut Template)) {
        let key = card_id.to_owned();
        self.templates.change(&mut self.effects, None, &key, change);
    }

    /// Finds a user card of one of the caller's cards. Platform-assigned codes need no `card_id`.
    fn user_card(
        &self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
    ) -> Result<(Key, &Template, &UserCard), Refused> {
        let card_id = match card_id.filter(|card_id| !card_id.is_empty()) {
            Some(card_id) => card_id,
            None => self.platform_codes.get(code).ok_or(Refused::Code)?,
        };
        let template = self.template(context, card_id)?;
        let key = (card_id.to_owned(), code.to_owned());
        let user_card = self.user_cards.get(&key).ok_or(Refused::Code)?;
        Ok((key, template, user_card))
    }

    /// Finds a user card for an action of its holder.
    fn held(&self, card_id: &str, code: &str) -> Result<(Key, &Template, &UserCard), Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardId)?;
        let key = (card_id.to_owned(), code.to_owned());
        let user_card = self.user_cards.get(&key).ok_or(Refused::Code)?;
        Ok((key, template, user_card))
    }

    /// Puts a user card in place of the one before.
    fn put_user_card(&mut self, key: Key, after: UserCard) {
        self.user_cards.put(&mut self.effects, None, key, after);
    }

    /// Notes that something was given out.
    fn give(&mut self, effect: Effect) {
        note(&mut self.effects, None, effect);
    }

    fn next(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }
}

/// Refuses what cannot be an openid.
fn check_openid(openid: &str) -> Result<(), Refused> {
    let well_formed = openid
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if well_formed {
        Ok(())
    } else {
        Err(Refused::Openid)
    }
}
