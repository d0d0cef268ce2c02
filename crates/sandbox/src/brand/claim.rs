//! How users become members by joining, and how merchants confirm them.

use jiff::Timestamp;
use kabao_models::Sensitive;
use kabao_models::brand::{
    CodeMode, UserCard, UserCardConfirmState, UserCardState, UserInformation,
};

use super::member::{Ending, Member, MemberId};
use super::member_change::{Data, Key, is_valid};
use super::{Context, Core, Refused, Rule, form};
use crate::clock::rfc3339;
use crate::settings::{self, StockFalls};

/// What a user does to join.
pub(crate) struct Join {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) way: Way,
    pub(crate) phone_number: Option<String>,
    /// What the user filled in, plain; the sandbox fills in what is missing.
    pub(crate) user_information: Option<UserInformation>,
}

/// Where a user joins.
pub(crate) enum Way {
    /// The merchant business card.
    BusinessCard,
    /// The component of a mini program or page, with the token that the merchant fetched.
    Component { token: String },
}

impl Core {
    /// A user joins: the card waits for the merchant's confirmation. A form that is not filled in
    /// completely gets sample values.
    pub(crate) fn join(
        &mut self,
        join: &Join,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let (card_id, openid) = (join.card_id.as_str(), join.openid.as_str());
        let template = self
            .templates
            .get(card_id)
            .ok_or(Rule::TemplateUnusable)?
            .clone();
        let context = Context {
            brand: template.brand(),
            appid: None,
            now,
            rules,
        };
        self.usable_template(&context, card_id)?;
        if template.is_expired(&context) {
            return Err(Rule::TemplateExpired.into());
        }
        self.check_openid(&context, openid)?;
        if let Some(values) = &join.user_information {
            form::check_values(&context, values, template.card.user_information.as_ref())?;
        }
        self.check_offered(&context, card_id, openid)?;
        if let Way::Component { token } = &join.way {
            self.use_join_token(&context, token, card_id, openid)?;
        }
        let mut member = Member::new(&template, openid, now, now);
        if template.card.code_mode == Some(CodeMode::SystemAllocate) {
            member.card.user_card_code = Some(self.fresh_code(card_id).into());
        }
        let phone = join.phone_number.as_deref().unwrap_or("13800000417");
        member.card.phone_number = Some(Sensitive::plain(phone));
        member.card.user_information = form::filled(
            join.user_information.clone(),
            template.card.user_information.as_ref(),
        );
        member.through_component = matches!(join.way, Way::Component { .. });
        if member.through_component && rules.activity_stock_falls == StockFalls::Join {
            self.give_gift(&context, card_id);
        }
        Ok(self.admit(&context, member))
    }

    /// A user joins and is a member at once: with a code like the payer of an order, without one
    /// as if the merchant confirmed immediately.
    pub(crate) fn enrol(
        &mut self,
        join: &Join,
        code: Option<&str>,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let (card_id, openid) = (join.card_id.as_str(), join.openid.as_str());
        let template = self.templates.get(card_id).ok_or(Rule::TemplateUnusable)?;
        let brand = template.brand().to_owned();
        let context = Context {
            brand: &brand,
            appid: None,
            now,
            rules,
        };
        if let Some(code) = code {
            let data = Data {
                phone_number: join.phone_number.as_deref().map(Sensitive::plain),
                pickup_time: Some(rfc3339(now)),
                ..Data::default()
            };
            return self.import_by_openid(
                &context,
                &Key {
                    card_id,
                    openid,
                    code,
                },
                data,
            );
        }
        let waiting = self.join(join, now, rules)?;
        let code = match &waiting.user_card_code {
            Some(code) => code.expose().to_owned(),
            None => self.fresh_code(card_id),
        };
        let success = UserCardConfirmState::CreateCardSuccess;
        self.confirm_member(
            &context,
            &Key {
                card_id,
                openid,
                code: &code,
            },
            &success,
            Data::default(),
        )
    }

    /// The merchant confirms the card of a code that was allocated.
    pub(crate) fn activate(
        &mut self,
        card_id: &str,
        code: &str,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let openid = self.openid_of(card_id, code)?;
        let template = self.templates.get(card_id).ok_or(Rule::TemplateUnknown)?;
        let brand = template.brand().to_owned();
        let context = Context {
            brand: &brand,
            appid: None,
            now,
            rules,
        };
        let key = Key {
            card_id,
            openid: &openid,
            code,
        };
        self.confirm_member(
            &context,
            &key,
            &UserCardConfirmState::CreateCardSuccess,
            Data::default(),
        )
    }

    /// Finds out who holds the card of a code.
    fn openid_of(&self, card_id: &str, code: &str) -> Result<String, Refused> {
        self.members
            .of_code(card_id, code)
            .and_then(|id| self.members.get(id))
            .map(|member| member.openid().to_owned())
            .ok_or_else(|| Rule::UserCardUnknown.into())
    }

    /// Checks that a user is still offered a template.
    fn check_offered(
        &self,
        context: &Context<'_>,
        card_id: &str,
        openid: &str,
    ) -> Result<(), Refused> {
        for (_, member) in self.cards_under(context, card_id, openid) {
            if is_valid(&member.state(context.now, context.rules)) {
                return Err(Rule::HoldsCard.into());
            }
            let again = match member.ended_as(context.now, context.rules) {
                Some(Ending::Failed) => context.rules.join_again_after_failure,
                Some(Ending::Invalidated) => context.rules.join_again_after_invalidation,
                // Deleted or expired.
                _ => false,
            };
            if !again {
                return Err(Rule::NotOffered.into());
            }
        }
        Ok(())
    }

    /// Finds all cards that a user has or had under a template.
    pub(super) fn cards_under(
        &self,
        context: &Context<'_>,
        card_id: &str,
        openid: &str,
    ) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members
            .of_user(context.brand, openid)
            .filter(move |(_, member)| member.card_id() == card_id)
    }

    /// The merchant reports what became of a user who joined.
    pub(super) fn confirm_member(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        outcome: &UserCardConfirmState,
        data: Data,
    ) -> Result<UserCard, Refused> {
        let template = self.template(context, key.card_id)?;
        self.check_openid(context, key.openid)?;
        let waits = |(_, member): &(MemberId, &Member)| {
            member.state(context.now, context.rules) == UserCardState::Unactivated
        };
        let waiting = self
            .cards_under(context, key.card_id, key.openid)
            .find(waits);
        let Some((id, member)) = waiting else {
            return self.confirmed(context, key, outcome);
        };
        if member.code().is_empty() {
            self.check_code_is_free(key.card_id, key.code)?;
        } else if member.code() != key.code {
            return Err(Rule::CodeNotAllocated.into());
        }
        data.check(self, context, template)?;
        let mut after = member.clone();
        data.lay_over(&mut after.card);
        after.card.user_card_code = Some(key.code.into());
        if *outcome == UserCardConfirmState::CreateCardFail {
            after.end(Ending::Failed, context.now);
        } else {
            after.activate(context.now);
            let falls = context.rules.activity_stock_falls == StockFalls::Confirmation;
            if after.through_component && falls {
                self.give_gift(context, key.card_id);
            }
        }
        Ok(self.finish(context, id, after))
    }

    /// Answers a confirmation that finds no card waiting: where the settings say so, one that repeats
    /// what was confirmed.
    fn confirmed(
        &self,
        context: &Context<'_>,
        key: &Key<'_>,
        outcome: &UserCardConfirmState,
    ) -> Result<UserCard, Refused> {
        let failed = *outcome == UserCardConfirmState::CreateCardFail;
        let (_, member) = self.member(context, key).map_err(|_| Rule::NoPendingCard)?;
        let repeats = (member.ending == Some(Ending::Failed)) == failed;
        if context.rules.repeated_confirmation_answers && repeats {
            Ok(member.shown(context.now, context.rules))
        } else {
            Err(Rule::NoPendingCard.into())
        }
    }

    /// Puts a user card in place as it is; `activated` unless it waits for its confirmation.
    pub(crate) fn fill_member(&mut self, card: UserCard, activated: Option<Timestamp>) {
        let Some(template) = card.card_id.as_ref().and_then(|id| self.templates.get(id)) else {
            return;
        };
        let taken = activated.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut member = Member::new(template, "", taken, taken);
        member.card = card;
        member.activated = activated;
        self.members.fill(member);
    }

    /// Adds a user card and returns it as it is shown.
    pub(super) fn admit(&mut self, context: &Context<'_>, member: Member) -> UserCard {
        let shown = member.shown(context.now, context.rules);
        self.members.add(&mut self.effects, member);
        shown
    }
}

#[cfg(test)]
pub(super) mod tests;
