//! Card templates: their life cycle and what may change.

use jiff::Timestamp;
use kabao_models::merchant::cards::{Card, UpdateCard};
use kabao_models::merchant::{CardTemplateStatus, CodeMode};

use super::{Core, Refused, validity};
use crate::clock::rfc3339_millis;
use crate::ledger::{Effect, differences};
use crate::overlay::overlay;
use crate::settings;

/// The stock of a template that names none.
const DEFAULT_STOCK: i64 = 5_000_000;

/// A template and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) card: Card,
    /// The merchant number that created it.
    pub(crate) owner: String,
    /// False for an old public-platform card.
    pub(crate) upgraded: bool,
}

impl Template {
    fn is_deleted(&self) -> bool {
        self.card.status == Some(CardTemplateStatus::Deleted)
    }

    /// Checks that a user can receive the card.
    pub(super) fn check_distributable(&self) -> Result<(), Refused> {
        match self.card.status {
            Some(CardTemplateStatus::Approved) if self.card.remain_quantity.unwrap_or(DEFAULT_STOCK) > 0 => Ok(()),
            Some(CardTemplateStatus::Approved) => Err(Refused::OutOfStock),
            Some(CardTemplateStatus::Deleted) => Err(Refused::CardDeleted),
            _ => Err(Refused::CardNotApproved),
        }
    }
}

impl Core {
    /// Returns a template.
    pub(super) fn get_template(&self, merchant: &str, card_id: &str) -> Result<Card, Refused> {
        self.template(merchant, card_id).map(|template| template.card.clone())
    }

    /// Changes what the request has.
    pub(super) fn update_template(
        &mut self,
        merchant: &str,
        change: &UpdateCard,
        now: Timestamp,
        rules: &settings::Merchant,
    ) -> Result<(), Refused> {
        let template = self.template(merchant, &change.card_id)?;
        if template.is_deleted() && !rules.modify_deleted_templates {
            return Err(Refused::CardDeleted);
        }
        check_change(&template.card, change, rules)?;
        let before = template.card.clone();
        let mut after = overlay(&before, change, &[]).ok_or(Refused::Internal)?;
        if let Some(total) = change.total_quantity {
            restock(&mut after, &before, total);
        }
        if rules.update_starts_review {
            after.status = Some(CardTemplateStatus::NotApprove);
        }
        after.update_time = Some(rfc3339_millis(now));
        self.replace_template(merchant, before, after)
    }

    /// Ends the distribution of a template; user cards stay valid.
    pub(super) fn delete_template(
        &mut self,
        merchant: &str,
        card_id: &str,
        now: Timestamp,
        rules: &settings::Merchant,
    ) -> Result<(), Refused> {
        let template = self.template(merchant, card_id)?;
        if template.is_deleted() && !rules.modify_deleted_templates {
            return Err(Refused::CardDeleted);
        }
        let before = template.card.clone();
        let mut after = before.clone();
        after.status = Some(CardTemplateStatus::Deleted);
        after.update_time = Some(rfc3339_millis(now));
        self.replace_template(merchant, before, after)
    }

    /// Ends a review, as WeChat's staff would.
    pub(crate) fn review_template(&mut self, card_id: &str, approved: bool, now: Timestamp) -> Result<Card, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardIdInvalid)?;
        if template.is_deleted() {
            return Err(Refused::CardDeleted);
        }
        let (owner, before) = (template.owner.clone(), template.card.clone());
        let mut after = before.clone();
        let status = if approved { CardTemplateStatus::Approved } else { CardTemplateStatus::ApproveFail };
        after.status = Some(status);
        after.update_time = Some(rfc3339_millis(now));
        self.replace_template(&owner, before, after.clone())?;
        Ok(after)
    }

    fn replace_template(&mut self, merchant: &str, before: Card, after: Card) -> Result<(), Refused> {
        let card_id = before.card_id.clone().unwrap_or_default();
        self.effects.push(Effect {
            template: Some(card_id.clone()),
            changes: differences(&before, &after),
            ..Effect::default()
        });
        self.template_mut(merchant, &card_id)?.card = after;
        Ok(())
    }
}

/// Checks what a modification must not do.
fn check_change(card: &Card, change: &UpdateCard, rules: &settings::Merchant) -> Result<(), Refused> {
    if let Some(appid) = &change.appid
        && !rules.service_account_appids.is_empty()
        && !rules.service_account_appids.contains(appid)
    {
        return Err(Refused::NotServiceAccount);
    }
    if let Some(mode) = change.code_mode.as_ref().filter(|mode| card.code_mode.as_ref() != Some(*mode)) {
        if card.code_mode == Some(CodeMode::SystemAllocate) {
            return Err(Refused::CodeModeFixed);
        }
        if *mode == CodeMode::SystemAllocate {
            return Err(Refused::CodeModeNotSystem);
        }
    }
    if let Some(balance) = &change.balance_information {
        let empty = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
        if !empty(&balance.balance_appid) && empty(&balance.balance_path) {
            return Err(Refused::BalancePathEmpty);
        }
    }
    if change.need_display_level == Some(true) && change.init_level.is_none() && card.init_level.is_none() {
        return Err(Refused::Required("init_level"));
    }
    change.date_information.as_ref().map_or(Ok(()), validity::check)
}

/// Sets the total stock; what users already have stays with them. It counts for
/// `SYSTEM_ALLOCATE` only.
fn restock(after: &mut Card, before: &Card, total: i64) {
    if before.code_mode != Some(CodeMode::SystemAllocate) {
        after.total_quantity = before.total_quantity;
        return;
    }
    let old_total = before.total_quantity.unwrap_or(DEFAULT_STOCK);
    let issued = old_total - before.remain_quantity.unwrap_or(old_total);
    after.remain_quantity = Some(total.saturating_sub(issued).max(0));
}

#[cfg(test)]
mod tests {
    use kabao_models::merchant::cards::BalanceInformation;

    use super::super::core::tests::{CARD, MERCHANT, core, now};
    use super::*;

    fn rules() -> settings::Merchant {
        settings::Merchant::default()
    }

    #[test]
    fn a_modification_changes_what_it_has_and_says_when() {
        let mut core = core();
        let change = UpdateCard {
            title: Some("茶港金卡".into()),
            code_mode: Some(CodeMode::SystemAllocate),
            total_quantity: Some(50),
            ..UpdateCard::new(CARD)
        };
        core.update_template(MERCHANT, &change, now(), &rules()).unwrap();
        let card = core.get_template(MERCHANT, CARD).unwrap();
        assert_eq!(card.title.as_deref(), Some("茶港金卡"));
        assert_eq!((card.total_quantity, card.remain_quantity), (Some(50), Some(49)));
        assert_eq!(card.update_time.as_deref(), Some("2026-01-01T08:00:00.000+08:00"));
        assert_eq!(card.status, Some(CardTemplateStatus::Approved));
        let fields: Vec<_> = core.effects[0].changes.iter().map(|change| change.field.as_str()).collect();
        assert!(fields.contains(&"title") && !fields.contains(&"code_mode"), "{fields:?}");
    }

    #[test]
    fn what_cannot_change_is_refused() {
        let refused = |change: UpdateCard| core().update_template(MERCHANT, &change, now(), &rules()).unwrap_err();
        for (change, expected) in [
            (UpdateCard { code_mode: Some(CodeMode::RealTime), ..UpdateCard::new(CARD) }, Refused::CodeModeFixed),
            (
                UpdateCard {
                    balance_information: Some(BalanceInformation {
                        balance_appid: Some("wx1".into()),
                        ..BalanceInformation::default()
                    }),
                    ..UpdateCard::new(CARD)
                },
                Refused::BalancePathEmpty,
            ),
            (UpdateCard::new("nobody"), Refused::CardIdInvalid),
        ] {
            assert_eq!(refused(change), expected);
        }
        let mut core = core();
        assert_eq!(
            core.update_template("1900000999", &UpdateCard::new(CARD), now(), &rules()),
            Err(Refused::NotOwner)
        );
        assert!(core.effects.is_empty());
    }

    #[test]
    fn deletion_is_final_unless_the_settings_say_otherwise() {
        let mut core = core();
        core.delete_template(MERCHANT, CARD, now(), &rules()).unwrap();
        assert_eq!(core.get_template(MERCHANT, CARD).unwrap().status, Some(CardTemplateStatus::Deleted));
        assert_eq!(core.delete_template(MERCHANT, CARD, now(), &rules()), Err(Refused::CardDeleted));
        let lenient = settings::Merchant { modify_deleted_templates: true, ..rules() };
        core.delete_template(MERCHANT, CARD, now(), &lenient).unwrap();
    }

    #[test]
    fn an_old_card_must_be_upgraded_first() {
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().upgraded = false;
        assert_eq!(core.get_template(MERCHANT, CARD).unwrap_err(), Refused::NotUpgraded);
    }
}
