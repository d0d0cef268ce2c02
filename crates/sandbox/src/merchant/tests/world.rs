//! A core with what a test knows about it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kabao_models::merchant::activities::{CreateActivity, ListActivities};
use kabao_models::merchant::bonus::{CommitBonus, PrepareBonus};
use kabao_models::merchant::card_qrcodes::CreateCardQrcode;
use kabao_models::merchant::card_rights::UpdateCardRights;
use kabao_models::merchant::cards::{CreateCard, ListCards, UpdateCard};
use kabao_models::merchant::codes::DepositCodes;
use kabao_models::merchant::phone_members::{ImportPhoneMember, MemberInformation, SearchPhoneMember};
use kabao_models::merchant::service_modules::{AddServiceModule, RemoveServiceModule};
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_card_services::SetUserCardService;
use kabao_models::merchant::user_cards::{
    ActivateUserCard, BalanceChange, ConfirmUserCard, ImportUserCardByOpenid, ImportUserCardByPhone,
    ListUserCards, SetUserCardUnavailable, UpdateUserCard, UserCard, UserCardSummary,
};
use kabao_models::merchant::{
    ActivateType, ActivityStatus, ActivityType, Bonus, CardTemplateStatus, CodeMode, StateSetting,
    UserCardConfirmState, UserCardStatus,
};
use kabao_models::{Answer, Sensitive};

use super::step::{NOTHING, Step};
use crate::clock::{plus_days, rfc3339_millis};
use crate::ledger::Effect;
use crate::merchant::activity_rules::tests as activity_rules;
use crate::merchant::core::tests::{CARD, MERCHANT, core, now};
use crate::merchant::template_rules::tests::creation;
use crate::merchant::{Claim, Context, Core, Refused, User};
use crate::serve::Core as _;
use crate::settings;

type Key = (String, String);

pub(super) struct World {
    core: Core,
    rules: settings::Merchant,
    strict: bool,
    now: Timestamp,
    ledger: Vec<Effect>,
    /// What accepted additions make of balance and points, for the strict settings.
    sums: BTreeMap<Key, (i64, i64)>,
    /// Who got which card; a card never changes hands.
    people: BTreeMap<Key, u8>,
    ended_cards: BTreeSet<Key>,
    ended_templates: BTreeSet<String>,
    ended_activities: BTreeMap<String, ActivityStatus>,
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
        let sums = core.members.iter().map(|(key, member)| (key.clone(), amounts(&member.card))).collect();
        Self {
            core,
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

    fn run<T>(&mut self, command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>) -> Option<T> {
        let context = Context { merchant: MERCHANT, now: self.now, rules: &self.rules };
        command(&mut self.core, &context).ok()
    }

    /// The same for an answer, which must conform to the catalogue.
    fn ask<A: Answer>(
        &mut self,
        command: impl FnOnce(&mut Core, &Context<'_>) -> Result<A, Refused>,
    ) -> Option<A> {
        let answer = self.run(command)?;
        assert_eq!(answer.strict_violations(), [], "{answer:?}");
        Some(answer)
    }

    fn template(&self, index: u8) -> String {
        choose(self.core.templates.keys(), index).unwrap_or_else(|| "pUnknown".to_owned())
    }

    fn member(&self, index: u8) -> Key {
        let unknown = || (CARD.to_owned(), "unknown".to_owned());
        choose(self.core.members.keys(), index).unwrap_or_else(unknown)
    }

    fn got(&mut self, key: Key, user: u8) {
        let holder = *self.people.entry(key).or_insert(user);
        assert_eq!(holder, user, "a code was given to two users");
    }

    fn got_card(&mut self, card: &UserCard, user: u8) {
        assert_eq!(card.strict_violations(), []);
        let code = card.code.as_ref().unwrap().expose().to_owned();
        self.got((card.card_id.clone().unwrap(), code), user);
    }

    pub(super) fn take(&mut self, step: &Step) {
        match step.clone() {
            Step::CreateTemplate { number, mode } => {
                let create = CreateCard { code_mode: Some(mode), ..creation(&format!("t-{number}")) };
                self.ask(|core, context| core.create_template(context, &create));
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
                let change =
                    UpdateCard { total_quantity: Some(total), ..UpdateCard::new(self.template(template)) };
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
                let request = DepositCodes { code: Some(codes), ..DepositCodes::new(self.template(template)) };
                self.ask(|core, context| core.deposit_codes(context, &request));
            }
            Step::Wait { days } => self.now = plus_days(self.now, days),
            Step::Look { member } => self.look(&self.member(member)),
            step @ (Step::Claim { .. }
            | Step::OpenLink { .. }
            | Step::ImportByOpenid { .. }
            | Step::ImportByPhone { .. }
            | Step::ImportPhoneMember { .. }) => self.give(step),
            step @ (Step::Balance { .. } | Step::Points { .. } | Step::Prepare { .. } | Step::Commit { .. }) => {
                self.count(step);
            }
            step => self.act(step),
        }
        self.ledger.extend(self.core.take_effects());
    }

    /// Steps that give cards to users.
    fn give(&mut self, step: Step) {
        match step {
            Step::Claim { template, user, jump, code } => {
                let claim = Claim {
                    card_id: self.template(template),
                    user: user_of(user),
                    code: code.map(code_of),
                    activated: !jump,
                    ..Claim::default()
                };
                let card = self.run(|core, context| {
                    if jump {
                        let (card, pass) = core.start_activation(context, &claim)?;
                        if let Some(pass) = pass {
                            let code = core.decrypt_code(context, &claim.card_id, &pass.encrypt_code)?;
                            assert_eq!(card.code, Some(code));
                            core.activate_information(context, &pass.activate_ticket)?;
                        }
                        Ok(card)
                    } else {
                        core.claim(context, &claim)
                    }
                });
                if let Some(card) = card {
                    self.got_card(&card, user);
                }
            }
            Step::OpenLink { template, user, jump } => {
                let kind = if jump { ActivateType::JumpActivate } else { ActivateType::AutoActivate };
                let request = CreateCardQrcode {
                    activate_url: Some("https://example.com/join".into()),
                    ..CreateCardQrcode::new(self.template(template), kind)
                };
                let link = self.ask(|core, context| core.create_qrcode(context, &request));
                let Some(url) = link.and_then(|link| link.url) else { return };
                let claim = Claim { user: user_of(user), ..Claim::default() };
                let opened = self.run(|core, context| core.open_link(context, &url, &claim));
                if let Some(opened) = opened {
                    self.got_card(&opened.card, user);
                }
            }
            Step::ImportByOpenid { template, user, number, code } => {
                let card_id = self.template(template);
                let number = format!("i-{number}");
                let request = ImportUserCardByOpenid {
                    code: code.map(|code| code_of(code).into()),
                    ..ImportUserCardByOpenid::new(card_id.as_str(), user_of(user).openid, number)
                };
                let answer = self.ask(|core, context| core.import_by_openid(context, &request));
                if let Some(code) = answer.and_then(|answer| answer.code) {
                    self.got((card_id, code.into_exposed()), user);
                }
            }
            Step::ImportByPhone { template, user, number } => {
                let card_id = self.template(template);
                let number = format!("p-{number}");
                let request = ImportUserCardByPhone::new(card_id.as_str(), phone_of(user), number);
                let answer = self.ask(|core, context| core.import_by_phone(context, &request));
                if let Some(code) = answer.and_then(|answer| answer.code) {
                    self.got((card_id, code.into_exposed()), user);
                }
            }
            Step::ImportPhoneMember { template, user } => {
                let card_id = self.template(template);
                let member = MemberInformation {
                    card_id: Some(card_id.clone()),
                    registration_time: Some("2025-11-02T09:15:00.000+08:00".into()),
                    ..MemberInformation::default()
                };
                let request = ImportPhoneMember::new(member, phone_of(user));
                self.run(|core, context| core.import_phone_member(context, &request));
                let search = SearchPhoneMember::new(card_id, phone_of(user));
                self.ask(|core, context| core.search_phone_member(context, &search));
            }
            _ => {}
        }
    }

    /// Steps that count.
    fn count(&mut self, step: Step) {
        match step {
            Step::Balance { member, number, add, error } => {
                let key = self.member(member);
                let before = self.stored(&key).0.saturating_add(error);
                let request = UpdateUserCard {
                    balance_information: Some(BalanceChange {
                        before_balance: Some(before),
                        balance: Some(before.saturating_add(add)),
                        add_balance: Some(add),
                        ..BalanceChange::default()
                    }),
                    ..UpdateUserCard::new(key.0.as_str(), key.1.as_str(), format!("b-{number}"))
                };
                let effects = self.core.effects.len();
                let done = self.run(|core, context| core.update_member(context, &request));
                if done.is_some() && self.core.effects.len() > effects {
                    self.sums.entry(key).or_default().0 += if self.strict { add } else { 0 };
                }
            }
            Step::Points { member, number, add, error } => {
                let key = self.member(member);
                let before = self.stored(&key).1.saturating_add(error);
                let request = UpdateUserCardRights {
                    before_bonus_value: Some(before),
                    bonus_value: Some(before.saturating_add(add)),
                    add_bonus_value: Some(add),
                    ..UpdateUserCardRights::new(key.0.as_str(), key.1.as_str(), format!("r-{number}"))
                };
                let effects = self.core.effects.len();
                let done = self.run(|core, context| core.update_member_rights(context, &request));
                if done.is_some() && self.core.effects.len() > effects {
                    self.sums.entry(key).or_default().1 += if self.strict { add } else { 0 };
                }
            }
            Step::Prepare { member, order, points } => {
                let (card_id, code) = self.member(member);
                let request = PrepareBonus {
                    mchid: Some(MERCHANT.into()),
                    ..PrepareBonus::new(card_id, code, format!("o-{order}"), points)
                };
                self.run(|core, context| core.prepare_bonus(context, &request));
            }
            Step::Commit { member, order, points } => {
                let key = self.member(member);
                let request = CommitBonus {
                    mchid: Some(MERCHANT.into()),
                    ..CommitBonus::new(key.0.as_str(), key.1.as_str(), format!("o-{order}"), points)
                };
                let effects = self.core.effects.len();
                let done = self.run(|core, context| core.commit_bonus(context, &request));
                if done.is_some() && self.core.effects.len() > effects {
                    self.sums.entry(key).or_default().1 += if self.strict { points } else { 0 };
                }
            }
            _ => {}
        }
    }

    /// Steps that change states.
    fn act(&mut self, step: Step) {
        match step {
            Step::Activate { member } => {
                let (card_id, code) = self.member(member);
                let request = ActivateUserCard::new(card_id, code);
                self.ask(|core, context| core.activate_member(context, &request));
            }
            Step::SetUnavailable { member } => {
                let (card_id, code) = self.member(member);
                let request = SetUserCardUnavailable::new(card_id, code);
                self.run(|core, context| core.set_unavailable(context, &request));
            }
            Step::Confirm { member, success } => {
                let (card_id, code) = self.member(member);
                let state = if success {
                    UserCardConfirmState::CreateCardSuccess
                } else {
                    UserCardConfirmState::CreateCardFail
                };
                let request = ConfirmUserCard::new(card_id, code, state);
                self.run(|core, context| core.confirm_member(context, &request));
            }
            Step::UserDeletes { member } => {
                let (card_id, code) = self.member(member);
                self.ask(|core, context| core.delete_member(context, &card_id, &code));
            }
            Step::UserRestores { member } => {
                let (card_id, code) = self.member(member);
                self.ask(|core, context| core.restore_member(context, &card_id, &code));
            }
            Step::AddService { template } => {
                let request = AddServiceModule::new(self.template(template), "731");
                self.ask(|core, context| core.add_service(context, &request));
            }
            Step::RemoveService { template } => {
                let request = RemoveServiceModule::new(self.template(template), "731");
                self.run(|core, context| core.remove_service(context, &request));
            }
            Step::Service { member, number, state } => {
                let (card_id, code) = self.member(member);
                let setting = StateSetting {
                    state_id: Some(if state { "CHECKED_IN" } else { "UNKNOWN" }.into()),
                    content_template_data: Some(Default::default()),
                    ..StateSetting::default()
                };
                let number = format!("service-{number}");
                let request = SetUserCardService::new(card_id, code, number, "731", setting);
                self.run(|core, context| core.set_user_service(context, &request));
            }
            Step::CreateActivity { template, number } => {
                let create = CreateActivity {
                    card_id: Some(self.template(template)),
                    begin_time: Some(rfc3339_millis(plus_days(self.now, 1))),
                    end_time: Some(rfc3339_millis(plus_days(self.now, 31))),
                    ..activity_rules::creation(&format!("a-{number}"))
                };
                self.ask(|core, context| core.create_activity(context, &create));
            }
            Step::Terminate { activity } => {
                let id = choose(self.core.activities.keys(), activity).unwrap_or_else(|| "0".to_owned());
                self.ask(|core, context| core.terminate_activity(context, &id));
            }
            _ => {}
        }
    }

    /// Reads everything that shows a member.
    fn look(&mut self, key: &Key) {
        let (card_id, code) = key;
        let card = self.ask(|core, context| core.get_member(context, card_id, code));
        self.ask(|core, context| core.get_template(context, card_id));
        let templates = self.run(|core, context| core.list_templates(context, &ListCards::new(0, 20)));
        for item in templates.unwrap().items {
            assert!(item.card_id.is_some());
        }
        let kind = ListActivities::new(ActivityType::NonMemberAfterpay);
        assert!(self.run(|core, context| core.list_activities(context, &kind)).is_some());
        if let Some(openid) = card.and_then(|card| card.openid) {
            let list = ListUserCards::new(openid, 0, 20);
            let listed = self.run(|core, context| core.list_members(context, &list)).unwrap();
            let mine = |item: &&UserCardSummary| {
                item.code.as_ref().is_some_and(|found| found.expose() == code)
                    && item.card_id.as_ref() == Some(card_id)
            };
            assert_eq!(listed.items.iter().filter(mine).count(), 1);
        }
    }

    fn stored(&self, key: &Key) -> (i64, i64) {
        self.core.members.get(key).map_or((0, 0), |member| amounts(&member.card))
    }

    /// Checks what must hold at every moment.
    pub(super) fn check(&mut self) {
        self.check_stock();
        self.check_amounts();
        self.check_final_states();
    }

    fn check_stock(&self) {
        for (card_id, template) in &self.core.templates {
            let issued = self.core.members.keys().filter(|key| key.0 == *card_id).count();
            match (template.mode(), template.card.total_quantity, template.card.remain_quantity) {
                (CodeMode::RealTime, total, remain) => assert_eq!((total, remain), (None, None)),
                (mode, Some(total), Some(remain)) => {
                    assert!(remain >= 0 && remain <= total, "{remain} of {total}");
                    let taken = usize::try_from(total - remain + template.overdrawn).unwrap();
                    assert_eq!(taken, issued, "{mode:?}");
                }
                (mode, ..) => panic!("{mode:?} without stock"),
            }
        }
        for (key, member) in &self.core.members {
            assert_eq!(member.code(), key.1);
            assert_eq!(member.card.card_id.as_ref(), Some(&key.0));
        }
    }

    /// The ledger tells how balances and points came to be, and so do the accepted additions.
    fn check_amounts(&mut self) {
        let mut told: BTreeMap<Key, (i128, i128)> = BTreeMap::new();
        told.insert((CARD.to_owned(), crate::demo::MERCHANT_CODE.to_owned()), (888, 600));
        for effect in &self.ledger {
            let (Some(card_id), Some(code)) = (&effect.template, &effect.member) else { continue };
            let sums = told.entry((card_id.clone(), code.clone())).or_default();
            for change in &effect.changes {
                let amount = |value: &Option<serde_json::Value>| {
                    i128::from(value.as_ref().and_then(serde_json::Value::as_i64).unwrap_or(0))
                };
                let difference = amount(&change.after) - amount(&change.before);
                match change.field.as_str() {
                    "balance" => sums.0 += difference,
                    "bonus_value" => sums.1 += difference,
                    _ => {}
                }
            }
        }
        for (key, member) in &self.core.members {
            let stored = amounts(&member.card);
            let (balance, points) = told.get(key).copied().unwrap_or_default();
            assert_eq!((i128::from(stored.0), i128::from(stored.1)), (balance, points));
            // A new card begins with what the template gives.
            let sums = *self.sums.entry(key.clone()).or_insert(stored);
            if self.strict {
                assert_eq!(stored, sums);
                assert!(stored.0 >= 0 && stored.1 >= 0);
            }
        }
    }

    fn check_final_states(&mut self) {
        for (key, member) in &self.core.members {
            let status = member.status(self.now);
            if self.ended_cards.contains(key) {
                assert_eq!(status, UserCardStatus::Unavailable);
            } else if status == UserCardStatus::Unavailable {
                self.ended_cards.insert(key.clone());
            }
        }
        for (card_id, template) in &self.core.templates {
            let deleted = template.card.status == Some(CardTemplateStatus::Deleted);
            assert!(deleted || !self.ended_templates.contains(card_id));
            if deleted {
                self.ended_templates.insert(card_id.clone());
            }
        }
        for (id, activity) in &self.core.activities {
            let status = activity.shown(self.now).activity_status.unwrap();
            if let Some(ended) = self.ended_activities.get(id) {
                assert_eq!(status, *ended);
            } else if matches!(status, ActivityStatus::Terminated | ActivityStatus::OverTime) {
                self.ended_activities.insert(id.clone(), status);
            }
        }
    }
}

fn choose<'a, T: Clone + 'a>(
    mut known: impl ExactSizeIterator<Item = &'a T>, index: u8) -> Option<T> {
    let count = known.len();
    if index == NOTHING || count == 0 { None } else { known.nth(usize::from(index) % count).cloned() }
}

fn amounts(card: &UserCard) -> (i64, i64) {
    (card.balance.unwrap_or(0), card.bonus_value.unwrap_or(0))
}

fn code_of(index: u8) -> String {
    format!("C-{index}")
}

fn user_of(index: u8) -> User {
    User { phone_number: Some(phone_text(index)), ..User::of(&format!("oUser{index}")) }
}

fn phone_of(index: u8) -> Sensitive {
    Sensitive::plain(phone_text(index))
}

fn phone_text(index: u8) -> String {
    format!("1380000000{index}")
}
