//! User cards: their records, and how they are found.

use jiff::Timestamp;
use kabao_models::Personal;
use kabao_models::merchant::user_cards::UserCard;
use kabao_models::merchant::{UserCardConfirmState, UserCardStatus};
use serde::Serialize;

use super::state::MemberKey;
use super::template::Template;
use super::{Context, Core, Refused, Rule, validity};
use crate::clock::rfc3339_millis;
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
    /// Returns the members.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Puts a user card in place as it is, received at a moment.
    pub(crate) fn fill_member(&mut self, card: UserCard, received: Timestamp) {
        let (Some(card_id), Some(code)) = (card.card_id.clone(), card.code.clone()) else {
            return;
        };
        let template = self.templates.get(&card_id);
        let date_information =
            template.and_then(|template| template.card.date_information.as_ref());
        let expires = validity::end(date_information, received, false);
        let openid = card.openid.clone();
        let key = (card_id, code.into_exposed());
        let member = Member {
            in_wallet: Some(received),
            expires,
            ..Member::new(card, received)
        };
        self.members.fill(key.clone(), member);
        if let Some(openid) = openid {
            self.holders.bind_openid(openid.expose(), &key);
        }
    }

    /// Finds a user card of a template that the caller may use.
    pub(super) fn member(
        &self,
        merchant: &str,
        card_id: &str,
        code: &str,
    ) -> Result<(MemberKey, &Template, &Member), Refused> {
        let template = self.template(merchant, card_id)?;
        let key = (card_id.to_owned(), code.to_owned());
        let member = self.members.get(&key).ok_or(Rule::CodeNotExist)?;
        Ok((key, template, member))
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
