//! Cards: their life cycle and their stock.

use kabao_models::official_account::card::{BaseInfo, Card, MemberCard, NewCard, Sku};
use kabao_models::official_account::{CardStatus, CardType};

use super::template::{CodeMode, DEFAULT_GET_LIMIT, Template, TemplateState};
use super::{Context, Core, check};
use crate::official_account::Refused;
use crate::overlay::overlay;
use crate::random;

/// The largest stock of a card.
const MAX_STOCK: i64 = 100_000_000;

/// How a review ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Review {
    Approve,
    Refuse,
}

impl Core {
    /// Makes a card and submits it for review.
    pub(crate) fn create_card(
        &mut self,
        context: &Context<'_>,
        new: &NewCard,
    ) -> Result<String, Refused> {
        if new.card_type != Some(CardType::MemberCard) {
            return Err(Refused::CardType);
        }
        let mut new_card = new
            .member_card
            .clone()
            .ok_or(Refused::Missing("card.member_card".into()))?;
        let new_base = new_card
            .base_info
            .take()
            .ok_or(Refused::Missing("base_info".into()))?;
        let mut card = overlay(&MemberCard::default(), &new_card, &[]).ok_or(Refused::Internal)?;
        let mut base = overlay(&BaseInfo::default(), &new_base, &[]).ok_or(Refused::Internal)?;
        card.extra = kabao_models::Extra::default();
        base.extra = kabao_models::Extra::default();
        check::definition(context, &card, &base)?;
        check::texts(context, &(&card, &base))?;
        self.check_slots(
            context,
            new_card.modify_msg_operation.as_ref(),
            new_card.activate_msg_operation.as_ref(),
        )?;
        let card_id = self.fresh_card_id();
        base.id = Some(card_id.clone());
        base.status = Some(if context.rules.approve_at_once {
            CardStatus::CardStatusVerifyOk
        } else {
            CardStatus::CardStatusNotVerify
        });
        base.create_time = Some(context.now);
        base.update_time = Some(context.now);
        base.get_limit.get_or_insert(DEFAULT_GET_LIMIT);
        base.can_share.get_or_insert(true);
        base.can_give_friend.get_or_insert(true);
        let mut template = Template::new(context.appid, card, base);
        let stock = template.stock();
        template.set_stock(stock, stock);
        template.modify_msg_operation = new_card.modify_msg_operation;
        template.activate_msg_operation = new_card.activate_msg_operation;
        template.sequence = self.next();
        self.templates
            .put(&mut self.effects, None, card_id.clone(), template);
        Ok(card_id)
    }

    /// Returns a card.
    pub(crate) fn card(&self, context: &Context<'_>, card_id: &str) -> Result<Card, Refused> {
        self.template(context, card_id).map(Template::shown)
    }

    /// Returns a page of the caller's cards in the order of their creation, and how many there are.
    pub(crate) fn list_cards(
        &self,
        context: &Context<'_>,
        statuses: Option<&[CardStatus]>,
        offset: i64,
        count: i64,
    ) -> Result<(Vec<String>, i64), Refused> {
        let offset = usize::try_from(offset).map_err(|_| Refused::Body("offset".into()))?;
        let count = usize::try_from(count).map_err(|_| Refused::Body("count".into()))?;
        let deleted = [
            CardStatus::CardStatusDelete,
            CardStatus::CardStatusUserDelete,
        ];
        let wanted = |template: &Template| {
            statuses.is_none_or(|statuses| {
                statuses.contains(&template.status())
                    || (template.is_deleted()
                        && deleted.iter().any(|status| statuses.contains(status)))
            })
        };
        let mut found: Vec<_> = self
            .templates
            .iter()
            .filter(|(_, template)| template.appid == context.appid && wanted(template))
            .map(|(card_id, template)| (template.sequence, card_id.clone()))
            .collect();
        found.sort();
        let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
        Ok((
            found
                .into_iter()
                .skip(offset)
                .take(count)
                .map(|(_, card_id)| card_id)
                .collect(),
            total,
        ))
    }

    /// Ends the distribution of a card; claimed cards stay valid.
    pub(crate) fn delete_card(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<(), Refused> {
        self.live_template(context, card_id)?;
        let status = CardStatus::from(context.rules.deleted_status.as_str());
        self.change_base(context, card_id, |base| base.status = Some(status));
        Ok(())
    }

    /// Adds to the stock or takes from it.
    pub(crate) fn modify_stock(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        increase: i64,
        reduce: i64,
    ) -> Result<(), Refused> {
        let template = self.live_template(context, card_id)?;
        if increase < 0 || reduce < 0 {
            return Err(Refused::Stock);
        }
        let total = template
            .base
            .sku
            .as_ref()
            .and_then(|sku| sku.total_quantity)
            .unwrap_or(0);
        let change = |value: i64| value.checked_add(increase)?.checked_sub(reduce);
        let (quantity, total) = change(template.stock())
            .zip(change(total))
            .ok_or(Refused::Stock)?;
        let imported = i64::try_from(template.waiting.len()).unwrap_or(i64::MAX);
        let too_many = template.code_mode() == CodeMode::Deposit && quantity > imported;
        if quantity < 0 || total > MAX_STOCK || too_many {
            return Err(Refused::Stock);
        }
        let sku = Sku {
            quantity: Some(quantity),
            total_quantity: Some(total),
            ..Sku::default()
        };
        self.change_base(context, card_id, |base| base.sku = Some(sku));
        Ok(())
    }

    /// Ends a review, as WeChat's staff would; a card that is not under review stays as it is.
    pub(crate) fn review_card(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        approve: Review,
    ) -> Result<(), Refused> {
        let template = self.live_template(context, card_id)?;
        if template.status() != CardStatus::CardStatusNotVerify {
            return Err(Refused::CardStatus);
        }
        let pending = template.pending.clone();
        self.change_template(card_id, |template| template.pending = None);
        let status = match approve {
            Review::Approve => CardStatus::CardStatusVerifyOk,
            Review::Refuse => CardStatus::CardStatusVerifyFail,
        };
        if let (Some(pending), Review::Approve) = (pending, approve) {
            self.set_content(card_id, *pending);
        }
        self.change_base(context, card_id, |base| base.status = Some(status));
        Ok(())
    }

    /// Distributes an approved card in the console.
    pub(crate) fn dispatch_card(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<(), Refused> {
        if self.live_template(context, card_id)?.status() != CardStatus::CardStatusVerifyOk {
            return Err(Refused::CardStatus);
        }
        self.change_base(context, card_id, |base| {
            base.status = Some(CardStatus::CardStatusDispatch);
        });
        Ok(())
    }

    /// Puts a card in place as it is; for demo data.
    pub(crate) fn fill_template(&mut self, mut template: Template) {
        template.sequence = self.next();
        if let Some(card_id) = template.base.id.clone() {
            self.templates.fill(card_id, template);
        }
    }

    /// Lists all cards for the control API.
    pub(crate) fn templates(&self) -> impl Iterator<Item = TemplateState> {
        self.templates
            .iter()
            .map(|(card_id, template)| TemplateState {
                card_id: card_id.clone(),
                appid: template.appid.clone(),
                status: template.status(),
                card: MemberCard {
                    base_info: Some(template.base.clone()),
                    ..template.card.clone()
                },
                imported_codes: template.imported.len(),
                modify_msg_operation: template.modify_msg_operation.clone(),
                activate_msg_operation: template.activate_msg_operation.clone(),
                pay_cell: template.pay_cell,
                self_consume_cell: template.self_consume_cell.clone(),
                activate_user_form: template.form.clone(),
            })
    }

    /// Changes the common part of a card.
    pub(super) fn change_base(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        change: impl FnOnce(&mut BaseInfo),
    ) {
        self.change_template(card_id, |template| {
            change(&mut template.base);
            template.base.update_time = Some(context.now);
        });
    }

    /// Replaces looks and texts of a card.
    pub(super) fn set_content(&mut self, card_id: &str, (card, base): (MemberCard, BaseInfo)) {
        self.change_template(card_id, |template| {
            template.card = card;
            // Neither stock nor state is part of the content.
            let kept = std::mem::replace(&mut template.base, base);
            template.base.sku = kept.sku;
            template.base.status = kept.status;
        });
    }

    fn fresh_card_id(&self) -> String {
        loop {
            let card_id = format!("p{}", random::secret(27));
            if !self.templates.contains_key(&card_id) {
                return card_id;
            }
        }
    }
}

#[cfg(test)]
mod tests;
