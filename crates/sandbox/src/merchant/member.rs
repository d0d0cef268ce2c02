//! User cards: who holds a card, and what may change on it.

use jiff::Timestamp;
use kabao_models::merchant::user_cards::{BalanceChange, UpdateUserCard, UserCard};
use kabao_models::merchant::{CodeMode, UserCardStatus};
use kabao_models::Personal;
use serde_json::json;

use super::{Core, Refused, validity};
use crate::dynamic_code;
use crate::ledger::{Effect, differences};
use crate::numbers::{NumberKey, Repeat};
use crate::random;
use crate::settings;

/// A user card and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) card: UserCard,
    /// The end of its validity; none for permanent ones.
    pub(crate) expires: Option<Timestamp>,
}

/// What a user does to get a card.
pub(crate) struct Claim {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) code: Option<String>,
    /// False for `JUMP_ACTIVATE`: the card waits for the merchant.
    pub(crate) activated: bool,
}

impl Member {
    fn status(&self, now: Timestamp) -> UserCardStatus {
        let stored = self.card.user_card_status.clone().unwrap_or(UserCardStatus::Effective);
        let over = self.expires.is_some_and(|end| now >= end);
        if over && stored == UserCardStatus::Effective { UserCardStatus::Expire } else { stored }
    }

    /// Returns the card as the service shows it at a moment.
    pub(crate) fn shown(&self, now: Timestamp) -> UserCard {
        UserCard { user_card_status: Some(self.status(now)), ..self.card.clone() }
    }

    fn code(&self) -> &str {
        self.card.code.as_ref().map_or("", Personal::expose)
    }
}

impl Core {
    /// Returns a user card by its code or, where the template has them, its present dynamic code.
    pub(super) fn get_member(
        &self,
        merchant: &str,
        card_id: &str,
        code: &str,
        now: Timestamp,
        rules: &settings::Merchant,
    ) -> Result<UserCard, Refused> {
        let template = self.template(merchant, card_id)?;
        let key = (card_id.to_owned(), code.to_owned());
        if let Some(member) = self.members.get(&key) {
            return Ok(member.shown(now));
        }
        if template.card.need_dynamic_code == Some(true) {
            let shows = |member: &&Member| {
                dynamic_code::of(card_id, member.code(), now, rules.dynamic_code_seconds) == code
            };
            let found = self.members.values().filter(|member| member.card.card_id.as_deref() == Some(card_id));
            if let Some(member) = found.into_iter().find(shows) {
                return Ok(member.shown(now));
            }
        }
        Err(Refused::CodeNotExist)
    }

    /// Changes picture, number, level and balance of a user card.
    pub(super) fn update_member(
        &mut self,
        merchant: &str,
        change: &UpdateUserCard,
        now: Timestamp,
        rules: &settings::Merchant,
    ) -> Result<(), Refused> {
        let template = self.template(merchant, &change.card_id)?;
        let has_balance = template.card.balance_information.as_ref().and_then(|section| section.need_balance);
        let key = (change.card_id.clone(), change.code.expose().to_owned());
        let member = self.members.get(&key).ok_or(Refused::CodeNotExist)?;
        let number = NumberKey {
            account: merchant.to_owned(),
            operation: "merchant.user_cards.update",
            number: change.out_request_no.clone().unwrap_or_default(),
        };
        // Path parameters are no part of the JSON, so they are compared beside it.
        let content = json!({ "card_id": key.0, "code": key.1, "body": change });
        match self.numbers.check(rules.repeated_out_request_no, &number, &content) {
            Repeat::New => {}
            Repeat::Same(_) => return Ok(()),
            Repeat::Refused => return Err(Refused::NumberUsed),
        }
        if !rules.modify_unusable_cards {
            check_usable(&member.status(now))?;
        }
        if let Some(balance) = &change.balance_information {
            if rules.balance_needs_section && has_balance != Some(true) {
                return Err(Refused::NoBalanceSection);
            }
            check_balance(&member.card, balance, rules)?;
        }
        let before = member.card.clone();
        let after = changed(&before, change);
        self.effects.push(Effect {
            template: Some(key.0.clone()),
            member: Some(key.1.clone()),
            out_request_no: change.out_request_no.clone(),
            changes: differences(&before, &after),
        });
        self.numbers.remember(number, &content, &());
        if let Some(member) = self.members.get_mut(&key) {
            member.card = after;
        }
        Ok(())
    }

    /// Gives a user a card, or gives back one that the user deleted.
    pub(crate) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<UserCard, Refused> {
        let template = self.templates.get(&claim.card_id).ok_or(Refused::CardIdInvalid)?;
        let held = self.members.iter().find(|((card_id, _), member)| {
            *card_id == claim.card_id
                && member.card.openid.as_ref().is_some_and(|openid| openid.expose() == claim.openid)
        });
        if let Some((key, member)) = held {
            if member.card.user_card_status != Some(UserCardStatus::Delete) {
                return Err(Refused::AlreadyReceived);
            }
            let key = key.clone();
            return self.set_status(&key, UserCardStatus::Effective, now);
        }
        template.check_distributable()?;
        let code = match (&claim.code, &template.card.code_mode) {
            (Some(code), _) => code.clone(),
            (None, Some(CodeMode::SystemAllocate)) => self.fresh_code(&claim.card_id),
            (None, _) => return Err(Refused::CodeMissing),
        };
        let key = (claim.card_id.clone(), code.clone());
        if self.members.contains_key(&key) {
            return Err(Refused::CodeTaken);
        }
        let status = if claim.activated { UserCardStatus::Effective } else { UserCardStatus::NotActivate };
        let card = UserCard {
            card_id: Some(claim.card_id.clone()),
            code: Some(code.as_str().into()),
            openid: Some(claim.openid.as_str().into()),
            membership_number: Some(code.as_str().into()),
            level: template.card.init_level.clone(),
            balance: Some(0),
            bonus_value: template.card.bonus.as_ref().and_then(|bonus| bonus.init_bonus).or(Some(0)),
            user_card_status: Some(status),
            ..UserCard::default()
        };
        let expires = validity::end(template.card.date_information.as_ref(), now);
        self.effects.push(Effect {
            template: Some(key.0.clone()),
            member: Some(key.1.clone()),
            changes: differences(&UserCard::default(), &card),
            ..Effect::default()
        });
        self.members.insert(key, Member { card: card.clone(), expires });
        if let Some(template) = self.templates.get_mut(&claim.card_id) {
            template.card.remain_quantity = template.card.remain_quantity.map(|left| (left - 1).max(0));
        }
        Ok(card)
    }

    /// Puts a user card in place as it is.
    pub(crate) fn put_member(&mut self, card: UserCard, received: Timestamp) {
        let (Some(card_id), Some(code)) = (card.card_id.clone(), card.code.clone()) else { return };
        let template = self.templates.get(&card_id);
        let expires = validity::end(template.and_then(|template| template.card.date_information.as_ref()), received);
        self.members.insert((card_id, code.into_exposed()), Member { card, expires });
    }

    /// The user opens the page of the merchant and the merchant activates the card.
    pub(crate) fn activate(&mut self, card_id: &str, code: &str, now: Timestamp) -> Result<UserCard, Refused> {
        let key = (card_id.to_owned(), code.to_owned());
        let member = self.members.get(&key).ok_or(Refused::CodeNotExist)?;
        if member.status(now) != UserCardStatus::NotActivate {
            return Err(Refused::NotWaiting);
        }
        self.set_status(&key, UserCardStatus::Effective, now)
    }

    /// The user deletes the card.
    pub(crate) fn delete_member(&mut self, card_id: &str, code: &str, now: Timestamp) -> Result<UserCard, Refused> {
        let key = (card_id.to_owned(), code.to_owned());
        let member = self.members.get(&key).ok_or(Refused::CodeNotExist)?;
        if member.status(now) == UserCardStatus::Delete {
            return Err(Refused::UserCardDeleted);
        }
        self.set_status(&key, UserCardStatus::Delete, now)
    }

    fn set_status(
        &mut self,
        key: &(String, String),
        status: UserCardStatus,
        now: Timestamp,
    ) -> Result<UserCard, Refused> {
        let member = self.members.get_mut(key).ok_or(Refused::CodeNotExist)?;
        let before = member.card.clone();
        member.card.user_card_status = Some(status);
        let shown = member.shown(now);
        self.effects.push(Effect {
            template: Some(key.0.clone()),
            member: Some(key.1.clone()),
            changes: differences(&before, &member.card),
            ..Effect::default()
        });
        Ok(shown)
    }

    fn fresh_code(&self, card_id: &str) -> String {
        loop {
            let code = random::digits(12);
            if !self.members.contains_key(&(card_id.to_owned(), code.clone())) {
                return code;
            }
        }
    }
}

fn check_usable(status: &UserCardStatus) -> Result<(), Refused> {
    match status {
        UserCardStatus::Delete => Err(Refused::UserCardDeleted),
        UserCardStatus::Unavailable => Err(Refused::UserCardUnavailable),
        UserCardStatus::Expire => Err(Refused::UserCardExpired),
        _ => Ok(()),
    }
}

/// Checks the arithmetic that the settings ask for. By default nothing: the official sample
/// (888, +100, 888) breaks the obvious equation.
fn check_balance(card: &UserCard, change: &BalanceChange, rules: &settings::Merchant) -> Result<(), Refused> {
    let (before, after) = (change.before_balance.unwrap_or(0), change.balance.unwrap_or(0));
    let wrong = |field, issue, value: i64| Err(Refused::Value { field, issue, value: value.into() });
    if rules.check_before && before != card.balance.unwrap_or(0) {
        return wrong("balance_information/before_balance", "is not the stored balance", before);
    }
    if rules.check_equation && before.checked_add(change.add_balance.unwrap_or(0)) != Some(after) {
        return wrong("balance_information/balance", "is not before_balance + add_balance", after);
    }
    if rules.refuse_negative && after < 0 {
        return wrong("balance_information/balance", "must not be negative", after);
    }
    Ok(())
}

fn changed(before: &UserCard, change: &UpdateUserCard) -> UserCard {
    let mut after = before.clone();
    if change.membership_number.is_some() {
        after.membership_number.clone_from(&change.membership_number);
    }
    if change.background_picture_url.is_some() {
        after.background_picture_url.clone_from(&change.background_picture_url);
    }
    if change.level.is_some() {
        after.level.clone_from(&change.level);
    }
    if let Some(balance) = change.balance_information.as_ref().and_then(|change| change.balance) {
        after.balance = Some(balance);
    }
    after
}

#[cfg(test)]
mod tests {
    use super::super::core::tests::{CARD, CODE, MERCHANT, core, now};
    use super::*;
    use crate::clock::plus_days;
    use crate::settings::RepeatedNumber;

    fn rules() -> settings::Merchant {
        settings::Merchant::default()
    }

    fn official_example() -> UpdateUserCard {
        UpdateUserCard {
            level: Some("黄金会员".into()),
            membership_number: Some("478515832665".into()),
            balance_information: Some(BalanceChange {
                before_balance: Some(888),
                balance: Some(888),
                add_balance: Some(100),
                ..BalanceChange::default()
            }),
            ..UpdateUserCard::new(CARD, CODE, "1004202601010001")
        }
    }

    fn balance(core: &Core) -> Option<i64> {
        core.get_member(MERCHANT, CARD, CODE, now(), &rules()).unwrap().balance
    }

    #[test]
    fn the_official_balance_sample_is_stored_once_whatever_its_sum() {
        let mut core = core();
        for _ in 0..3 {
            core.update_member(MERCHANT, &official_example(), now(), &rules()).unwrap();
        }
        assert_eq!(balance(&core), Some(888));
        assert_eq!(core.effects.len(), 1);
        assert_eq!(core.effects[0].out_request_no.as_deref(), Some("1004202601010001"));
    }

    #[test]
    fn the_settings_decide_about_repeated_numbers() {
        let other = UpdateUserCard { level: Some("白银会员".into()), ..official_example() };
        for (rule, same, different) in [
            (RepeatedNumber::Replay, Ok(()), Err(Refused::NumberUsed)),
            (RepeatedNumber::Refuse, Err(Refused::NumberUsed), Err(Refused::NumberUsed)),
            (RepeatedNumber::Apply, Ok(()), Ok(())),
        ] {
            let mut core = core();
            let rules = settings::Merchant { repeated_out_request_no: rule, ..rules() };
            core.update_member(MERCHANT, &official_example(), now(), &rules).unwrap();
            assert_eq!(core.update_member(MERCHANT, &official_example(), now(), &rules), same, "{rule:?}");
            assert_eq!(core.update_member(MERCHANT, &other, now(), &rules), different, "{rule:?}");
        }
    }

    #[test]
    fn balance_checks_can_be_switched_on() {
        for (rules, field) in [
            (settings::Merchant { check_equation: true, ..rules() }, "balance_information/balance"),
            (settings::Merchant { check_before: true, ..rules() }, "balance_information/before_balance"),
        ] {
            let error = core().update_member(MERCHANT, &official_example(), now(), &rules).unwrap_err();
            assert!(matches!(error, Refused::Value { field: found, .. } if found == field), "{error:?}");
        }
    }

    #[test]
    fn a_dynamic_code_finds_its_member_while_it_is_shown() {
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().card.need_dynamic_code = Some(true);
        let code = dynamic_code::of(CARD, CODE, now(), 60);
        let found = core.get_member(MERCHANT, CARD, &code, now(), &rules()).unwrap();
        assert_eq!(found.code.unwrap().expose(), CODE);
        let later = plus_days(now(), 1);
        assert_eq!(core.get_member(MERCHANT, CARD, &code, later, &rules()).unwrap_err(), Refused::CodeNotExist);
    }

    #[test]
    fn a_user_gets_one_card_and_can_take_a_deleted_one_back() {
        let mut core = core();
        let claim = Claim { card_id: CARD.into(), openid: "oNew".into(), code: None, activated: true };
        let card = core.claim(&claim, now()).unwrap();
        let code = card.code.unwrap().into_exposed();
        assert_eq!((code.len(), card.level.as_deref()), (12, Some("白银会员")));
        assert_eq!(core.claim(&claim, now()).unwrap_err(), Refused::AlreadyReceived);
        core.delete_member(CARD, &code, now()).unwrap();
        let change = UpdateUserCard { level: Some("黄金".into()), ..UpdateUserCard::new(CARD, code.as_str(), "n1") };
        assert_eq!(core.update_member(MERCHANT, &change, now(), &rules()), Err(Refused::UserCardDeleted));
        core.claim(&claim, now()).unwrap();
        core.update_member(MERCHANT, &change, now(), &rules()).unwrap();
    }

    #[test]
    fn a_card_with_a_term_expires_by_time_alone() {
        let mut core = core();
        let late = plus_days(now(), 20 * 366);
        let shown = core.get_member(MERCHANT, CARD, CODE, late, &rules()).unwrap();
        assert_eq!(shown.user_card_status, Some(UserCardStatus::Expire));
        let refused = core.update_member(MERCHANT, &official_example(), late, &rules());
        assert_eq!(refused, Err(Refused::UserCardExpired));
    }

    #[test]
    fn a_card_that_waits_is_activated_once() {
        let mut core = core();
        let claim = Claim { card_id: CARD.into(), openid: "oNew".into(), code: Some("c-1".into()), activated: false };
        core.claim(&claim, now()).unwrap();
        core.activate(CARD, "c-1", now()).unwrap();
        assert_eq!(core.activate(CARD, "c-1", now()).unwrap_err(), Refused::NotWaiting);
    }
}
