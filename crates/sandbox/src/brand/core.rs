//! The state of the brand family.

use std::collections::BTreeMap;

use kabao_models::brand::membership_activities::CREATE_MEMBERSHIP_ACTIVITY;
use kabao_models::brand::user_feeds::CREATE_USER_FEED;
use kabao_models::brand::user_points::SYNC_USER_POINTS;
use kabao_models::{Sensitive, VisitSensitive};
use serde::Serialize;

use super::activity::Activity;
use super::exchange::{Exchange, ExchangeTemplate};
use super::member::Members;
use super::template::Template;
use super::token::Token;
use super::user::User;
use super::{Context, Refused, Rule};
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
    pub(super) exchanges: Records<Exchange>,
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
        // A brand that calls directly is not named and counts the same numbers.
        let named = asked.take("brand_id");
        let brand = named.or_else(|| call.account.brand_id.clone())?;
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

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) data: Option<Vec<T>>,
    pub(super) total_count: i64,
}

/// Cuts a page out of all entries, which come oldest first.
pub(super) fn page<T>(
    context: &Context<'_>,
    mut entries: Vec<T>,
    offset: i64,
    limit: i64,
) -> Result<Page<T>, Refused> {
    let skipped = usize::try_from(offset)
        .map_err(|_| Refused::query(Rule::OffsetNegative, "offset", offset))?;
    let total_count = i64::try_from(entries.len()).map_err(|_| Rule::Internal)?;
    if context.rules.newest_first {
        entries.reverse();
    }
    let length = usize::try_from(limit).unwrap_or(0);
    let data: Vec<T> = entries.into_iter().skip(skipped).take(length).collect();
    let data = (context.rules.answer_empty_data || !data.is_empty()).then_some(data);
    Ok(Page { data, total_count })
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{demo, settings};

    pub(in crate::brand) const BRAND: &str = demo::BRAND_ID;
    pub(in crate::brand) const CARD: &str = demo::BRAND_CARD;
    pub(in crate::brand) const CODE: &str = demo::BRAND_CODE;
    pub(in crate::brand) const OPENID: &str = demo::BRAND_OPENID;

    pub(in crate::brand) fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    /// A core with the demo template and its member.
    pub(in crate::brand) fn core() -> Core {
        let mut core = Core::default();
        demo::brand::fill(&mut core, now());
        core
    }

    pub(in crate::brand) fn context(rules: &settings::Brand) -> Context<'_> {
        Context {
            brand: BRAND,
            appid: None,
            now: now(),
            rules,
        }
    }

    /// The names of the members that the newest effect changed.
    pub(in crate::brand) fn changed(core: &Core) -> Vec<&str> {
        let effect = core.effects.last().expect("there is an effect");
        effect
            .changes
            .iter()
            .map(|change| change.field.as_str())
            .collect()
    }

    /// The rule that a refused command broke.
    pub(in crate::brand) fn rule<T>(result: Result<T, Refused>) -> Rule {
        result
            .err()
            .map(|refused| refused.rule)
            .expect("it is refused")
    }

    #[test]
    fn pages_count_records_and_may_lie_beyond_the_end() {
        let rules = settings::Brand::default();
        let numbers = || (1..=5).collect::<Vec<_>>();
        let cut = |offset, limit| page(&context(&rules), numbers(), offset, limit).unwrap();
        assert_eq!(cut(0, 2).data, Some(vec![1, 2]));
        assert_eq!(cut(4, 20).data, Some(vec![5]));
        let beyond = cut(9, 20);
        assert_eq!((beyond.data, beyond.total_count), (None, 5));
        assert_eq!(
            rule(page(&context(&rules), numbers(), -1, 1)),
            Rule::OffsetNegative
        );
        let rules = settings::Brand {
            newest_first: true,
            answer_empty_data: true,
            ..rules
        };
        let cut = |offset, limit| page(&context(&rules), numbers(), offset, limit).unwrap();
        assert_eq!(cut(0, 2).data, Some(vec![5, 4]));
        assert_eq!(cut(9, 2).data, Some(vec![]));
    }
}
