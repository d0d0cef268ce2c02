//! User cards: who holds a card, what is shown of it, and how it ends.

use jiff::Timestamp;
use kabao_models::Personal;
use kabao_models::merchant::user_cards::{
    ConfirmUserCard, ListUserCards, SetUserCardUnavailable, UserCard, UserCardSummary,
};
use kabao_models::merchant::{UserCardConfirmState, UserCardStatus};
use serde::Serialize;

use super::page::{self, Page};
use super::state::MemberKey;
use super::template_rules::check_appid;
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::dynamic_code;
use crate::ledger::{Change, Effect, differences, whole};
use crate::records::Recorded;

/// A user card and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) card: UserCard,
    /// When it was issued: validity counts from here.
    pub(crate) issued: Timestamp,
    /// The end of its validity; none for permanent ones.
    pub(crate) expires: Option<Timestamp>,
    /// When the user received it; none for an imported card that is not in the wallet yet.
    pub(crate) in_wallet: Option<Timestamp>,
    /// The user's number, as far as it is known.
    pub(crate) phone_number: Option<Personal>,
    /// The scene of the link or import that it came by.
    pub(crate) outer_str: Option<String>,
    /// The text of the member price, which no answer shows.
    pub(crate) member_price_word: Option<String>,
    /// What the merchant confirmed.
    pub(crate) confirmation: Option<Confirmation>,
    /// Why the merchant made it unavailable.
    pub(crate) reason: Option<Personal>,
    /// What the user carries to the merchant's page.
    pub(crate) pass: Option<Pass>,
    /// What it was before the user deleted it.
    pub(super) before_deletion: Option<UserCardStatus>,
}

/// The result of the merchant's own card opening.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Confirmation {
    pub(super) state: UserCardConfirmState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fail_reason: Option<Personal>,
}

/// What a user carries to the merchant's page.
#[derive(Clone, Serialize)]
pub(crate) struct Pass {
    /// To be decrypted into the code.
    pub(crate) encrypt_code: String,
    /// To be exchanged for what the user filled in.
    pub(crate) activate_ticket: String,
    #[serde(skip)]
    pub(super) made: Timestamp,
    pub(super) code_used: bool,
    pub(super) ticket_used: bool,
}

impl Member {
    /// Makes a member that holds nothing but its card.
    pub(super) fn new(card: UserCard, issued: Timestamp) -> Self {
        Self {
            card,
            issued,
            expires: None,
            in_wallet: None,
            phone_number: None,
            outer_str: None,
            member_price_word: None,
            confirmation: None,
            reason: None,
            pass: None,
            before_deletion: None,
        }
    }

    /// Returns the state at a moment: an active card expires by time alone.
    pub(crate) fn status(&self, now: Timestamp) -> UserCardStatus {
        let stored = self
            .card
            .user_card_status
            .clone()
            .unwrap_or(UserCardStatus::Effective);
        let over = self.expires.is_some_and(|end| now >= end);
        let can_expire = matches!(
            stored,
            UserCardStatus::Effective | UserCardStatus::NotActivate
        );
        if over && can_expire {
            UserCardStatus::Expire
        } else {
            stored
        }
    }

    /// Returns the card as the service shows it at a moment.
    pub(crate) fn shown(&self, now: Timestamp) -> UserCard {
        UserCard {
            user_card_status: Some(self.status(now)),
            ..self.card.clone()
        }
    }

    pub(crate) fn code(&self) -> &str {
        self.card.code.as_ref().map_or("", Personal::expose)
    }

    /// Checks that the card can be modified.
    pub(super) fn check_usable(&self, context: &Context<'_>) -> Result<(), Refused> {
        if context.rules.modify_unusable_cards {
            return Ok(());
        }
        match self.status(context.now) {
            UserCardStatus::Delete => Err(Rule::UserCardDeleted.into()),
            UserCardStatus::Unavailable => Err(Rule::UserCardUnavailable.into()),
            UserCardStatus::Expire => Err(Rule::UserCardExpired.into()),
            _ => Ok(()),
        }
    }
}

impl Recorded for Member {
    type Key = MemberKey;

    fn place(&self, (card_id, code): &MemberKey) -> Effect {
        Effect::on_member(card_id, code)
    }

    fn changes(_: &MemberKey, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let blank = Self::new(UserCard::default(), Timestamp::UNIX_EPOCH);
        let (old, new) = (before.unwrap_or(&blank), after.unwrap_or(&blank));
        let mut changes = differences(&old.card, &new.card);
        changes.extend(whole(
            "member_price_word",
            &old.member_price_word,
            &new.member_price_word,
        ));
        changes.extend(whole("confirmation", &old.confirmation, &new.confirmation));
        changes.extend(whole("reason", &old.reason, &new.reason));
        // That it was used is no change of what the user carries.
        let code = |member: &Self| member.pass.as_ref().map(|pass| pass.encrypt_code.clone());
        if code(old) != code(new) {
            changes.extend(whole("pass", &old.pass, &new.pass));
        }
        // The end of a new card follows from its template.
        if before.is_some() {
            let end = |member: &Self| member.expires.map(rfc3339_millis);
            changes.extend(whole("expires", &end(old), &end(new)));
        }
        changes
    }
}

impl Core {
    /// Returns a user card by its code or, where the template has them, its present dynamic code.
    pub(super) fn get_member(
        &self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<UserCard, Refused> {
        let template = self.template(context.merchant, card_id)?;
        let shown = |member: &Member| {
            let mut card = member.shown(context.now);
            if !context.rules.answer_unofficial_members {
                card.service_modules = None;
                card.fapiao_jump_word = None;
                card.guide = None;
            }
            card
        };
        if let Some(member) = self.members.get(&(card_id.to_owned(), code.to_owned())) {
            return Ok(shown(member));
        }
        if template.card.need_dynamic_code == Some(true) {
            let seconds = context.rules.dynamic_code_seconds;
            let shows = |member: &Member| {
                dynamic_code::of(card_id, member.code(), context.now, seconds) == code
            };
            let mut members = self.members.iter().filter(|(key, _)| key.0 == card_id);
            if let Some((_, member)) = members.find(|(_, member)| shows(member)) {
                return Ok(shown(member));
            }
        }
        Err(Rule::CodeNotExist.into())
    }

    /// Lists the cards that an openid has of the caller, oldest first.
    pub(super) fn list_members(
        &self,
        context: &Context<'_>,
        list: &ListUserCards,
    ) -> Result<Page<UserCardSummary>, Refused> {
        check_appid(list.appid.as_deref(), context.rules)?;
        let openid = list.openid.as_ref().ok_or(Refused::Required("openid"))?;
        let is_listed = |key: &&MemberKey| {
            let Ok((_, template, member)) = self.member(context.merchant, &key.0, &key.1) else {
                return false;
            };
            (list.appid.is_none() || template.card.appid == list.appid)
                && (context.rules.list_unusable_cards || member.check_usable(context).is_ok())
        };
        let found = self
            .holders
            .of_openid(openid.expose())
            .iter()
            .filter(is_listed)
            .collect();
        let page = page::cards(context, found, list.offset, list.limit)?;
        let items = page
            .items
            .into_iter()
            .map(|(card_id, code)| UserCardSummary {
                card_id: Some(card_id.clone()),
                code: Some(code.as_str().into()),
                ..UserCardSummary::default()
            });
        Ok(Page {
            items: items.collect(),
            total: page.total,
        })
    }

    /// Makes a user card unavailable for good.
    pub(super) fn set_unavailable(
        &mut self,
        context: &Context<'_>,
        request: &SetUserCardUnavailable,
    ) -> Result<(), Refused> {
        let (key, _, member) =
            self.member(context.merchant, &request.card_id, request.code.expose())?;
        if member.status(context.now) == UserCardStatus::Unavailable {
            return if context.rules.refuse_second_invalidation {
                Err(Rule::UserCardUnavailable.into())
            } else {
                Ok(())
            };
        }
        if !context.rules.invalidate_ended_cards {
            member.check_usable(context)?;
        }
        self.change_member(&key, None, |member| {
            member.card.user_card_status = Some(UserCardStatus::Unavailable);
            member.reason.clone_from(&request.reason);
            member.pass = None;
        });
        Ok(())
    }

    /// Takes note of the result of the merchant's own card opening.
    pub(super) fn confirm_member(
        &mut self,
        context: &Context<'_>,
        request: &ConfirmUserCard,
    ) -> Result<(), Refused> {
        let (key, _, member) =
            self.member(context.merchant, &request.card_id, request.code.expose())?;
        let providers = &context.rules.service_provider_numbers;
        if !context.rules.confirm_for_merchants
            && !providers.iter().any(|number| number == context.merchant)
        {
            return Err(Rule::ConfirmNotOpen.into());
        }
        let state = request.user_card_confirm_state.clone();
        let state = state.ok_or(Refused::Required("user_card_confirm_state"))?;
        let failed = state == UserCardConfirmState::CreateCardFail;
        if failed && context.rules.confirm_needs_reason && request.fail_reason.is_none() {
            return Err(Refused::Required("fail_reason"));
        }
        let confirmation = Confirmation {
            state,
            fail_reason: request.fail_reason.clone(),
        };
        if let Some(before) = &member.confirmation {
            if before.state == confirmation.state {
                return Ok(());
            }
            let decided = before.state != UserCardConfirmState::Default;
            if decided && context.rules.refuse_other_confirmation {
                return Err(Rule::AlreadyConfirmed.into());
            }
        }
        member.check_usable(context)?;
        let waits = member.status(context.now) == UserCardStatus::NotActivate;
        let opened = matches!(
            confirmation.state,
            UserCardConfirmState::CreateCardSuccess | UserCardConfirmState::CreateCardAlreadyExists
        );
        self.change_member(&key, None, |member| {
            member.confirmation = Some(confirmation);
        });
        if waits && opened && context.rules.confirm_activates {
            self.set_status(&key, UserCardStatus::Effective);
        }
        Ok(())
    }

    /// Finds the user cards of a template.
    pub(super) fn members_of(&self, card_id: &str) -> Vec<MemberKey> {
        let keys = self.members.keys();
        keys.filter(|key| key.0 == card_id).cloned().collect()
    }

    /// Gives a user card a state.
    pub(super) fn set_status(&mut self, key: &MemberKey, status: UserCardStatus) {
        self.change_member(key, None, |member| {
            member.card.user_card_status = Some(status);
        });
    }

    /// Changes a user card; `number` is the request's.
    pub(super) fn change_member(
        &mut self,
        key: &MemberKey,
        number: Option<&str>,
        change: impl FnOnce(&mut Member),
    ) -> Option<&Member> {
        self.members.change(&mut self.effects, number, key, change)
    }
}

#[cfg(test)]
mod tests {
    use super::super::claim::tests::claimed;
    use super::super::testing::{CARD, CODE, context, core, rules};
    use super::*;
    use crate::clock::plus_days;
    use crate::settings;

    fn status(core: &Core, code: &str) -> UserCardStatus {
        core.get_member(&context(&rules()), CARD, code)
            .unwrap()
            .user_card_status
            .unwrap()
    }

    #[test]
    fn a_dynamic_code_finds_its_member_while_it_is_shown() {
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().card.need_dynamic_code = Some(true);
        let rules = rules();
        let context = context(&rules);
        let code = dynamic_code::of(CARD, CODE, context.now, 60);
        let found = core.get_member(&context, CARD, &code).unwrap();
        assert_eq!(found.code.unwrap().expose(), CODE);
        let later = Context {
            now: plus_days(context.now, 1),
            ..context
        };
        assert_eq!(
            core.get_member(&later, CARD, &code),
            Err(Rule::CodeNotExist.into())
        );
    }

    #[test]
    fn a_card_with_a_term_expires_by_time_alone() {
        let core = core();
        let rules = rules();
        let late = Context {
            now: plus_days(context(&rules).now, 20 * 366),
            ..context(&rules)
        };
        let shown = core.get_member(&late, CARD, CODE).unwrap();
        assert_eq!(shown.user_card_status, Some(UserCardStatus::Expire));
    }

    #[test]
    fn unavailable_is_final() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let request = SetUserCardUnavailable {
            reason: Some("注销".into()),
            ..SetUserCardUnavailable::new(CARD, CODE)
        };
        core.set_unavailable(&context, &request).unwrap();
        core.set_unavailable(&context, &request).unwrap();
        assert_eq!(status(&core, CODE), UserCardStatus::Unavailable);
        assert_eq!(core.effects.len(), 1);
        assert_eq!(
            core.delete_member(&context, CARD, CODE),
            Err(Rule::UserCardUnavailable.into())
        );
        let strict = settings::Merchant {
            refuse_second_invalidation: true,
            ..rules.clone()
        };
        let strict = Context {
            rules: &strict,
            ..context
        };
        assert_eq!(
            core.set_unavailable(&strict, &request),
            Err(Rule::UserCardUnavailable.into())
        );
    }

    #[test]
    fn the_settings_decide_whether_a_deleted_card_becomes_unavailable() {
        let request = SetUserCardUnavailable::new(CARD, CODE);
        let closed = settings::Merchant {
            invalidate_ended_cards: false,
            ..rules()
        };
        let refused = Err(Rule::UserCardDeleted.into());
        for (rules, expected) in [(rules(), Ok(())), (closed, refused)] {
            let mut core = core();
            let context = context(&rules);
            core.delete_member(&context, CARD, CODE).unwrap();
            assert_eq!(core.set_unavailable(&context, &request), expected);
        }
    }

    #[test]
    fn a_confirmed_success_activates_and_stands() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let code = claimed(&mut core, "oNew", false);
        let confirm = |core: &mut Core, state| {
            core.confirm_member(&context, &ConfirmUserCard::new(CARD, code.as_str(), state))
        };
        confirm(&mut core, UserCardConfirmState::CreateCardSuccess).unwrap();
        assert_eq!(status(&core, &code), UserCardStatus::Effective);
        confirm(&mut core, UserCardConfirmState::CreateCardSuccess).unwrap();
        let refused = confirm(&mut core, UserCardConfirmState::CreateCardFail);
        assert_eq!(refused, Err(Rule::AlreadyConfirmed.into()));
    }

    #[test]
    fn a_confirmed_failure_leaves_the_card_waiting() {
        let mut core = core();
        let code = claimed(&mut core, "oNew", false);
        let state = UserCardConfirmState::CreateCardFail;
        let request = ConfirmUserCard::new(CARD, code.as_str(), state);
        let strict = settings::Merchant {
            confirm_needs_reason: true,
            ..rules()
        };
        let refused = core.confirm_member(&context(&strict), &request);
        assert_eq!(refused, Err(Refused::Required("fail_reason")));
        let closed = settings::Merchant {
            confirm_for_merchants: false,
            ..rules()
        };
        assert_eq!(
            core.confirm_member(&context(&closed), &request),
            Err(Rule::ConfirmNotOpen.into())
        );
        core.confirm_member(&context(&rules()), &request).unwrap();
        assert_eq!(status(&core, &code), UserCardStatus::NotActivate);
    }

    #[test]
    fn lists_show_what_an_openid_has() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let code = claimed(&mut core, "oNew", true);
        core.delete_member(&context, CARD, &code).unwrap();
        let list = ListUserCards::new("oNew", 0, 20);
        let page = core.list_members(&context, &list).unwrap();
        assert_eq!(
            (page.total, page.items[0].code.as_ref().unwrap().expose()),
            (1, code.as_str())
        );
        let usable = settings::Merchant {
            list_unusable_cards: false,
            ..rules.clone()
        };
        let usable = Context {
            rules: &usable,
            ..context
        };
        assert_eq!(core.list_members(&usable, &list).unwrap().total, 0);
        let other = ListUserCards {
            appid: Some("wx-other".into()),
            ..list
        };
        assert_eq!(core.list_members(&context, &other).unwrap().total, 0);
    }
}
