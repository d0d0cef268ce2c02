//! Members: what `userinfo/get` shows and what `updateuser` changes.

use kabao_models::Personal;
use kabao_models::official_account::UserCardStatus;
use kabao_models::official_account::member::{ActivateMember, GetUserInfoResponse, UpdateUser};
use serde::Serialize;

use super::code::{check_consumed, check_form};
use super::user::check_openid;
use super::{Context, Core, Member, form, template_rules};
use crate::official_account::{Refused, tolerance};

/// What a member has after a change.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Totals {
    pub(crate) bonus: i64,
    pub(crate) balance: i64,
    pub(crate) openid: String,
}

/// What the control API shows of a user card.
#[derive(Serialize)]
pub(crate) struct MemberState {
    pub(crate) card_id: String,
    pub(crate) code: String,
    /// The state at this moment.
    pub(crate) status: UserCardStatus,
    #[serde(flatten)]
    pub(crate) record: Member,
}

impl Core {
    /// Returns a member; also one whose user deleted the card or gave it away.
    pub(crate) fn get_member(
        &self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<GetUserInfoResponse, Refused> {
        let (_, template, card) = self.member(context, code, Some(card_id))?;
        let shows_balance = template.card.supply_balance == Some(true) || card.balance != 0;
        let private = |text: &Option<String>| text.as_deref().map(Into::into);
        Ok(GetUserInfoResponse {
            openid: Some(card.openid.as_str().into()),
            nickname: private(&card.nickname),
            membership_number: private(&card.membership_number),
            bonus: Some(card.bonus),
            balance: shows_balance.then_some(card.balance),
            sex: private(&card.sex),
            user_info: Some(form::shown(&card.user_info)),
            user_card_status: Some(card.status(context, template)),
            has_active: Some(card.has_active),
            ..GetUserInfoResponse::default()
        })
    }

    /// Changes points, balance and slot values. An absolute value wins over a difference, which
    /// then only feeds the message to the user.
    pub(crate) fn update_member(
        &mut self,
        context: &Context<'_>,
        change: &UpdateUser,
    ) -> Result<Totals, Refused> {
        let card_id = change.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
        let code = change
            .code
            .as_ref()
            .ok_or(Refused::Missing("code".into()))?
            .expose();
        let (key, template, card) = self.member(context, code, Some(card_id))?;
        card.check_usable(context, template)?;
        let moves_balance = change.balance.is_some() || change.add_balance.is_some();
        let shows_balance =
            template.card.supply_balance == Some(true) || context.rules.balance_without_slot;
        if moves_balance && !(context.rules.stored_value_permission && shows_balance) {
            return Err(Refused::StoredValue);
        }
        let bonus = total(card.bonus, change.bonus, change.add_bonus)
            .ok_or(Refused::Body("bonus".into()))?;
        let balance = total(card.balance, change.balance, change.add_balance)
            .ok_or(Refused::Body("balance".into()))?;
        if context.rules.refuse_negative_totals && (bonus < 0 || balance < 0) {
            return Err(Refused::Body("a negative total".into()));
        }
        if let Some(url) = &change.background_pic_url {
            template_rules::picture(context, url)?;
        }
        let mut after = card.clone();
        after.bonus = bonus;
        after.balance = balance;
        for (stored, new) in [
            (&mut after.background_pic_url, &change.background_pic_url),
            (&mut after.custom_field_value1, &change.custom_field_value1),
            (&mut after.custom_field_value2, &change.custom_field_value2),
            (&mut after.custom_field_value3, &change.custom_field_value3),
        ] {
            if new.is_some() {
                stored.clone_from(new);
            }
        }
        if context.rules.update_membership_number
            && let Some(json) = tolerance::given(&change.extra, "membership_number")
        {
            let body = format!(r#"{{"membership_number":{json}}}"#);
            let number = tolerance::read::<ActivateMember>(context.rules, &body)
                .and_then(|request| request.membership_number)
                .ok_or(Refused::Body("membership_number".into()))?;
            after.membership_number = Some(number.into_exposed());
        }
        let totals = Totals {
            bonus,
            balance,
            openid: after.openid.clone(),
        };
        self.put_member(key, after);
        Ok(totals)
    }

    /// Invalidates a card for good.
    pub(crate) fn set_unavailable(
        &mut self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
        reason: Option<Personal>,
    ) -> Result<(), Refused> {
        check_form(code)?;
        let (key, template, card) = self.member(context, code, card_id)?;
        check_consumed(&key, card)?;
        match card.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout => {}
            UserCardStatus::GiftSucc => return Err(Refused::Code),
            _ => return Err(Refused::UserCardStatus),
        }
        let mut after = card.clone();
        after.user_card_status = UserCardStatus::Unavailable;
        after.unavailable_reason = reason;
        self.put_member(key.clone(), after);
        self.count_holders(&key.0, context.now);
        Ok(())
    }

    /// Lists the cards of a user.
    pub(crate) fn list_members(
        &self,
        context: &Context<'_>,
        openid: &str,
        card_id: Option<&str>,
    ) -> Result<Vec<(String, String)>, Refused> {
        check_openid(openid)?;
        let card_id = card_id.filter(|card_id| !card_id.is_empty());
        if let Some(card_id) = card_id {
            self.template(context, card_id)?;
        }
        let listed = |card: &Member, of: &str| {
            let Some(template) = self
                .templates
                .get(of)
                .filter(|template| template.appid == context.appid)
            else {
                return false;
            };
            match card.status(context, template) {
                UserCardStatus::GiftSucc => false,
                UserCardStatus::Delete | UserCardStatus::Expire | UserCardStatus::Unavailable => {
                    context.rules.list_unusable_cards
                }
                _ => true,
            }
        };
        Ok(self
            .members
            .iter()
            .filter(|((of, _), card)| {
                card.openid == openid
                    && card_id.is_none_or(|card_id| card_id == of)
                    && listed(card, of)
            })
            .map(|(key, _)| key.clone())
            .collect())
    }

    /// Lists all user cards for the control API.
    pub(crate) fn members<'a>(
        &'a self,
        context: &'a Context<'_>,
    ) -> impl Iterator<Item = MemberState> + 'a {
        self.members.iter().filter_map(|((card_id, code), record)| {
            let template = self.templates.get(card_id)?;
            Some(MemberState {
                card_id: card_id.clone(),
                code: code.clone(),
                status: record.status(context, template),
                record: record.clone(),
            })
        })
    }

    /// Shows one user card for the control API.
    pub(crate) fn member_state(
        &self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<MemberState, Refused> {
        let ((card_id, code), template, record) = self.held(card_id, code)?;
        Ok(MemberState {
            card_id,
            code,
            status: record.status(context, template),
            record: record.clone(),
        })
    }

    /// Puts a member in place as it is; for demo data.
    pub(crate) fn fill_member(&mut self, card_id: &str, code: &str, record: Member) {
        let platform = self
            .templates
            .get(card_id)
            .is_some_and(|card| card.code_mode() == super::template::CodeMode::Platform);
        if platform {
            self.platform_codes
                .insert(code.to_owned(), card_id.to_owned());
        }
        self.members
            .fill((card_id.to_owned(), code.to_owned()), record);
    }
}

fn total(stored: i64, absolute: Option<i64>, add: Option<i64>) -> Option<i64> {
    match absolute {
        Some(absolute) => Some(absolute),
        None => stored.checked_add(add.unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests;
