//! The state of the merchant family.

use jiff::Timestamp;
use kabao_models::AnyEndpoint;
use kabao_models::merchant::user_cards::UserCard;

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
use super::{Refused, Rule, validity};
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
    /// Returns the templates.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// Returns the members.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Returns the activities as they are shown at a moment.
    pub(crate) fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.activities.values()
    }

    /// Returns the notification URL of a merchant number.
    pub(crate) fn callback(&self, merchant: &str) -> Option<&str> {
        self.callbacks.get(merchant).map(|url| url.0.as_str())
    }

    /// Returns the notification URLs by merchant number.
    pub(crate) fn callbacks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.callbacks
            .iter()
            .map(|(merchant, url)| (merchant.as_str(), url.0.as_str()))
    }

    /// Puts a template in place as it is.
    pub(crate) fn fill_template(&mut self, mut template: Template) {
        if let Some(card_id) = template.card.card_id.clone() {
            template.sequence = self.next_sequence();
            self.templates.fill(card_id, template);
        }
    }

    /// Puts a user card in place as it is, received at a moment.
    pub(crate) fn fill_member(&mut self, card: UserCard, received: Timestamp) {
        let (Some(card_id), Some(code)) = (card.card_id.clone(), card.code.clone()) else {
            return;
        };
        let template = self.templates.get(&card_id);
        let date_information =
            template.and_then(|template| template.card.date_information.as_ref());
        let expires = validity::end(date_information, received, false);
        let openid = card.openid.clone();
        let key = (card_id, code.into_exposed());
        let member = Member {
            in_wallet: Some(received),
            expires,
            ..Member::new(card, received)
        };
        self.members.fill(key.clone(), member);
        if let Some(openid) = openid {
            self.holders.bind_openid(openid.expose(), &key);
        }
    }

    /// Finds a template that the caller may use.
    pub(super) fn template(&self, merchant: &str, card_id: &str) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Rule::CardIdInvalid)?;
        if template.owner != merchant {
            return Err(Rule::NotOwner.into());
        }
        if !template.upgraded {
            return Err(Rule::NotUpgraded.into());
        }
        Ok(template)
    }

    /// Finds a user card of a template that the caller may use.
    pub(super) fn member(
        &self,
        merchant: &str,
        card_id: &str,
        code: &str,
    ) -> Result<(MemberKey, &Template, &Member), Refused> {
        let template = self.template(merchant, card_id)?;
        let key = (card_id.to_owned(), code.to_owned());
        let member = self.members.get(&key).ok_or(Rule::CodeNotExist)?;
        Ok((key, template, member))
    }

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
