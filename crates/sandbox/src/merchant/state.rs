//! The state of the merchant family.

use kabao_models::AnyEndpoint;

use super::activation::Passes;
use super::activity::Activity;
use super::bonus::Order;
use super::callback::CallbackUrl;
use super::holder::Holders;
use super::import::Payment;
use super::link::Links;
use super::member::Member;
use super::phone_member::PhoneMember;
use super::template::Template;
use super::{Refused, Rule};
use crate::ledger::{Effect, note};
use crate::numbers::{Asked, Numbered, Numbers};
use crate::records::Records;
use crate::serve::{self, Call};

/// A user card by `card_id` and `code`.
pub(super) type MemberKey = (String, String);

/// Everything that all merchant numbers have.
#[derive(Default)]
pub(crate) struct Core {
    pub(super) templates: Records<Template>,
    pub(super) members: Records<Member>,
    pub(super) holders: Holders,
    /// By `card_id` and phone number.
    pub(super) phone_members: Records<PhoneMember>,
    /// The last payment, by merchant number and openid or phone number.
    pub(super) payments: Records<Payment>,
    /// By merchant number and `out_trade_no`.
    pub(super) orders: Records<Order>,
    pub(super) passes: Passes,
    pub(super) links: Links,
    pub(super) activities: Records<Activity>,
    /// The notification URL by merchant number.
    pub(super) callbacks: Records<CallbackUrl>,
    pub(super) effects: Vec<Effect>,
    numbers: Numbers,
    sequence: u64,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn internal() -> Refused {
        Refused::Internal
    }

    fn check(&self, call: &Call, request: &dyn AnyEndpoint) -> Result<(), Refused> {
        let limit = call.settings.merchant.longest_request_number;
        let number = request.request_number();
        match (limit, number) {
            (Some(limit), Some(number)) if number.chars().count() > limit => {
                Err(Refused::NumberTooLong { limit })
            }
            _ => Ok(()),
        }
    }

    fn worded(call: &Call, refusal: Refused) -> Refused {
        match refusal {
            Refused::Rule(
                rule @ (Rule::CardIdInvalid | Rule::CodeNotExist | Rule::ActivityUnknown),
            ) if call.settings.merchant.unknown_is_not_found => Refused::NotFound(rule),
            refusal => refusal,
        }
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn numbered(call: &Call, asked: Asked) -> Option<Numbered<Refused>> {
        let merchant = call.account.mchid.clone()?;
        let rule = call.settings.merchant.repeated_out_request_no;
        Some(asked.by(merchant, rule, Refused::NumberUsed))
    }

    fn numbers(&mut self) -> Option<&mut Numbers> {
        Some(&mut self.numbers)
    }
}

impl Core {
    /// Returns the next number of creation, by which lists are ordered.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Notes that something was given out.
    pub(super) fn give(&mut self, effect: Effect) {
        note(&mut self.effects, None, effect);
    }
}
