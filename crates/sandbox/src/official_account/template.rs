//! Cards: their life cycle.

use jiff::Timestamp;
use kabao_models::official_account::CardStatus;
use kabao_models::official_account::card::{
    Card, MemberCard, MemberCardChange, MessageOperation, UpdateCard, UpdateCardMessage,
};

use super::{Core, Refused, card_change};
use crate::ledger::{Change, Effect, differences};
use crate::settings;

/// A card and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) card: Card,
    /// The AppID of the account that made it.
    pub(crate) appid: String,
    /// The slot in messages about changed data; accepted and stored, shown to nobody since 2020.
    pub(crate) message: Option<MessageOperation>,
}

impl Template {
    /// Returns the `card_id`.
    pub(crate) fn id(&self) -> &str {
        self.base().and_then(|base| base.id.as_deref()).unwrap_or_default()
    }

    /// Returns the part that is special to member cards.
    pub(super) fn member_card(&self) -> Option<&MemberCard> {
        self.card.member_card.as_ref()
    }

    pub(super) fn base(&self) -> Option<&kabao_models::official_account::card::BaseInfo> {
        self.member_card().and_then(|card| card.base_info.as_ref())
    }

    pub(super) fn is_deleted(&self) -> bool {
        let status = self.base().and_then(|base| base.status.as_ref());
        matches!(status, Some(CardStatus::CardStatusDelete | CardStatus::CardStatusUserDelete))
    }

    /// Checks that a user can claim the card.
    pub(super) fn check_distributable(&self) -> Result<(), Refused> {
        let base = self.base();
        match base.and_then(|base| base.status.as_ref()) {
            Some(CardStatus::CardStatusVerifyOk | CardStatus::CardStatusDispatch) => {}
            _ => return Err(Refused::CardStatus),
        }
        let left = base.and_then(|base| base.sku.as_ref()).and_then(|sku| sku.quantity).unwrap_or(0);
        if left > 0 { Ok(()) } else { Err(Refused::OutOfStock) }
    }

    fn set_status(&mut self, status: CardStatus, now: Timestamp) {
        if let Some(base) = self.card.member_card.as_mut().and_then(|card| card.base_info.as_mut()) {
            base.status = Some(status);
            base.update_time = Some(now.as_second());
        }
    }

    /// Takes one card from the stock.
    pub(super) fn take_one(&mut self) {
        let base = self.card.member_card.as_mut().and_then(|card| card.base_info.as_mut());
        if let Some(left) = base.and_then(|base| base.sku.as_mut()).and_then(|sku| sku.quantity.as_mut()) {
            *left = (*left - 1).max(0);
        }
    }
}

impl Core {
    /// Returns a card.
    pub(super) fn get_card(&self, appid: &str, card_id: &str) -> Result<Card, Refused> {
        self.template(appid, card_id).map(|template| template.card.clone())
    }

    /// Changes what the request has and returns whether the change goes to review.
    pub(super) fn update_card(
        &mut self,
        appid: &str,
        request: &UpdateCard,
        now: Timestamp,
        rules: &settings::OfficialAccount,
    ) -> Result<bool, Refused> {
        let card_id = request.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
        let template = self.template(appid, card_id)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        let present = template.member_card().ok_or(Refused::CardTypeInvalid)?;
        let empty = MemberCardChange::default();
        let change = request.member_card.as_ref().unwrap_or(&empty);
        let changed = card_change::apply(present, change, rules)?;
        let mut after = template.clone();
        after.card.member_card = Some(changed.card);
        let status = match after.base().and_then(|base| base.status.clone()) {
            Some(status) if !changed.send_check => status,
            _ if rules.approve_at_once => CardStatus::CardStatusVerifyOk,
            _ => CardStatus::CardStatusNotVerify,
        };
        after.set_status(status, now);
        self.replace_template(card_id, after);
        Ok(changed.send_check)
    }

    /// Stores the slot in messages about changed data.
    pub(super) fn update_message(
        &mut self,
        appid: &str,
        request: &UpdateCardMessage,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let card_id = request.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
        let template = self.template(appid, card_id)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        let slot = request
            .member_card
            .as_ref()
            .and_then(|change| change.modify_msg_operation.as_ref())
            .ok_or(Refused::FieldMissing)?;
        let end_time = match (&slot.card_cell, &slot.url_cell) {
            (Some(cell), None) => {
                let offered = cell.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
                self.template(appid, offered)?;
                cell.end_time
            }
            (None, Some(cell)) if cell.url.is_some() || cell.app_brand_id.is_some() => cell.end_time,
            (None, _) => return Err(Refused::FieldMissing),
            (Some(_), Some(_)) => return Err(Refused::BodyInvalid),
        };
        if end_time.is_none_or(|end| end <= now.as_second()) {
            return Err(Refused::TimeInvalid);
        }
        let before = template.message.clone();
        let mut after = template.clone();
        after.message = Some(slot.clone());
        let json = |slot: &Option<MessageOperation>| slot.as_ref().and_then(|slot| serde_json::to_value(slot).ok());
        self.effects.push(Effect {
            template: Some(card_id.to_owned()),
            changes: vec![Change {
                field: "modify_msg_operation".to_owned(),
                before: json(&before),
                after: json(&after.message),
            }],
            ..Effect::default()
        });
        self.templates.insert(card_id.to_owned(), after);
        Ok(())
    }

    /// Ends the distribution of a card; claimed cards stay valid.
    pub(super) fn delete_card(
        &mut self,
        appid: &str,
        card_id: &str,
        now: Timestamp,
        rules: &settings::OfficialAccount,
    ) -> Result<(), Refused> {
        let template = self.template(appid, card_id)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        let mut after = template.clone();
        after.set_status(CardStatus::from(rules.deleted_status.as_str()), now);
        self.replace_template(card_id, after);
        Ok(())
    }

    /// Ends a review, as WeChat's staff would.
    pub(crate) fn review_card(&mut self, card_id: &str, approved: bool, now: Timestamp) -> Result<Card, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardIdInvalid)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        let mut after = template.clone();
        let status = if approved { CardStatus::CardStatusVerifyOk } else { CardStatus::CardStatusVerifyFail };
        after.set_status(status, now);
        let card = after.card.clone();
        self.replace_template(card_id, after);
        Ok(card)
    }

    fn replace_template(&mut self, card_id: &str, after: Template) {
        let changes = self
            .templates
            .get(card_id)
            .map(|before| differences(&before.card.member_card, &after.card.member_card))
            .unwrap_or_default();
        self.effects.push(Effect { template: Some(card_id.to_owned()), changes, ..Effect::default() });
        self.templates.insert(card_id.to_owned(), after);
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::card::{BaseInfoChange, CardCell, MessageChange, UrlCell};

    use super::super::core::tests::{APPID, CARD, core, now};
    use super::*;

    fn rules() -> settings::OfficialAccount {
        settings::OfficialAccount::default()
    }

    fn update(change: MemberCardChange) -> UpdateCard {
        UpdateCard::new(CARD, change)
    }

    fn status(core: &Core) -> Option<CardStatus> {
        core.template(APPID, CARD).unwrap().base().unwrap().status.clone()
    }

    #[test]
    fn a_reviewed_field_sends_the_card_to_review_and_approval_brings_it_back() {
        let mut core = core();
        let change = MemberCardChange { prerogative: Some("会员九折".into()), ..MemberCardChange::default() };
        assert_eq!(core.update_card(APPID, &update(change), now(), &rules()), Ok(true));
        assert_eq!(status(&core), Some(CardStatus::CardStatusNotVerify));
        core.review_card(CARD, true, now()).unwrap();
        assert_eq!(status(&core), Some(CardStatus::CardStatusVerifyOk));
    }

    #[test]
    fn a_field_without_review_acts_at_once() {
        let mut core = core();
        let change = MemberCardChange {
            base_info: Some(BaseInfoChange { service_phone: Some("020-12345678".into()), ..BaseInfoChange::default() }),
            ..MemberCardChange::default()
        };
        assert_eq!(core.update_card(APPID, &update(change), now(), &rules()), Ok(false));
        let card = core.get_card(APPID, CARD).unwrap().member_card.unwrap();
        let base = card.base_info.unwrap();
        assert_eq!(base.service_phone.as_deref(), Some("020-12345678"));
        assert!(base.title.is_some());
        assert_eq!(core.effects.len(), 1);
    }

    #[test]
    fn another_account_and_a_deleted_card_are_refused() {
        let mut core = core();
        assert_eq!(core.get_card("wx0", CARD).unwrap_err(), Refused::CardNotOwned);
        assert_eq!(core.get_card(APPID, "none").unwrap_err(), Refused::CardIdInvalid);
        core.delete_card(APPID, CARD, now(), &rules()).unwrap();
        assert_eq!(status(&core), Some(CardStatus::CardStatusDelete));
        assert_eq!(core.delete_card(APPID, CARD, now(), &rules()), Err(Refused::CardStatus));
        let change = update(MemberCardChange::default());
        assert_eq!(core.update_card(APPID, &change, now(), &rules()), Err(Refused::CardStatus));
    }

    #[test]
    fn a_message_slot_has_exactly_one_cell_that_ends_in_the_future() {
        let later = Some(now().as_second() + 60);
        let card = CardCell { card_id: Some(CARD.into()), end_time: later, ..CardCell::default() };
        let url = UrlCell { url: Some("https://a.example".into()), end_time: later, ..UrlCell::default() };
        let past = CardCell { end_time: Some(now().as_second()), ..card.clone() };
        let foreign = CardCell { card_id: Some("none".into()), ..card.clone() };
        for (card_cell, url_cell, expected) in [
            (Some(card.clone()), None, Ok(())),
            (None, Some(url.clone()), Ok(())),
            (Some(card), Some(url), Err(Refused::BodyInvalid)),
            (None, None, Err(Refused::FieldMissing)),
            (Some(past), None, Err(Refused::TimeInvalid)),
            (Some(foreign), None, Err(Refused::CardIdInvalid)),
        ] {
            let slot = MessageOperation { card_cell, url_cell, ..MessageOperation::default() };
            let change = MessageChange { modify_msg_operation: Some(slot), ..MessageChange::default() };
            let result = core().update_message(APPID, &UpdateCardMessage::new(CARD, change), now());
            assert_eq!(result, expected);
        }
    }
}
