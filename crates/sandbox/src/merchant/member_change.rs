//! What merchants are shown of user cards, and what they change: look, level, balance, points, state.

use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_cards::{
    BalanceChange, ConfirmUserCard, ListUserCards, SetUserCardUnavailable, UpdateUserCard,
    UserCard, UserCardSummary,
};
use kabao_models::merchant::{UserCardConfirmState, UserCardStatus};

use super::member::{Confirmation, Member};
use super::page::{self, Page};
use super::state::MemberKey;
use super::template_rules::check_appid;
use super::{Context, Core, Refused, Rule};
use crate::dynamic_code;

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

    /// Changes picture, number, level and balance of a user card.
    pub(super) fn update_member(
        &mut self,
        context: &Context<'_>,
        change: &UpdateUserCard,
    ) -> Result<(), Refused> {
        let (key, template, member) =
            self.member(context.merchant, &change.card_id, change.code.expose())?;
        let number = change.out_request_no.as_deref();
        member.check_usable(context)?;
        if let Some(balance) = &change.balance_information {
            let section = template.card.balance_information.as_ref();
            let has_balance = section.and_then(|section| section.need_balance) == Some(true);
            if context.rules.balance_needs_section && !has_balance {
                return Err(Rule::NoBalanceSection.into());
            }
            check_balance(context, &member.card, balance)?;
        }
        let before = member.card.clone();
        let after = updated(&before, change);
        self.change_member(&key, number, |member| member.card = after);
        Ok(())
    }

    /// Changes points and section texts of a user card.
    pub(super) fn update_member_rights(
        &mut self,
        context: &Context<'_>,
        request: &UpdateUserCardRights,
    ) -> Result<(), Refused> {
        let (key, template, member) =
            self.member(context.merchant, &request.card_id, request.code.expose())?;
        let number = request.out_request_no.as_deref();
        member.check_usable(context)?;
        let points = [
            request.before_bonus_value,
            request.bonus_value,
            request.add_bonus_value,
        ];
        let given = points.iter().flatten().count();
        if given > 0 && context.rules.points_need_section && !template.has_bonus() {
            return Err(Rule::NoBonusSection.into());
        }
        if given > 0 && given < points.len() && context.rules.points_members_together {
            return Err(Refused::Required("bonus_value"));
        }
        let before = member.card.clone();
        let mut after = before.clone();
        after.bonus_value = new_points(context, before.bonus_value, request)?;
        after.fapiao_jump_word = request.fapiao_jump_word.clone().or(after.fapiao_jump_word);
        after.guide = request.guide.clone().or(after.guide);
        let word = request.member_price_word.clone();
        self.change_member(&key, number, |member| {
            member.card = after;
            member.member_price_word = word.or(member.member_price_word.take());
        });
        Ok(())
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
}

/// Checks the arithmetic that the settings ask for. By default nothing: the official sample
/// (888, +100, 888) breaks the obvious equation.
fn check_balance(
    context: &Context<'_>,
    card: &UserCard,
    change: &BalanceChange,
) -> Result<(), Refused> {
    let arithmetic = Arithmetic {
        stored: card.balance.unwrap_or(0),
        before: change.before_balance,
        after: change.balance,
        add: change.add_balance,
    };
    arithmetic.check(
        context,
        "balance_information/before_balance",
        (
            "balance_information/balance",
            "is not before_balance + add_balance",
        ),
    )
}

/// Finds the points after a change: `bonus_value`, or else the stored ones and the addition.
fn new_points(
    context: &Context<'_>,
    stored: Option<i64>,
    request: &UpdateUserCardRights,
) -> Result<Option<i64>, Refused> {
    let base = stored.unwrap_or(0);
    let after = match (request.bonus_value, request.add_bonus_value) {
        (Some(after), _) => after,
        (None, Some(add)) => base
            .checked_add(add)
            .ok_or_else(|| Refused::value("add_bonus_value", "is too large", add))?,
        (None, None) => return Ok(stored),
    };
    let arithmetic = Arithmetic {
        stored: base,
        before: request.before_bonus_value,
        after: Some(after),
        add: request.add_bonus_value,
    };
    arithmetic.check(
        context,
        "before_bonus_value",
        ("bonus_value", "is not before_bonus_value + add_bonus_value"),
    )?;
    Ok(Some(after))
}

/// The three numbers of a change, and the present one.
struct Arithmetic {
    stored: i64,
    before: Option<i64>,
    after: Option<i64>,
    add: Option<i64>,
}

impl Arithmetic {
    fn check(
        &self,
        context: &Context<'_>,
        before_field: &'static str,
        (after_field, unequal): (&'static str, &'static str),
    ) -> Result<(), Refused> {
        let rules = context.rules;
        if let Some(before) = self
            .before
            .filter(|before| rules.check_before && *before != self.stored)
        {
            return Err(Refused::value(
                before_field,
                "is not the stored value",
                before,
            ));
        }
        let Some(after) = self.after else {
            return Ok(());
        };
        if let (Some(before), Some(add)) = (self.before, self.add)
            && rules.check_equation
            && before.checked_add(add) != Some(after)
        {
            return Err(Refused::value(after_field, unequal, after));
        }
        if rules.refuse_negative && after < 0 {
            return Err(Refused::value(after_field, "must not be negative", after));
        }
        Ok(())
    }
}

fn updated(before: &UserCard, change: &UpdateUserCard) -> UserCard {
    let mut after = before.clone();
    after.membership_number = change.membership_number.clone().or(after.membership_number);
    after.background_picture_url = change
        .background_picture_url
        .clone()
        .or(after.background_picture_url);
    after.level = change.level.clone().or(after.level);
    let balance = change
        .balance_information
        .as_ref()
        .and_then(|change| change.balance);
    after.balance = balance.or(after.balance);
    after
}

#[cfg(test)]
mod tests;
