//! A core with what a test knows about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kabao_models::merchant::activities::{ListActivities, ListActivitiesResponse};
use kabao_models::merchant::card_rights::UpdateCardRights;
use kabao_models::merchant::cards::{CreateCard, ListCards, ListCardsResponse, UpdateCard};
use kabao_models::merchant::codes::DepositCodes;
use kabao_models::merchant::user_cards::{ListUserCards, UserCard, UserCardSummary};
use kabao_models::merchant::{ActivityStatus, ActivityType, Bonus};
use kabao_models::{Answer, Sensitive};

use super::step::{NOTHING, Step};
use crate::account::{Account, AccountConfig};
use crate::clock::plus_days;
use crate::ledger::Effect;
use crate::merchant::template_rules::tests::creation;
use crate::merchant::testing::{CARD, MERCHANT, core, now};
use crate::merchant::{Context, Core, Refused, User};
use crate::serve::{self, Call, Core as _, Remarks, Serve};
use crate::settings::{self, Settings};

pub(super) type Key = (String, String);

pub(super) struct World {
    pub(super) core: Core,
    account: Arc<Account>,
    pub(super) rules: settings::Merchant,
    pub(super) strict: bool,
    pub(super) now: Timestamp,
    pub(super) ledger: Vec<Effect>,
    /// What accepted additions make of balance and points, for the strict settings.
    pub(super) sums: BTreeMap<Key, (i64, i64)>,
    /// Who got which card; a card never changes hands.
    pub(super) people: BTreeMap<Key, u8>,
    pub(super) ended_cards: BTreeSet<Key>,
    pub(super) ended_templates: BTreeSet<String>,
    pub(super) ended_activities: BTreeMap<String, ActivityStatus>,
}

impl World {
    pub(super) fn new(strict: bool) -> Self {
        let core = core();
        let rules = settings::Merchant {
            check_equation: strict,
            check_before: strict,
            refuse_negative: strict,
            bonus_commit_adds_points: strict,
            given_codes_count: strict,
            receive_again_after_end: strict,
            modify_unusable_cards: !strict,
            modify_deleted_templates: !strict,
            approve_at_once: strict,
            update_starts_review: !strict,
            ..settings::Merchant::default()
        };
        let sums = core
            .members
            .iter()
            .map(|(key, member)| (key.clone(), amounts(&member.card)))
            .collect();
        let account = AccountConfig::merchant("demo-merchant", MERCHANT);
        Self {
            core,
            account: Arc::new(Account::new(account, None).unwrap()),
            rules,
            strict,
            now: now(),
            ledger: Vec::new(),
            sums,
            people: BTreeMap::new(),
            ended_cards: BTreeSet::new(),
            ended_templates: BTreeSet::new(),
            ended_activities: BTreeMap::new(),
        }
    }

    pub(super) fn run<T>(
        &mut self,
        command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
    ) -> Option<T> {
        let context = Context {
            merchant: MERCHANT,
            now: self.now,
            rules: &self.rules,
        };
        command(&mut self.core, &context).ok()
    }

    /// The same for an answer, which must conform to the catalogue.
    pub(super) fn ask<A: Answer>(
        &mut self,
        command: impl FnOnce(&mut Core, &Context<'_>) -> Result<A, Refused>,
    ) -> Option<A> {
        let answer = self.run(command)?;
        assert_eq!(answer.strict_violations(), [], "{answer:?}");
        Some(answer)
    }

    /// Sends a request as a gate does, so that its number counts.
    pub(super) fn send<E: Serve<Core = Core>>(&mut self, request: E) -> Option<E::Answer> {
        let settings = Settings {
            merchant: self.rules.clone(),
            ..Settings::default()
        };
        let call = Call {
            operation: E::OPERATION,
            account: Arc::clone(&self.account),
            now: self.now,
            settings: Arc::new(settings),
            remarks: Remarks::default(),
        };
        let answer = serve::answer(&mut self.core, &call, request).ok()?;
        assert_eq!(answer.strict_violations(), [], "{answer:?}");
        Some(answer)
    }

    pub(super) fn template(&self, index: u8) -> String {
        choose(self.core.templates.keys(), index).unwrap_or_else(|| "pUnknown".to_owned())
    }

    pub(super) fn member(&self, index: u8) -> Key {
        let unknown = || (CARD.to_owned(), "unknown".to_owned());
        choose(self.core.members.keys(), index).unwrap_or_else(unknown)
    }

    pub(super) fn got(&mut self, key: Key, user: u8) {
        let holder = *self.people.entry(key).or_insert(user);
        assert_eq!(holder, user, "a code was given to two users");
    }

    pub(super) fn got_card(&mut self, card: &UserCard, user: u8) {
        assert_eq!(card.strict_violations(), []);
        let code = card.code.as_ref().unwrap().expose().to_owned();
        self.got((card.card_id.clone().unwrap(), code), user);
    }

    pub(super) fn take(&mut self, step: &Step) {
        match step.clone() {
            Step::CreateTemplate { number, mode } => {
                let create = CreateCard {
                    code_mode: Some(mode),
                    ..creation(&format!("t-{number}"))
                };
                self.send(create);
            }
            Step::Review { template, approved } => {
                let card_id = self.template(template);
                self.run(|core, context| core.review_template(context, &card_id, approved));
            }
            Step::DeleteTemplate { template } => {
                let card_id = self.template(template);
                self.run(|core, context| core.delete_template(context, &card_id));
            }
            Step::Restock { template, total } => {
                let change = UpdateCard {
                    total_quantity: Some(total),
                    ..UpdateCard::new(self.template(template))
                };
                self.run(|core, context| core.update_template(context, &change));
            }
            Step::Sections { template, bonus } => {
                let change = UpdateCardRights {
                    bonus: Some(Bonus {
                        init_bonus: Some(7),
                        bonus_value_word: Some("积分".into()),
                        bonus_cost_word: Some("7积分=1".into()),
                        ..Bonus::default()
                    }),
                    ..UpdateCardRights::new(self.template(template), bonus, false)
                };
                self.run(|core, context| core.update_sections(context, &change));
            }
            Step::Deposit { template, codes } => {
                let codes = codes.into_iter().map(|code| code_of(code).into()).collect();
                let request = DepositCodes {
                    code: Some(codes),
                    ..DepositCodes::new(self.template(template))
                };
                self.ask(|core, context| core.deposit_codes(context, &request));
            }
            Step::Wait { days } => self.now = plus_days(self.now, days),
            Step::Look { member } => self.look(&self.member(member)),
            step @ (Step::Claim { .. }
            | Step::OpenLink { .. }
            | Step::ImportByOpenid { .. }
            | Step::ImportByPhone { .. }
            | Step::ImportPhoneMember { .. }) => self.give(step),
            step @ (Step::Balance { .. }
            | Step::Points { .. }
            | Step::Prepare { .. }
            | Step::Commit { .. }) => {
                self.count(step);
            }
            step => self.act(step),
        }
        self.ledger.extend(self.core.take_effects());
    }

    /// Reads everything that shows a member.
    pub(super) fn look(&mut self, key: &Key) {
        let (card_id, code) = key;
        let card = self.ask(|core, context| core.get_member(context, card_id, code));
        self.ask(|core, context| core.get_template(context, card_id));
        let list = ListCards::new(0, 20);
        let page = self.run(|core, context| core.list_templates(context, &list));
        let answer = ListCardsResponse {
            data: page.map(|page| page.items),
            total_count: Some(0),
            offset: Some(0),
            limit: Some(20),
            ..ListCardsResponse::default()
        };
        assert_eq!(answer.strict_violations(), []);
        let kind = ListActivities::new(ActivityType::NonMemberAfterpay);
        let page = self.run(|core, context| core.list_activities(context, &kind));
        let answer = ListActivitiesResponse {
            data: page.map(|(page, ..)| page.items),
            ..ListActivitiesResponse::default()
        };
        assert_eq!(answer.strict_violations(), []);
        if let Some(openid) = card.and_then(|card| card.openid) {
            let list = ListUserCards::new(openid, 0, 20);
            let listed = self
                .run(|core, context| core.list_members(context, &list))
                .unwrap();
            let mine = |item: &&UserCardSummary| {
                item.code
                    .as_ref()
                    .is_some_and(|found| found.expose() == code)
                    && item.card_id.as_ref() == Some(card_id)
            };
            assert_eq!(listed.items.iter().filter(mine).count(), 1);
        }
    }

    pub(super) fn stored(&self, key: &Key) -> (i64, i64) {
        self.core
            .members
            .get(key)
            .map_or((0, 0), |member| amounts(&member.card))
    }
}

pub(super) fn choose<'a, T: Clone + 'a>(
    mut known: impl ExactSizeIterator<Item = &'a T>,
    index: u8,
) -> Option<T> {
    let count = known.len();
    if index == NOTHING || count == 0 {
        None
    } else {
        known.nth(usize::from(index) % count).cloned()
    }
}

pub(super) fn amounts(card: &UserCard) -> (i64, i64) {
    (card.balance.unwrap_or(0), card.bonus_value.unwrap_or(0))
}

pub(super) fn code_of(index: u8) -> String {
    format!("C-{index}")
}

pub(super) fn user_of(index: u8) -> User {
    User {
        phone_number: Some(phone_text(index)),
        ..User::of(&format!("oUser{index}"))
    }
}

pub(super) fn phone_of(index: u8) -> Sensitive {
    Sensitive::plain(phone_text(index))
}

fn phone_text(index: u8) -> String {
    format!("1380000000{index}")
}
