//! What happened to cards, counted by day; `/datacube/` reads it.

use std::collections::{BTreeMap, BTreeSet};

use kabao_models::official_account::UserCardStatus;

use super::{Context, Core};
use crate::described::described;
use crate::official_account::Refused;

const DAY: i64 = 86_400;
/// The calendar of the documents is UTC+8.
const ZONE: i64 = 8 * 3_600;
/// How many days one query may span.
const MAX_DAYS: i64 = 62;

/// Something that is counted.
#[derive(Clone, Copy)]
pub(super) enum Event {
    View,
    Receive,
    Activate,
    /// Amounts in fen.
    Use {
        fee: i64,
        original_fee: i64,
    },
}

described! {
    /// A member uses a card.
    pub(crate) struct Use {
        /// The card.
        pub(crate) card_id: String,
        /// The member's code.
        pub(crate) code: String,
        /// What was paid with the card, in fen; 0 if absent.
        #[serde(default)]
        pub(crate) fee: i64,
        /// The amount before a discount, in fen; 0 if absent.
        #[serde(default)]
        pub(crate) original_fee: i64,
    }
}

/// The counters of a card by day.
#[derive(Default)]
pub(super) struct Figures {
    days: BTreeMap<(String, i64), Day>,
}

#[derive(Clone, Default)]
struct Day {
    views: Count,
    receipts: Count,
    uses: Count,
    activations: Count,
    /// How many users held the card when the day ended; absent if nothing changed.
    holders: Option<usize>,
    fee: i64,
    original_fee: i64,
}

#[derive(Clone, Default)]
struct Count {
    times: i64,
    users: BTreeSet<String>,
}

impl Count {
    fn add(&mut self, openid: &str) {
        self.times += 1;
        self.users.insert(openid.to_owned());
    }

    fn merge(&mut self, other: &Self) {
        self.times += other.times;
        self.users.extend(other.users.iter().cloned());
    }

    fn users(&self) -> i64 {
        i64::try_from(self.users.len()).unwrap_or(i64::MAX)
    }
}

/// One row of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DayFigures {
    /// `YYYY-MM-DD`.
    pub(crate) date: String,
    pub(crate) views: (i64, i64),
    pub(crate) receipts: (i64, i64),
    pub(crate) uses: (i64, i64),
    pub(crate) activations: (i64, i64),
    pub(crate) new_users: i64,
    pub(crate) holders: i64,
    pub(crate) ever_received: i64,
    pub(crate) fee: i64,
    pub(crate) original_fee: i64,
}

/// The days of a report.
#[derive(Clone, Copy)]
struct Period {
    first: i64,
    last: i64,
}

impl Figures {
    pub(super) fn note(&mut self, card_id: &str, openid: &str, now: i64, event: Event) {
        let day = self
            .days
            .entry((card_id.to_owned(), day_of(now)))
            .or_default();
        match event {
            Event::View => day.views.add(openid),
            Event::Receive => day.receipts.add(openid),
            Event::Activate => day.activations.add(openid),
            Event::Use { fee, original_fee } => {
                day.uses.add(openid);
                day.fee = day.fee.saturating_add(fee);
                day.original_fee = day.original_fee.saturating_add(original_fee);
            }
        }
    }

    pub(super) fn set_holders(&mut self, card_id: &str, now: i64, holders: usize) {
        self.days
            .entry((card_id.to_owned(), day_of(now)))
            .or_default()
            .holders = Some(holders);
    }

    /// Adds up some cards, day by day.
    fn report(&self, card_ids: &[&str], period: Period) -> Vec<DayFigures> {
        (period.first..=period.last)
            .map(|day| self.row(card_ids, day))
            .collect()
    }

    fn row(&self, card_ids: &[&str], day: i64) -> DayFigures {
        let mut sum = Day::default();
        let mut received_before = BTreeSet::new();
        let mut holders = 0_usize;
        for card_id in card_ids {
            let until = self
                .days
                .range(((*card_id).to_owned(), i64::MIN)..=((*card_id).to_owned(), day));
            let mut held = 0;
            for ((_, of), figures) in until {
                held = figures.holders.unwrap_or(held);
                if *of < day {
                    received_before.extend(figures.receipts.users.iter().cloned());
                } else {
                    sum.views.merge(&figures.views);
                    sum.receipts.merge(&figures.receipts);
                    sum.uses.merge(&figures.uses);
                    sum.activations.merge(&figures.activations);
                    sum.fee = sum.fee.saturating_add(figures.fee);
                    sum.original_fee = sum.original_fee.saturating_add(figures.original_fee);
                }
            }
            holders += held;
        }
        let new_users = sum.receipts.users.difference(&received_before).count();
        let ever = received_before.len() + new_users;
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let pair = |count: &Count| (count.times, count.users());
        DayFigures {
            date: date_of(day),
            views: pair(&sum.views),
            receipts: pair(&sum.receipts),
            uses: pair(&sum.uses),
            activations: pair(&sum.activations),
            new_users: number(new_users),
            holders: number(holders),
            ever_received: number(ever),
            fee: sum.fee,
            original_fee: sum.original_fee,
        }
    }
}

impl Core {
    /// Reports all cards of the caller that were made by the API, or those made in the console.
    pub(crate) fn account_figures(
        &self,
        context: &Context<'_>,
        begin: &str,
        end: &str,
        made_by_api: bool,
    ) -> Result<Vec<DayFigures>, Refused> {
        let period = period(context, begin, end)?;
        let card_ids: Vec<_> = self
            .templates
            .iter()
            .filter(|(_, template)| {
                template.appid == context.appid && template.made_by_api == made_by_api
            })
            .map(|(card_id, _)| card_id.as_str())
            .collect();
        Ok(self.figures.report(&card_ids, period))
    }

    /// Reports one card.
    pub(crate) fn card_figures(
        &self,
        context: &Context<'_>,
        begin: &str,
        end: &str,
        card_id: &str,
    ) -> Result<Vec<DayFigures>, Refused> {
        let period = period(context, begin, end)?;
        self.template(context, card_id)?;
        Ok(self.figures.report(&[card_id], period))
    }

    /// Counts what demo data implies: its members claimed and activated their cards some time ago.
    pub(crate) fn note_history(&mut self, card_id: &str) {
        let members: Vec<_> = self
            .members
            .iter()
            .filter(|((of, _), _)| of == card_id)
            .collect();
        let mut held = BTreeSet::new();
        for (_, card) in members {
            self.figures
                .note(card_id, &card.openid, card.claimed_at, Event::Receive);
            if card.has_active {
                self.figures
                    .note(card_id, &card.openid, card.claimed_at, Event::Activate);
            }
            if card.user_card_status == UserCardStatus::Normal {
                held.insert(card.openid.as_str());
            }
            self.figures
                .set_holders(card_id, card.claimed_at, held.len());
        }
    }
}

fn period(context: &Context<'_>, begin: &str, end: &str) -> Result<Period, Refused> {
    let first = day_number(begin).ok_or(Refused::DateFormat)?;
    let last = day_number(end).ok_or(Refused::DateFormat)?;
    // Today is not over; yesterday is the latest day.
    if last < first || last - first >= MAX_DAYS || last >= day_of(context.now) {
        return Err(Refused::DateRange);
    }
    Ok(Period { first, last })
}

fn day_of(now: i64) -> i64 {
    now.saturating_add(ZONE).div_euclid(DAY)
}

fn day_number(date: &str) -> Option<i64> {
    if date.len() != 10 {
        return None;
    }
    let date: jiff::civil::Date = date.parse().ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    date.since((jiff::Unit::Day, epoch))
        .ok()
        .map(|span| i64::from(span.get_days()))
}

fn date_of(day: i64) -> String {
    let moment = jiff::Timestamp::from_second(day.saturating_mul(DAY)).unwrap_or_default();
    moment
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%Y-%m-%d")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::{NOW, World};

    #[test]
    fn days_are_those_of_the_calendar_in_utc_plus_8() {
        assert_eq!(day_number("2026-01-01"), Some(20_454));
        assert_eq!(date_of(20_454), "2026-01-01");
        assert_eq!(
            (
                day_number("2026-02-30"),
                day_number("2026-1-1"),
                day_number("yesterday.")
            ),
            (None, None, None)
        );
        // 2026-01-01T08:00:00+08:00
        assert_eq!(day_of(NOW), 20_454);
        assert_eq!(day_of(NOW - 8 * 3_600 - 1), 20_453);
    }

    #[test]
    fn figures_count_what_happened_day_by_day() {
        let mut world = World::new();
        let card_id = world.approved(|card| card.auto_activate = Some(true));
        let code = world.claim(&card_id, "oOne");
        for _ in 0..2 {
            world
                .run(|core, context| core.view(context, &card_id, &code))
                .unwrap();
        }
        world.now += DAY;
        world.claim(&card_id, "oTwo");
        let used = Use {
            card_id: card_id.clone(),
            code: code.clone(),
            fee: 900,
            original_fee: 1_000,
        };
        world
            .run(|core, context| core.use_card(context, &used))
            .unwrap();
        world
            .run(|core, context| core.delete_member(context, &card_id, &code))
            .unwrap();
        world.now += DAY;
        let rows = world
            .run(|core, context| core.card_figures(context, "2026-01-01", "2026-01-02", &card_id))
            .unwrap();
        let expected = [
            DayFigures {
                date: "2026-01-01".into(),
                views: (2, 1),
                receipts: (1, 1),
                activations: (1, 1),
                new_users: 1,
                holders: 1,
                ever_received: 1,
                ..DayFigures::default()
            },
            DayFigures {
                date: "2026-01-02".into(),
                receipts: (1, 1),
                uses: (1, 1),
                activations: (1, 1),
                new_users: 1,
                holders: 1,
                ever_received: 2,
                fee: 900,
                original_fee: 1_000,
                ..DayFigures::default()
            },
        ];
        assert_eq!(rows, expected);
        let all = |world: &mut World, api| {
            world
                .run(|core, context| core.account_figures(context, "2026-01-02", "2026-01-02", api))
                .unwrap()
        };
        assert_eq!(all(&mut world, true)[0].receipts, (1, 1));
        assert_eq!(all(&mut world, false)[0].receipts, (0, 0));
    }

    #[test]
    fn ranges_are_over_and_not_too_long() {
        let mut world = World::new();
        world.now += 100 * DAY;
        for (begin, end, expected) in [
            ("2026-01-01", "2026-03-03", None),
            ("2026-01-01", "2026-03-04", Some(61501)),
            ("2026-01-02", "2026-01-01", Some(61501)),
            ("2026-04-10", "2026-04-10", None),
            ("2026-04-11", "2026-04-11", Some(61501)),
            ("2026-02-30", "2026-03-01", Some(61500)),
        ] {
            let result = world.run(|core, context| core.account_figures(context, begin, end, true));
            assert_eq!(
                result.err().map(|refused| refused.errcode()),
                expected,
                "{begin} {end}"
            );
        }
    }
}
