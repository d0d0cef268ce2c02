//! The state of the official-account family.
//!
//! A command either changes nothing and names its refusal, or changes the state and leaves an
//! effect for the ledger. Times are unix seconds, as everywhere in this family.

use std::collections::BTreeMap;

use kabao_models::{AnyEndpoint, Record};

use super::code::EncryptedCode;
use super::dynamic_code::DynamicCode;
use super::figures::Figures;
use super::form::Ticket;
use super::qrcode::QrCode;
use super::{Context, LandingPage, Member, PayRule, Refused, Template, Testers};
use crate::bounded::Bounded;
use crate::ledger::{Effect, note};
use crate::records::Records;
use crate::serve::{self, Call};

/// How many tickets, QR codes and encrypted codes are remembered.
const REMEMBERED: usize = 10_000;

/// `card_id` and `code`.
pub(crate) type Key = (String, String);

/// Cards, members, codes, tickets and pay rules of all official accounts.
#[derive(Default)]
pub(crate) struct Core {
    pub(super) templates: Records<Template>,
    pub(super) user_cards: Records<Member>,
    /// The card of every code that the platform assigned.
    pub(super) platform_codes: BTreeMap<String, String>,
    pub(super) encrypted_codes: Bounded<String, EncryptedCode, REMEMBERED>,
    pub(super) dynamic_codes: Bounded<String, DynamicCode, REMEMBERED>,
    /// The random texts of signed claims, each behind its card.
    pub(super) used_nonces: Bounded<String, (), REMEMBERED>,
    pub(super) landing_pages: Records<LandingPage>,
    /// The testers by AppID, of accounts that set a list.
    pub(super) testers: Records<Testers>,
    pub(super) qrcodes: Bounded<String, QrCode, REMEMBERED>,
    pub(super) tickets: Bounded<String, Ticket, REMEMBERED>,
    pub(super) pay_rules: Records<PayRule>,
    pub(super) figures: Figures,
    /// Counts everything that has an order.
    pub(super) sequence: i64,
    pub(super) effects: Vec<Effect>,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn internal() -> Refused {
        Refused::Internal
    }

    /// Nothing changes a card that was upgraded, or its members.
    fn check(&self, call: &Call, request: &dyn AnyEndpoint) -> Result<(), Refused> {
        let rules = &call.settings.official_account;
        if rules.upgraded_cards.is_empty() || call.operation.effect == kabao_models::Effect::Read {
            return Ok(());
        }
        let request: &dyn Record = request;
        let given = |name| request.named(name).text().filter(|text| !text.is_empty());
        let of_code = || self.platform_codes.get(given("code")?).map(String::as_str);
        let card_id = given("card_id").or_else(of_code);
        if card_id.is_some_and(|of| rules.upgraded_cards.iter().any(|card_id| card_id == of)) {
            return Err(Refused::Chosen {
                errcode: rules.upgraded_card_errcode,
                errmsg: "the card was upgraded to the membership product of WeChat Pay",
            });
        }
        Ok(())
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
    pub(super) fn template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardId)?;
        if template.appid == context.appid {
            Ok(template)
        } else {
            Err(Refused::CardForeign)
        }
    }

    /// The same for a change, which a deleted card does not take.
    pub(super) fn live_template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<&Template, Refused> {
        let template = self.template(context, card_id)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        Ok(template)
    }

    /// Changes a card.
    pub(super) fn change_template(&mut self, card_id: &str, change: impl FnOnce(&mut Template)) {
        let key = card_id.to_owned();
        self.templates.change(&mut self.effects, None, &key, change);
    }

    /// Finds a user card of one of the caller's cards. Platform-assigned codes need no `card_id`.
    pub(super) fn user_card(
        &self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
    ) -> Result<(Key, &Template, &Member), Refused> {
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
    pub(super) fn held(
        &self,
        card_id: &str,
        code: &str,
    ) -> Result<(Key, &Template, &Member), Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardId)?;
        let key = (card_id.to_owned(), code.to_owned());
        let user_card = self.user_cards.get(&key).ok_or(Refused::Code)?;
        Ok((key, template, user_card))
    }

    /// Puts a user card in place of the one before.
    pub(super) fn put_user_card(&mut self, key: Key, after: Member) {
        self.user_cards.put(&mut self.effects, None, key, after);
    }

    /// Notes that something was given out.
    pub(super) fn give(&mut self, effect: Effect) {
        note(&mut self.effects, None, effect);
    }

    pub(super) fn next(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }
}

/// Refuses what cannot be an openid.
pub(super) fn check_openid(openid: &str) -> Result<(), Refused> {
    let well_formed = openid
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if well_formed {
        Ok(())
    } else {
        Err(Refused::Openid)
    }
}
