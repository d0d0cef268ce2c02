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
use super::{LandingPage, Member, PayRule, Refused, Template, Testers};
use crate::bounded::Bounded;
use crate::ledger::{Effect, note};
use crate::records::Records;
use crate::serve::{self, Call};

/// How many tickets, QR codes and encrypted codes are remembered.
const REMEMBERED: usize = 10_000;

/// `card_id` and `code`.
pub(crate) type MemberKey = (String, String);

/// Cards, members, codes, tickets and pay rules of all official accounts.
#[derive(Default)]
pub(crate) struct Core {
    pub(super) templates: Records<Template>,
    pub(super) members: Records<Member>,
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
    /// Notes that something was given out.
    pub(super) fn give(&mut self, effect: Effect) {
        note(&mut self.effects, None, effect);
    }

    /// Returns the next number of creation, by which lists are ordered.
    pub(super) fn next_sequence(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }
}
