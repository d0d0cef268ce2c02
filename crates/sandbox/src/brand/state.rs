//! The state of the brand family.

use std::collections::BTreeMap;

use kabao_models::brand::membership_activities::CREATE_MEMBERSHIP_ACTIVITY;
use kabao_models::brand::user_feeds::CREATE_USER_FEED;
use kabao_models::brand::user_points::SYNC_USER_POINTS;
use kabao_models::{Sensitive, VisitSensitive};
use serde::Serialize;

use super::activity::Activity;
use super::exchange::{ExchangeTemplate, PointExchange};
use super::member::Members;
use super::template::Template;
use super::token::Token;
use super::user::User;
use super::{Refused, Rule};
use crate::bounded::Bounded;
use crate::ledger::{Change, Effect, differences, note};
use crate::numbers::{Asked, Numbered, Numbers};
use crate::picture::Picture;
use crate::records::Records;
use crate::serve::{self, Call};
use crate::settings::RepeatedNumber;

/// How many tokens and pictures are remembered; the oldest go first.
const REMEMBERED: usize = 100_000;

/// Templates, user cards and what belongs to them, of all brands.
#[derive(Default)]
pub(crate) struct Core {
    /// By `card_id`.
    pub(super) templates: Records<Template>,
    pub(super) members: Members,
    /// By openid; only users that the control API described.
    pub(super) users: BTreeMap<String, User>,
    /// By the token itself.
    pub(super) tokens: Bounded<String, Token, REMEMBERED>,
    /// By `activity_id`.
    pub(super) activities: Records<Activity>,
    /// The available stock of coupons, by `stock_id`.
    pub(super) stocks: BTreeMap<String, i64>,
    /// By `exchange_coupon_template_id`.
    pub(super) exchange_templates: Records<ExchangeTemplate>,
    /// By `record_id`.
    pub(super) exchanges: Records<PointExchange>,
    /// By `media_url`.
    pub(super) pictures: Bounded<String, Picture, REMEMBERED>,
    numbers: Numbers,
    pub(super) effects: Vec<Effect>,
    sequence: u64,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn internal() -> Refused {
        Rule::Internal.into()
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn numbered(call: &Call, mut asked: Asked) -> Option<Numbered<Refused>> {
        let rules = &call.settings.brand;
        // A brand that calls directly is not named and counts the same numbers. The numbers of a brand
        // that the caller does not act for are nothing to it: the command refuses it.
        let own = call.account.brand_id.clone()?;
        let named = asked.take("brand_id");
        let brand = named.is_none_or(|named| named == own).then_some(own)?;
        let used = Refused::at(Rule::NumberUsed, "out_request_no", asked.number.as_str());
        let (rule, refusal) = match asked.operation.id {
            id if id == CREATE_MEMBERSHIP_ACTIVITY.id => (rules.repeated_activity_number, used),
            id if id == SYNC_USER_POINTS.id => (rules.repeated_points_number, used),
            id if id == CREATE_USER_FEED.id => (RepeatedNumber::Refuse, Rule::FeedExists.into()),
            _ => (RepeatedNumber::Refuse, used),
        };
        Some(asked.by(brand, rule, refusal))
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

/// Lists the members in which two messages differ, sensitive ones in clear.
pub(super) fn differences_in_clear<T>(before: &T, after: &T) -> Vec<Change>
where
    T: Serialize + VisitSensitive + Clone,
{
    differences(&in_clear(before), &in_clear(after))
}

/// Returns a copy that can be written as JSON although its sensitive fields are plain. It may
/// leave the process through the control API only.
pub(crate) fn in_clear<T: VisitSensitive + Clone>(message: &T) -> T {
    let mut copy = message.clone();
    copy.visit_sensitive(&mut |field| {
        *field = Sensitive::Encrypted(std::mem::take(field).into_exposed());
    });
    copy
}
