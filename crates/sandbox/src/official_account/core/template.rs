//! The record of a card.

use std::collections::{BTreeSet, VecDeque};

use kabao_models::official_account::card::{
    ActivationMessage, BaseInfo, Card, MemberCard, MessageOperation, Sku,
};
use kabao_models::official_account::member::SetActivateUserForm;
use kabao_models::official_account::{CardStatus, CardType};
use serde::Serialize;

use crate::ledger::{Change, Effect, differences, made, whole};
use crate::official_account::Refused;
use crate::records::Recorded;

/// How many cards a user may have unless the card says otherwise.
pub(super) const DEFAULT_GET_LIMIT: i64 = 50;
/// How often a user may redeem a card unless it says otherwise.
const DEFAULT_USE_LIMIT: i64 = 50;
/// The only mode in which codes are imported.
pub(crate) const DEPOSIT: &str = "GET_CUSTOM_CODE_MODE_DEPOSIT";

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

    pub(super) fn stock(&self) -> i64 {
        self.base
            .sku
            .as_ref()
            .and_then(|sku| sku.quantity)
            .unwrap_or(0)
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

    pub(super) fn set_stock(&mut self, quantity: i64, total: i64) {
        let sku = self.base.sku.get_or_insert_with(Sku::default);
        sku.quantity = Some(quantity);
        sku.total_quantity = Some(total);
    }

    /// Takes one card from the stock.
    pub(super) fn take_one(&mut self) -> Result<(), Refused> {
        match self.base.sku.as_mut().and_then(|sku| sku.quantity.as_mut()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(())
            }
            _ => Err(Refused::SoldOut),
        }
    }
}
