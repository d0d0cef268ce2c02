//! What merchants and users do with user cards that exist.

use jiff::Timestamp;
use kabao_models::brand::{
    ListUserCardsResponse, UserCard, UserCardState, UserInformation, ValidDateInformation,
};
use kabao_models::{Personal, Sensitive};

use super::member::{Ending, Member, MemberId};
use super::page::page;
use super::review::check_text;
use super::template::Template;
use super::{Context, Core, Refused, Rule, form, validity};
use crate::clock::rfc3339;
use crate::settings::{self, WrongOpenid};

/// Names one user card of a brand as every operation does.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) card_id: &'a str,
    pub(super) openid: &'a str,
    pub(super) code: &'a str,
}

/// The members of a user card that a merchant can set.
#[derive(Clone, Default)]
pub(super) struct Data {
    pub(super) card_color: Option<String>,
    pub(super) card_picture_url: Option<String>,
    pub(super) phone_number: Option<Sensitive>,
    pub(super) level: Option<String>,
    pub(super) valid_date_information: Option<ValidDateInformation>,
    pub(super) user_information: Option<UserInformation>,
    pub(super) attach: Option<Personal>,
    pub(super) pickup_time: Option<String>,
}

impl Data {
    /// Checks the members against the template.
    pub(super) fn check(
        &self,
        core: &Core,
        context: &Context<'_>,
        template: &Template,
    ) -> Result<(), Refused> {
        if let Some(information) = &self.valid_date_information {
            validity::check(context, information, template.validity_type())?;
        }
        if let Some(values) = &self.user_information {
            form::check_values(context, values, template.card.user_information.as_ref())?;
        }
        check_text(context, "level", self.level.as_ref())?;
        core.check_picture(context, self.card_picture_url.as_ref())
    }

    /// Refuses an import that does not say how long the card is valid, where the settings want that.
    pub(super) fn require_validity(&self, context: &Context<'_>) -> Result<(), Refused> {
        const MEMBER: &str = "valid_date_information";
        if self.valid_date_information.is_none() && context.rules.import_needs_validity {
            return Err(Refused::at(Rule::ValidityMissing, MEMBER, ""));
        }
        Ok(())
    }

    /// Lays the members over a card; of the form, the lists that are there.
    pub(super) fn lay_over(self, card: &mut UserCard) {
        fn set<T>(target: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *target = value;
            }
        }
        set(&mut card.card_color, self.card_color);
        set(&mut card.card_picture_url, self.card_picture_url);
        set(&mut card.phone_number, self.phone_number);
        set(&mut card.level, self.level);
        set(
            &mut card.valid_date_information,
            self.valid_date_information,
        );
        set(&mut card.attach, self.attach);
        set(&mut card.pickup_time, self.pickup_time);
        if let Some(values) = self.user_information {
            let known = card.user_information.get_or_insert_default();
            set(&mut known.common_field_list, values.common_field_list);
            set(&mut known.custom_field_list, values.custom_field_list);
        }
    }
}

impl Core {
    /// Returns the user cards of all brands.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Finds a user card by all its names.
    pub(super) fn member(
        &self,
        context: &Context<'_>,
        key: &Key<'_>,
    ) -> Result<(MemberId, &Member), Refused> {
        let id = self
            .members
            .of_code(key.card_id, key.code)
            .ok_or(Rule::UserCardUnknown)?;
        self.members
            .get(id)
            .filter(|member| member.brand() == context.brand && member.openid() == key.openid)
            .map(|member| (id, member))
            .ok_or_else(|| Rule::UserCardUnknown.into())
    }

    /// Stores the next state of a user card and notes what changed.
    pub(super) fn store(&mut self, id: MemberId, after: Member) {
        self.members.replace(&mut self.effects, None, id, after);
    }

    /// Returns a user card.
    pub(super) fn get_member(
        &self,
        context: &Context<'_>,
        key: &Key<'_>,
    ) -> Result<UserCard, Refused> {
        self.template(context, key.card_id)?;
        self.check_openid(context, key.openid)?;
        self.member(context, key)
            .map(|(_, member)| member.shown(context.now, context.rules))
    }

    /// Lists the cards of a user under a brand in the order of their creation.
    pub(super) fn list_members(
        &self,
        context: &Context<'_>,
        openid: &str,
        state: Option<&UserCardState>,
        (offset, limit): (i64, i64),
    ) -> Result<ListUserCardsResponse, Refused> {
        self.check_openid(context, openid)?;
        let cards = self
            .members
            .of_user(context.brand, openid)
            .filter(|(_, member)| {
                context.rules.list_cards_without_code || !member.code().is_empty()
            })
            .map(|(_, member)| member.shown(context.now, context.rules))
            .filter(|card| state.is_none() || card.user_card_state.as_ref() == state)
            .collect();
        let page = page(context, cards, offset, limit)?;
        Ok(ListUserCardsResponse {
            data: page.data,
            total_count: Some(page.total_count),
            offset: Some(offset),
            limit: Some(limit),
            ..ListUserCardsResponse::default()
        })
    }

    /// Changes what `data` has on an effective card.
    pub(super) fn update_member(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        data: Data,
    ) -> Result<UserCard, Refused> {
        let template = self.template(context, key.card_id)?;
        self.check_openid(context, key.openid)?;
        let (id, member) = self.member(context, key)?;
        if member.state(context.now, context.rules) != UserCardState::Effective {
            return Err(Rule::NotEffective.into());
        }
        data.check(self, context, template)?;
        let mut after = member.clone();
        data.lay_over(&mut after.card);
        Ok(self.finish(context, id, after))
    }

    /// Ends a card for the merchant.
    pub(super) fn invalidate_member(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        reason: Option<Personal>,
    ) -> Result<UserCard, Refused> {
        self.template(context, key.card_id)?;
        self.check_openid(context, key.openid)?;
        let known = self.members.of_code(key.card_id, key.code).is_some();
        let (id, member) = match self.member(context, key) {
            Err(_) if known && context.rules.invalidate_wrong_openid == WrongOpenid::ParamError => {
                return Err(Refused::at(Rule::OpenidWrong, "openid", key.openid));
            }
            found => found?,
        };
        if !is_valid(&member.state(context.now, context.rules)) {
            return Err(Rule::NotInvalidable.into());
        }
        let mut after = member.clone();
        after.end(Ending::Invalidated, context.now);
        after.card.invalid_reason = reason;
        Ok(self.finish(context, id, after))
    }

    /// Ends every valid card of a template; see the setting `invalidation_ends_user_cards`.
    pub(super) fn end_cards_of(&mut self, context: &Context<'_>, card_id: &str) {
        let ended: Vec<_> = self
            .members
            .iter()
            .filter(|member| member.card_id() == card_id)
            .flat_map(|member| self.members.of_user(context.brand, member.openid()))
            .filter(|(_, member)| member.card_id() == card_id)
            .filter(|(_, member)| is_valid(&member.state(context.now, context.rules)))
            .map(|(id, _)| id)
            .collect();
        for id in ended {
            let Some(mut after) = self.members.get(id).cloned() else {
                continue;
            };
            // A user with several cards was met several times.
            if is_valid(&after.state(context.now, context.rules)) {
                after.end(Ending::Invalidated, context.now);
                self.finish(context, id, after);
            }
        }
    }

    /// The user deletes the newest card of a template.
    pub(crate) fn delete_member(
        &mut self,
        card_id: &str,
        openid: &str,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let template = self.templates.get(card_id).ok_or(Rule::TemplateUnknown)?;
        let (id, _) = self
            .members
            .of_user(template.brand(), openid)
            .rfind(|(_, member)| member.card_id() == card_id)
            .ok_or(Rule::UserCardUnknown)?;
        self.delete(id, now, rules)
    }

    /// The user deletes the card of a code.
    pub(crate) fn delete_member_of_code(
        &mut self,
        card_id: &str,
        code: &str,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let id = self
            .members
            .of_code(card_id, code)
            .ok_or(Rule::UserCardUnknown)?;
        self.delete(id, now, rules)
    }

    fn delete(
        &mut self,
        id: MemberId,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let mut after = self.members.get(id).ok_or(Rule::UserCardUnknown)?.clone();
        let deletable = match after.state(now, rules) {
            UserCardState::Unactivated => rules.delete_unactivated_cards,
            UserCardState::Effective => true,
            _ => false,
        };
        if !deletable {
            return Err(Rule::NotDeletable.into());
        }
        after.end(Ending::Deleted, now);
        let brand = after.brand().to_owned();
        Ok(self.finish(
            &Context {
                brand: &brand,
                appid: None,
                now,
                rules,
            },
            id,
            after,
        ))
    }

    /// Stores the next state with its moment and returns the card as it is shown.
    pub(super) fn finish(
        &mut self,
        context: &Context<'_>,
        id: MemberId,
        mut after: Member,
    ) -> UserCard {
        after.card.modify_time = Some(rfc3339(context.now));
        let shown = after.shown(context.now, context.rules);
        self.store(id, after);
        shown
    }
}

/// Tells whether a card still counts: it waits or works.
pub(super) fn is_valid(state: &UserCardState) -> bool {
    matches!(state, UserCardState::Unactivated | UserCardState::Effective)
}

#[cfg(test)]
mod tests;
