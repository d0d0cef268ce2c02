//! Members: points, balance, slot values and the state of their cards.

use jiff::Timestamp;
use kabao_models::official_account::card::{DateInfo, MemberCard};
use kabao_models::official_account::member::{GetUserInfoResponse, UpdateUser};
use kabao_models::official_account::{DateInfoType, UserCardStatus};
use serde::Serialize;

use super::{Core, Refused};
use crate::clock::plus_days;
use crate::ledger::{Effect, differences};
use crate::random;
use crate::settings;

/// A member and what `userinfo/get` does not show.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) info: GetUserInfoResponse,
    pub(crate) values: Values,
    /// The end of validity; none for permanent cards.
    pub(crate) expires: Option<Timestamp>,
}

/// Values that no query returns.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Values {
    pub(crate) background_pic_url: Option<String>,
    pub(crate) custom_field_value1: Option<String>,
    pub(crate) custom_field_value2: Option<String>,
    pub(crate) custom_field_value3: Option<String>,
}

/// What a user does to get a card.
pub(crate) struct Claim {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) code: Option<String>,
    /// False to leave the card unactivated.
    pub(crate) activated: bool,
}

/// What `updateuser` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) bonus: i64,
    pub(crate) balance: i64,
}

impl Member {
    fn status(&self, now: Timestamp) -> UserCardStatus {
        let stored = self.info.user_card_status.clone().unwrap_or(UserCardStatus::Normal);
        let over = self.expires.is_some_and(|end| now >= end);
        if over && stored == UserCardStatus::Normal { UserCardStatus::Expire } else { stored }
    }

    /// Returns the member as the service shows it at a moment.
    pub(crate) fn shown(&self, now: Timestamp) -> GetUserInfoResponse {
        GetUserInfoResponse { user_card_status: Some(self.status(now)), ..self.info.clone() }
    }
}

impl Core {
    /// Returns a member; also one whose user deleted the card.
    pub(super) fn get_member(
        &self,
        appid: &str,
        card_id: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<GetUserInfoResponse, Refused> {
        self.template(appid, card_id)?;
        self.member(card_id, code).map(|member| member.shown(now))
    }

    fn member(&self, card_id: &str, code: &str) -> Result<&Member, Refused> {
        self.members.get(&(card_id.to_owned(), code.to_owned())).ok_or(Refused::CodeInvalid)
    }

    /// Changes points, balance and slot values. An absolute value wins over a difference, which
    /// then only feeds the message.
    pub(super) fn update_member(
        &mut self,
        appid: &str,
        change: &UpdateUser,
        now: Timestamp,
        rules: &settings::OfficialAccount,
    ) -> Result<(Totals, GetUserInfoResponse), Refused> {
        let card_id = change.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
        let code = change.code.as_ref().ok_or(Refused::FieldMissing)?.expose();
        let template = self.template(appid, card_id)?;
        let stored_value = template.member_card().and_then(|card| card.supply_balance) == Some(true);
        let member = self.member(card_id, code)?;
        match member.status(now) {
            UserCardStatus::Normal | UserCardStatus::Expire | UserCardStatus::GiftTimeout => {}
            _ => return Err(Refused::MemberStatus),
        }
        let changes_balance = change.balance.is_some() || change.add_balance.is_some();
        if changes_balance && !(stored_value && rules.stored_value_permission) {
            return Err(Refused::NoStoredValue);
        }
        let total = |stored: Option<i64>, absolute: Option<i64>, add: Option<i64>| {
            let stored = stored.unwrap_or(0);
            absolute.map_or_else(|| stored.checked_add(add.unwrap_or(0)), Some).ok_or(Refused::BodyInvalid)
        };
        let bonus = total(member.info.bonus, change.bonus, change.add_bonus)?;
        let balance = total(member.info.balance, change.balance, change.add_balance)?;
        if rules.refuse_negative_totals && (bonus < 0 || balance < 0) {
            return Err(Refused::BodyInvalid);
        }
        let mut after = member.clone();
        after.info.bonus = Some(bonus);
        if changes_balance {
            after.info.balance = Some(balance);
        }
        for (stored, new) in [
            (&mut after.values.background_pic_url, &change.background_pic_url),
            (&mut after.values.custom_field_value1, &change.custom_field_value1),
            (&mut after.values.custom_field_value2, &change.custom_field_value2),
            (&mut after.values.custom_field_value3, &change.custom_field_value3),
        ] {
            if new.is_some() {
                stored.clone_from(new);
            }
        }
        let shown = after.shown(now);
        self.replace_member(card_id, code, after);
        Ok((Totals { bonus, balance }, shown))
    }

    /// Gives a user a card, or gives back one that the user deleted.
    pub(crate) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<(String, GetUserInfoResponse), Refused> {
        let template = self.templates.get(&claim.card_id).ok_or(Refused::CardIdInvalid)?;
        let held: Vec<_> = self
            .members
            .iter()
            .filter(|((card_id, _), member)| {
                *card_id == claim.card_id
                    && member.info.openid.as_ref().is_some_and(|openid| openid.expose() == claim.openid)
            })
            .map(|((_, code), member)| (code.clone(), member.clone()))
            .collect();
        if let Some((code, deleted)) =
            held.iter().find(|(_, member)| member.info.user_card_status == Some(UserCardStatus::Delete))
        {
            let mut after = deleted.clone();
            after.info.user_card_status = Some(UserCardStatus::Normal);
            let shown = after.shown(now);
            self.replace_member(&claim.card_id, code, after);
            return Ok((code.clone(), shown));
        }
        template.check_distributable()?;
        let base = template.base().cloned().unwrap_or_default();
        if i64::try_from(held.len()).unwrap_or(i64::MAX) >= base.get_limit.unwrap_or(50) {
            return Err(Refused::GetLimit);
        }
        let code = match &claim.code {
            Some(code) => code.clone(),
            None if base.use_custom_code == Some(true) => return Err(Refused::FieldMissing),
            None => self.fresh_code(&claim.card_id),
        };
        if self.member(&claim.card_id, &code).is_ok() {
            return Err(Refused::CodeInvalid);
        }
        let info = GetUserInfoResponse {
            openid: Some(claim.openid.as_str().into()),
            membership_number: Some(code.as_str().into()),
            bonus: Some(initial_bonus(template.member_card())),
            balance: (template.member_card().and_then(|card| card.supply_balance) == Some(true)).then_some(0),
            user_card_status: Some(UserCardStatus::Normal),
            has_active: Some(claim.activated),
            ..GetUserInfoResponse::default()
        };
        let expires = end(base.date_info.as_ref(), now);
        let member = Member { info, values: Values::default(), expires };
        let shown = member.shown(now);
        self.replace_member(&claim.card_id, &code, member);
        if let Some(template) = self.templates.get_mut(&claim.card_id) {
            template.take_one();
        }
        Ok((code, shown))
    }

    /// Puts a member in place as it is.
    pub(crate) fn put_member(&mut self, card_id: &str, code: &str, info: GetUserInfoResponse, received: Timestamp) {
        let base = self.templates.get(card_id).and_then(|template| template.base());
        let expires = end(base.and_then(|base| base.date_info.as_ref()), received);
        let member = Member { info, values: Values::default(), expires };
        self.members.insert((card_id.to_owned(), code.to_owned()), member);
    }

    /// The card becomes active, whoever activates it.
    pub(crate) fn activate(&mut self, card_id: &str, code: &str, now: Timestamp) -> Result<GetUserInfoResponse, Refused> {
        let member = self.member(card_id, code)?;
        if member.status(now) != UserCardStatus::Normal || member.info.has_active == Some(true) {
            return Err(Refused::MemberStatus);
        }
        let mut after = member.clone();
        after.info.has_active = Some(true);
        let shown = after.shown(now);
        self.replace_member(card_id, code, after);
        Ok(shown)
    }

    /// The user deletes the card.
    pub(crate) fn delete_member(
        &mut self,
        card_id: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<GetUserInfoResponse, Refused> {
        let member = self.member(card_id, code)?;
        if member.status(now) == UserCardStatus::Delete {
            return Err(Refused::MemberStatus);
        }
        let mut after = member.clone();
        after.info.user_card_status = Some(UserCardStatus::Delete);
        let shown = after.shown(now);
        self.replace_member(card_id, code, after);
        Ok(shown)
    }

    fn replace_member(&mut self, card_id: &str, code: &str, after: Member) {
        let key = (card_id.to_owned(), code.to_owned());
        let json = |member: &Member| (member.info.clone(), member.values.clone());
        let (info, values) = self.members.get(&key).map(json).unwrap_or_default();
        let mut changes = differences(&info, &after.info);
        changes.extend(differences(&values, &after.values));
        self.effects.push(Effect {
            template: Some(key.0.clone()),
            member: Some(key.1.clone()),
            changes,
            ..Effect::default()
        });
        self.members.insert(key, after);
    }

    fn fresh_code(&self, card_id: &str) -> String {
        loop {
            let code = random::digits(12);
            if self.member(card_id, &code).is_err() {
                return code;
            }
        }
    }
}

fn initial_bonus(card: Option<&MemberCard>) -> i64 {
    card.and_then(|card| card.bonus_rule.as_ref()).and_then(|rule| rule.init_increase_bonus).unwrap_or(0)
}

/// Returns the end of validity of a card that is claimed at `received`.
fn end(information: Option<&DateInfo>, received: Timestamp) -> Option<Timestamp> {
    let information = information?;
    match &information.r#type {
        Some(DateInfoType::DateTypeFixTimeRange) => {
            information.end_timestamp.and_then(|end| Timestamp::from_second(end).ok())
        }
        Some(DateInfoType::DateTypeFixTerm) => {
            let days = information.fixed_begin_term.unwrap_or(0).saturating_add(information.fixed_term?);
            Some(plus_days(received, days))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::core::tests::{APPID, CARD, CODE, core, now};
    use super::*;

    fn rules() -> settings::OfficialAccount {
        settings::OfficialAccount::default()
    }

    fn change() -> UpdateUser {
        UpdateUser::new(CODE, CARD)
    }

    fn totals(core: &mut Core, change: UpdateUser) -> Result<Totals, Refused> {
        core.update_member(APPID, &change, now(), &rules()).map(|(totals, _)| totals)
    }

    #[test]
    fn an_absolute_value_wins_over_a_difference() {
        let mut core = core();
        let both = UpdateUser { bonus: Some(3_000), add_bonus: Some(30), ..change() };
        assert_eq!(totals(&mut core, both.clone()).unwrap().bonus, 3_000);
        assert_eq!(totals(&mut core, both).unwrap().bonus, 3_000);
        let add = UpdateUser { add_bonus: Some(-100), ..change() };
        assert_eq!(totals(&mut core, add.clone()).unwrap().bonus, 2_900);
        assert_eq!(totals(&mut core, add).unwrap().bonus, 2_800);
        assert_eq!(core.effects.len(), 4);
    }

    #[test]
    fn an_unknown_code_and_a_deleted_card_are_told_apart() {
        let mut core = core();
        let unknown = UpdateUser { bonus: Some(1), ..UpdateUser::new("000000000000", CARD) };
        assert_eq!(totals(&mut core, unknown), Err(Refused::CodeInvalid));
        core.delete_member(CARD, CODE, now()).unwrap();
        let shown = core.get_member(APPID, CARD, CODE, now()).unwrap();
        assert_eq!(shown.user_card_status, Some(UserCardStatus::Delete));
        assert_eq!(totals(&mut core, UpdateUser { bonus: Some(1), ..change() }), Err(Refused::MemberStatus));
    }

    #[test]
    fn an_overflow_is_refused_and_negative_totals_by_setting() {
        let mut core = core();
        let overflow = UpdateUser { add_bonus: Some(i64::MAX), ..change() };
        totals(&mut core, UpdateUser { bonus: Some(1), ..change() }).unwrap();
        assert_eq!(totals(&mut core, overflow), Err(Refused::BodyInvalid));
        let negative = UpdateUser { bonus: Some(-5), ..change() };
        let strict = settings::OfficialAccount { refuse_negative_totals: true, ..rules() };
        assert!(core.update_member(APPID, &negative, now(), &strict).is_err());
        assert_eq!(totals(&mut core, negative).unwrap().bonus, -5);
    }

    #[test]
    fn a_claim_respects_the_limit_and_brings_a_deleted_card_back() {
        let mut core = core();
        let claim = Claim { card_id: CARD.into(), openid: "oNew".into(), code: None, activated: false };
        let (code, info) = core.claim(&claim, now()).unwrap();
        assert_eq!((code.len(), info.has_active), (12, Some(false)));
        assert_eq!(core.claim(&claim, now()).unwrap_err(), Refused::GetLimit);
        core.activate(CARD, &code, now()).unwrap();
        core.delete_member(CARD, &code, now()).unwrap();
        let (same, info) = core.claim(&claim, now()).unwrap();
        assert_eq!((same, info.has_active), (code, Some(true)));
    }
}
