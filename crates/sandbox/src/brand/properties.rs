//! Random sequences of valid and invalid requests: what must hold after each of them.

mod steps;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use kabao_models::brand::{
    ActivityState, CardState, UserCardState, ValidDateInformation, ValidDateType,
};
use kabao_models::{Answer as _, Endpoint, Personal};
use proptest::prelude::*;

use super::member::Member;
use super::member_change::is_valid;
use super::testing::{BRAND, CARD, OPENID, core, now};
use super::validity::tests::{permanent, range, term};
use super::{Core, Refused};
use crate::account::{Account, AccountConfig};
use crate::serve::{self, Call, Core as _, Remarks, Serve};
use crate::settings::{self, RepeatedNumber, Settings, StockFalls, TermStart};

/// One step: what happens, and three choices that it interprets.
type Step = (u8, u8, u8, u8);

/// A core on its way through a sequence.
struct Run {
    core: Core,
    account: Arc<Account>,
    settings: Arc<Settings>,
    now: Timestamp,
    /// The states that were final before.
    final_cards: HashMap<(String, String, usize), UserCardState>,
    final_templates: HashSet<String>,
    final_activities: HashMap<i64, ActivityState>,
}

impl Run {
    fn new(brand: settings::Brand) -> Self {
        let config = AccountConfig::brand("demo-brand", "1900000110", BRAND);
        Self {
            core: core(),
            account: Arc::new(Account::new(config, None).unwrap()),
            settings: Arc::new(Settings {
                brand,
                ..Settings::default()
            }),
            now: now(),
            final_cards: HashMap::new(),
            final_templates: HashSet::new(),
            final_activities: HashMap::new(),
        }
    }

    /// Sends a request as the shell would; the answer must conform, and a refusal change nothing.
    fn send<E: Serve<Core = Core>>(&mut self, request: E) -> Option<E::Answer> {
        if !request.strict_violations().is_empty() {
            return None;
        }
        let call = Call {
            operation: <E as Endpoint>::OPERATION,
            account: Arc::clone(&self.account),
            now: self.now,
            settings: Arc::clone(&self.settings),
            remarks: Remarks::default(),
        };
        let result: Result<_, Refused> = serve::answer(&mut self.core, &call, request);
        let effects = self.core.take_effects();
        match result {
            Ok(answer) => {
                assert_eq!(answer.strict_violations(), [], "{}", call.operation.id);
                Some(answer)
            }
            Err(refused) => {
                assert!(
                    effects.is_empty(),
                    "{} changed something",
                    call.operation.id
                );
                assert!(
                    (400..500).contains(&refused.rule.row().status),
                    "{refused:?}"
                );
                None
            }
        }
    }

    /// Picks a template: mostly one of those that exist.
    fn card_id(&self, choice: u8) -> Option<String> {
        let ids: Vec<_> = self.core.templates.keys().cloned().collect();
        let known = ids.get(usize::from(choice) % ids.len()).cloned();
        known.filter(|_| choice < 250).or(Some("none".into()))
    }

    fn openid(choice: u8) -> Option<Personal> {
        let known = ["oA", "oB", "oC", OPENID];
        let known = known.get(usize::from(choice) % known.len()).copied();
        known
            .filter(|_| choice < 250)
            .or(Some("not valid"))
            .map(Personal::from)
    }

    /// Picks a code: mostly the newest of the user, else somebody's, a new one, or no code.
    fn code(&self, openid: Option<&Personal>, choice: u8) -> Personal {
        let held = |member: &&Member| Some(member.openid()) == openid.map(Personal::expose);
        let newest = self.core.members().filter(held).last();
        let any = self.core.members().nth(usize::from(choice / 4) % 5);
        let of = |member: Option<&Member>| member.map(|member| Personal::from(member.code()));
        match choice % 8 {
            0 if choice > 200 => Some("坏".into()),
            0 | 1 => None,
            2 => of(any),
            _ => of(newest),
        }
        .unwrap_or_else(|| format!("HT-{choice}").into())
    }

    /// Picks an activity: mostly one of those that exist.
    fn activity(&self, choice: u8) -> i64 {
        let ids: Vec<_> = self.core.activities.keys().copied().collect();
        ids.get(usize::from(choice) % (ids.len() + 1))
            .copied()
            .unwrap_or(1)
    }

    /// Picks a validity of the kind that the template has.
    fn fitting(&self, card_id: &str, choice: u8) -> ValidDateInformation {
        let known = self
            .core
            .templates
            .get(card_id)
            .and_then(|template| template.validity_type());
        match known {
            Some(ValidDateType::FixTerm) => term(i64::from(choice % 60)),
            Some(ValidDateType::FixTimeRange) => range("2025-06-01", "2026-03-01"),
            _ => permanent(),
        }
    }

    fn validity(choice: u8) -> ValidDateInformation {
        match choice % 5 {
            0 => permanent(),
            1 => term(i64::from(choice % 40)),
            2 => range("2025-06-01", "2026-02-01"),
            3 => range("2026-01-01", "2025-01-01"),
            _ => ValidDateInformation {
                available_day_after_receive: Some(1),
                ..permanent()
            },
        }
    }

    /// Checks what must hold at every moment.
    fn check(&mut self) {
        let rules = &self.settings.brand;
        for available in self.core.stocks.values() {
            assert!(*available >= 0, "a coupon stock is negative");
        }
        for template in self.core.exchange_templates.values() {
            assert!(template.stock >= 0, "an exchange stock is negative");
        }
        let mut codes = HashSet::new();
        let mut valid = HashSet::new();
        for (index, member) in self.core.members().enumerate() {
            let user = (member.card_id().to_owned(), member.openid().to_owned());
            if !member.code().is_empty() {
                let code = (member.card_id().to_owned(), member.code().to_owned());
                assert!(codes.insert(code), "a code is used twice");
            }
            let state = member.state(self.now, rules);
            if is_valid(&state) {
                assert!(valid.insert(user.clone()), "a user has two valid cards");
            }
            let key = (user.0, user.1, index);
            if let Some(before) = self.final_cards.get(&key) {
                assert_eq!(*before, state, "a final state was left");
            }
            if matches!(state, UserCardState::Invalid | UserCardState::Expired) {
                self.final_cards.insert(key, state);
            }
        }
        for template in self.core.templates() {
            let card_id = template.card.card_id.clone().unwrap();
            if template.card.state == Some(CardState::CardInvalid) {
                self.final_templates.insert(card_id);
            } else {
                assert!(
                    !self.final_templates.contains(&card_id),
                    "a template came back"
                );
            }
        }
        for activity in self.core.activities(self.now) {
            let (id, state) = (
                activity.activity_id.unwrap(),
                activity.activity_state.unwrap(),
            );
            let left = activity.apply_available.unwrap();
            assert!(
                (0..=activity.apply_total.unwrap()).contains(&left),
                "activity stock"
            );
            if let Some(before) = self.final_activities.get(&id) {
                assert_eq!(*before, state, "an activity came back");
            }
            let over = [
                ActivityState::MembershipActivityTerminated,
                ActivityState::MembershipActivityExpired,
            ];
            if over.contains(&state) {
                self.final_activities.insert(id, state);
            }
        }
    }
}

/// The defaults, or the other reading of many choices at once.
fn choices(other: bool) -> settings::Brand {
    if !other {
        return settings::Brand::default();
    }
    settings::Brand {
        term_counts_from: TermStart::Receipt,
        join_again_after_invalidation: true,
        invalidation_ends_user_cards: true,
        update_ended_activities: true,
        activity_stock_falls: StockFalls::Join,
        repeated_activity_number: RepeatedNumber::Apply,
        repeated_points_number: RepeatedNumber::Refuse,
        repeated_exchange_answer: RepeatedNumber::Refuse,
        exchange_deducts_points: true,
        newest_first: true,
        answer_empty_data: true,
        accept_legacy_fields: true,
        answer_legacy_fields: true,
        expired_templates_show_invalid: true,
        ..settings::Brand::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_requests_breaks_the_rules(
        other in any::<bool>(),
        expiring in any::<bool>(),
        steps in prop::collection::vec((0..24_u8, any::<u8>(), any::<u8>(), any::<u8>()), 1..120),
    ) {
        let mut run = Run::new(choices(other));
        if expiring && let Some(template) = run.core.templates.get_mut(CARD) {
            template.card.valid_date_information = Some(term(12));
        }
        for step in steps {
            run.step(step);
            run.check();
        }
    }
}
