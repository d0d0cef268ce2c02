//! Cards: their records and their life cycle.

use std::collections::{BTreeSet, VecDeque};

use kabao_models::official_account::card::{
    ActivationMessage, BaseInfo, Card, MemberCard, MessageOperation, NewCard,
};
use kabao_models::official_account::member::SetActivateUserForm;
use kabao_models::official_account::{CardStatus, CardType};
use serde::Serialize;

use super::page::{Page, page};
use super::template_rules::{self, DEPOSIT};
use super::{Context, Core, Refused};
use crate::ledger::{Change, Effect, differences, made, whole};
use crate::overlay::overlay;
use crate::random;
use crate::records::Recorded;

/// How many cards a user may have unless the card says otherwise.
const DEFAULT_GET_LIMIT: i64 = 50;
/// How often a user may redeem a card unless it says otherwise.
const DEFAULT_USE_LIMIT: i64 = 50;

/// A card and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Template {
    /// The AppID of the account that made it.
    pub(crate) appid: String,
    /// What is special to member cards; its `base_info` is always absent.
    pub(crate) card: MemberCard,
    pub(crate) base: BaseInfo,
    /// A change that waits for its approval.
    pub(super) pending: Option<Box<(MemberCard, BaseInfo)>>,
    pub(super) modify_msg_operation: Option<MessageOperation>,
    pub(super) activate_msg_operation: Option<ActivationMessage>,
    /// Whether the entry for quick pay is shown.
    pub(super) pay_cell: bool,
    pub(super) self_consume_cell: Option<SelfConsumeCell>,
    pub(super) form: Option<SetActivateUserForm>,
    /// Every code that was imported.
    pub(super) imported: BTreeSet<String>,
    /// The imported codes that nobody got yet, in the order of their import.
    pub(super) waiting: VecDeque<String>,
    /// Whether it was made by the API and not in the console.
    pub(crate) made_by_api: bool,
    /// The order of creation.
    pub(super) sequence: i64,
}

/// What the entry for redeeming a card oneself asks of the user.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SelfConsumeCell {
    pub(crate) need_verify_cod: bool,
    pub(crate) need_remark_amount: bool,
}

/// Who activates a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActivationMode {
    Automatic,
    Interface,
    OneClick,
    JumpOneClick,
}

/// Who chooses the codes of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeMode {
    Platform,
    Custom,
    Deposit,
}

/// What the control API shows of a card.
#[derive(Serialize)]
pub(crate) struct TemplateState {
    pub(crate) card_id: String,
    pub(crate) appid: String,
    pub(crate) status: CardStatus,
    pub(crate) card: MemberCard,
    pub(crate) imported_codes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) modify_msg_operation: Option<MessageOperation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activate_msg_operation: Option<ActivationMessage>,
    pub(crate) pay_cell: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) self_consume_cell: Option<SelfConsumeCell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activate_user_form: Option<SetActivateUserForm>,
}

impl Recorded for Template {
    type Key = String;

    fn place(&self, card_id: &String) -> Effect {
        Effect::on(card_id)
    }

    fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let Some((old, new)) = before.zip(after) else {
            return after.map(|new| made(&new.shown())).unwrap_or_default();
        };
        let mut changes = differences(&old.shown().member_card, &new.shown().member_card);
        changes.extend(whole("pay_cell", &old.pay_cell, &new.pay_cell));
        changes.extend(whole(
            "self_consume_cell",
            &old.self_consume_cell,
            &new.self_consume_cell,
        ));
        changes.extend(whole("activate_user_form", &old.form, &new.form));
        changes.extend(whole(
            "modify_msg_operation",
            &old.modify_msg_operation,
            &new.modify_msg_operation,
        ));
        changes.extend(whole(
            "activate_msg_operation",
            &old.activate_msg_operation,
            &new.activate_msg_operation,
        ));
        let codes = new.waiting.iter();
        for code in codes.filter(|code| !old.imported.contains(*code)) {
            changes.extend(whole("imported_codes", &None, &Some(code)));
        }
        changes
    }
}

impl Template {
    pub(crate) fn new(appid: &str, card: MemberCard, base: BaseInfo) -> Self {
        Self {
            appid: appid.to_owned(),
            card,
            base,
            pending: None,
            modify_msg_operation: None,
            activate_msg_operation: None,
            pay_cell: false,
            self_consume_cell: None,
            form: None,
            imported: BTreeSet::new(),
            waiting: VecDeque::new(),
            made_by_api: true,
            sequence: 0,
        }
    }

    /// Returns the card as `/card/get` shows it.
    pub(super) fn shown(&self) -> Card {
        let mut base = self.base.clone();
        base.use_limit.get_or_insert(DEFAULT_USE_LIMIT);
        let member_card = MemberCard {
            base_info: Some(base),
            ..self.card.clone()
        };
        Card {
            card_type: Some(CardType::MemberCard),
            member_card: Some(member_card),
            ..Card::default()
        }
    }

    pub(super) fn status(&self) -> CardStatus {
        self.base
            .status
            .clone()
            .unwrap_or(CardStatus::CardStatusNotVerify)
    }

    pub(super) fn is_deleted(&self) -> bool {
        matches!(
            self.status(),
            CardStatus::CardStatusDelete | CardStatus::CardStatusUserDelete
        )
    }

    pub(super) fn is_approved(&self) -> bool {
        matches!(
            self.status(),
            CardStatus::CardStatusVerifyOk | CardStatus::CardStatusDispatch
        )
    }

    pub(super) fn get_limit(&self) -> i64 {
        self.base.get_limit.unwrap_or(DEFAULT_GET_LIMIT)
    }

    pub(super) fn code_mode(&self) -> CodeMode {
        match (
            self.base.use_custom_code,
            self.base.get_custom_code_mode.as_deref(),
        ) {
            (Some(true), Some(DEPOSIT)) => CodeMode::Deposit,
            (Some(true), _) => CodeMode::Custom,
            _ => CodeMode::Platform,
        }
    }

    /// Returns the one mode that works: automatic activation switches the others off, and a
    /// merchant page switches one-click activation off.
    pub(super) fn activation_mode(&self) -> ActivationMode {
        let card = &self.card;
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        if card.auto_activate == Some(true) {
            ActivationMode::Automatic
        } else if given(&card.activate_url)
            || given(&card.activate_app_brand_user_name)
            || card.wx_activate != Some(true)
        {
            ActivationMode::Interface
        } else if card.wx_activate_after_submit == Some(true) {
            ActivationMode::JumpOneClick
        } else {
            ActivationMode::OneClick
        }
    }

    pub(super) fn initial_bonus(&self) -> Option<i64> {
        self.card
            .bonus_rule
            .as_ref()
            .and_then(|rule| rule.init_increase_bonus)
    }
}

/// How a review ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Review {
    Approve,
    Refuse,
}

impl Core {
    /// Returns the AppID of the account that made a card.
    pub(crate) fn owner(&self, card_id: &str) -> Option<&str> {
        self.templates
            .get(card_id)
            .map(|template| template.appid.as_str())
    }

    /// Finds a card of the caller.
    pub(super) fn template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardId)?;
        if template.appid == context.appid {
            Ok(template)
        } else {
            Err(Refused::CardForeign)
        }
    }

    /// The same for a change, which a deleted card does not take.
    pub(super) fn live_template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<&Template, Refused> {
        let template = self.template(context, card_id)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        Ok(template)
    }

    /// Changes a card.
    pub(super) fn change_template(&mut self, card_id: &str, change: impl FnOnce(&mut Template)) {
        let key = card_id.to_owned();
        self.templates.change(&mut self.effects, None, &key, change);
    }

    /// Makes a card and submits it for review.
    pub(crate) fn create_template(
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
        template_rules::definition(context, &card, &base)?;
        template_rules::texts(context, &(&card, &base))?;
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
        template.sequence = self.next_sequence();
        self.templates
            .put(&mut self.effects, None, card_id.clone(), template);
        Ok(card_id)
    }

    /// Returns a card.
    pub(crate) fn get_template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<Card, Refused> {
        self.template(context, card_id).map(Template::shown)
    }

    /// Returns a page of the caller's cards in the order of their creation.
    pub(super) fn list_templates(
        &self,
        context: &Context<'_>,
        statuses: Option<&[CardStatus]>,
        offset: i64,
        count: i64,
    ) -> Result<Page<String>, Refused> {
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
        let card_ids = found.into_iter().map(|(_, card_id)| card_id).collect();
        page(card_ids, offset, count)
    }

    /// Ends the distribution of a card; claimed cards stay valid.
    pub(crate) fn delete_template(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<(), Refused> {
        self.live_template(context, card_id)?;
        let status = CardStatus::from(context.rules.deleted_status.as_str());
        self.change_base(context, card_id, |base| base.status = Some(status));
        if context.rules.deleting_a_card_ends_its_rules {
            self.end_rules_of(card_id);
        }
        Ok(())
    }

    /// Ends a review, as WeChat's staff would; a card that is not under review stays as it is.
    pub(crate) fn review_template(
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
    pub(crate) fn dispatch_template(
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
        template.sequence = self.next_sequence();
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
