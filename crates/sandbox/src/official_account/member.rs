//! One member's card: its record, and its state at a moment.

use kabao_models::Personal;
use kabao_models::official_account::{UserCardStatus, UserInfo};
use serde::Serialize;

use super::template::Template;
use super::{Context, Core, MemberKey, validity};
use crate::ledger::{Change, Effect, differences, made};
use crate::official_account::Refused;
use crate::records::Recorded;

/// One member's card.
#[derive(Clone, Serialize)]
pub(crate) struct Member {
    pub(crate) openid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) membership_number: Option<String>,
    pub(crate) bonus: i64,
    /// Fen, as the older tables print it.
    pub(crate) balance: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_field_value1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_field_value2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_field_value3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) background_pic_url: Option<String>,
    /// What the member filled in.
    pub(crate) user_info: UserInfo,
    /// The state that was stored last; time adds EXPIRE and GIFT_TIMEOUT to it.
    pub(crate) user_card_status: UserCardStatus,
    pub(crate) has_active: bool,
    /// Whether the code was redeemed.
    pub(crate) consumed: bool,
    /// A beginning that activation set in place of the card's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activate_begin_time: Option<i64>,
    /// The same for the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activate_end_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outer_str: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outer_id: Option<i64>,
    pub(crate) claimed_at: i64,
    /// Whether a friend gave it.
    pub(crate) received_as_gift: bool,
    /// When the gift that waits for a friend was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gifted_at: Option<i64>,
    /// What the user was told when the merchant invalidated the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unavailable_reason: Option<Personal>,
}

impl Recorded for Member {
    type Key = MemberKey;

    fn place(&self, (card_id, code): &MemberKey) -> Effect {
        Effect::on_member(card_id, code)
    }

    fn changes(_: &MemberKey, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        match before.zip(after) {
            Some((before, after)) => differences(before, after),
            None => after.map(made).unwrap_or_default(),
        }
    }
}

impl Member {
    /// A card as it comes out of a claim.
    pub(crate) fn new(openid: &str, claimed_at: i64) -> Self {
        Self {
            openid: openid.to_owned(),
            nickname: None,
            sex: None,
            membership_number: None,
            bonus: 0,
            balance: 0,
            custom_field_value1: None,
            custom_field_value2: None,
            custom_field_value3: None,
            background_pic_url: None,
            user_info: UserInfo::default(),
            user_card_status: UserCardStatus::Normal,
            has_active: false,
            consumed: false,
            activate_begin_time: None,
            activate_end_time: None,
            outer_str: None,
            outer_id: None,
            claimed_at,
            received_as_gift: false,
            gifted_at: None,
            unavailable_reason: None,
        }
    }

    /// Returns beginning and end of the validity; permanent cards have none.
    pub(super) fn validity(&self, template: &Template) -> (Option<i64>, Option<i64>) {
        let information = template.base.date_info.as_ref();
        let (begin, end) = validity::period(information, self.claimed_at);
        (
            self.activate_begin_time.or(begin),
            self.activate_end_time.or(end),
        )
    }

    /// Returns the state at the moment of the context.
    pub(super) fn status(&self, context: &Context<'_>, template: &Template) -> UserCardStatus {
        let mut status = self.user_card_status.clone();
        if status == UserCardStatus::Gifting
            && self.gifted_at.is_some_and(|since| {
                context.now.saturating_sub(since) >= context.rules.gift_seconds
            })
        {
            status = UserCardStatus::GiftTimeout;
        }
        let over = self
            .validity(template)
            .1
            .is_some_and(|end| context.now >= end);
        match status {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout if over => UserCardStatus::Expire,
            status => status,
        }
    }

    /// Refuses a change of a card that nobody can use. A gift that was not accepted is back with
    /// its giver and can be used.
    pub(super) fn check_usable(
        &self,
        context: &Context<'_>,
        template: &Template,
    ) -> Result<(), Refused> {
        match self.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout => Ok(()),
            UserCardStatus::Expire if context.rules.update_expired_cards => Ok(()),
            // Nobody holds a card under the old code any more.
            UserCardStatus::GiftSucc => Err(Refused::Code),
            _ => Err(Refused::UserCardStatus),
        }
    }
}

impl Core {
    /// Finds a user card of one of the caller's cards. Platform-assigned codes need no `card_id`.
    pub(super) fn member(
        &self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
    ) -> Result<(MemberKey, &Template, &Member), Refused> {
        let card_id = match card_id.filter(|card_id| !card_id.is_empty()) {
            Some(card_id) => card_id,
            None => self.platform_codes.get(code).ok_or(Refused::Code)?,
        };
        let template = self.template(context, card_id)?;
        let key = (card_id.to_owned(), code.to_owned());
        let member = self.members.get(&key).ok_or(Refused::Code)?;
        Ok((key, template, member))
    }

    /// Finds a user card for an action of its holder.
    pub(super) fn held(
        &self,
        card_id: &str,
        code: &str,
    ) -> Result<(MemberKey, &Template, &Member), Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardId)?;
        let key = (card_id.to_owned(), code.to_owned());
        let member = self.members.get(&key).ok_or(Refused::Code)?;
        Ok((key, template, member))
    }

    /// Puts a user card in place of the one before.
    pub(super) fn put_member(&mut self, key: MemberKey, after: Member) {
        self.members.put(&mut self.effects, None, key, after);
    }
}
