//! Card templates: their life cycle and what may change.

use kabao_models::merchant::cards::{Card, CardSummary, CreateCard, ListCards, UpdateCard};
use kabao_models::merchant::{CardTemplateStatus, CodeMode};

use super::code::Deposit;
use super::page::{self, Page};
use super::section::Sections;
use super::template_rules::{check_appid, check_change, check_new};
use super::{Context, Core, Refused, Rule, validity};
use crate::clock::rfc3339_millis;
use crate::ledger::{Change, Effect, differences, whole};
use crate::overlay::{overlay, reduced};
use crate::random;
use crate::records::Recorded;

/// The stock of a `SYSTEM_ALLOCATE` template that names none.
pub(super) const DEFAULT_STOCK: i64 = 5_000_000;

/// A template and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) card: Card,
    /// The merchant number that created it.
    pub(crate) owner: String,
    /// False for an old public-platform card.
    pub(crate) upgraded: bool,
    pub(crate) sections: Sections,
    pub(super) deposit: Deposit,
    /// How many cards more were issued than a lowered stock allows.
    pub(super) overdrawn: i64,
    pub(super) sequence: u64,
}

impl Template {
    /// Makes a template; the sections that it describes are on.
    pub(crate) fn new(card: Card, owner: &str) -> Self {
        let sections = Sections::of(&card);
        Self {
            card,
            owner: owner.to_owned(),
            upgraded: true,
            sections,
            deposit: Deposit::default(),
            overdrawn: 0,
            sequence: 0,
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.card.status == Some(CardTemplateStatus::Deleted)
    }

    pub(super) fn mode(&self) -> &CodeMode {
        self.card
            .code_mode
            .as_ref()
            .unwrap_or(&CodeMode::SystemAllocate)
    }

    /// Tells whether the bonus section is on.
    pub(super) fn has_bonus(&self) -> bool {
        self.sections.bonus
    }

    /// Checks that the card can be shown to users.
    pub(super) fn check_approved(&self, context: &Context<'_>) -> Result<(), Refused> {
        match self.card.status {
            Some(CardTemplateStatus::Approved) => Ok(()),
            Some(CardTemplateStatus::Deleted) => Err(Rule::CardDeleted.into()),
            _ if context.rules.distribute_unapproved => Ok(()),
            _ => Err(Rule::CardNotApproved.into()),
        }
    }

    /// Checks that a user can receive the card.
    pub(super) fn check_distributable(&self, context: &Context<'_>) -> Result<(), Refused> {
        self.check_approved(context)?;
        match self.card.remain_quantity {
            Some(left) if left <= 0 => Err(Rule::OutOfStock.into()),
            _ => Ok(()),
        }
    }

    /// Returns the template as the service shows it.
    fn shown(&self, context: &Context<'_>) -> Card {
        let mut card = self.card.clone();
        if context.rules.hide_closed_sections {
            self.sections.hide_closed(&mut card);
        }
        if !context.rules.answer_unofficial_members {
            card.service_modules = None;
            Sections::default().hide_closed(&mut card);
        }
        card
    }
}

impl Recorded for Template {
    type Key = String;

    fn place(&self, card_id: &String) -> Effect {
        Effect::on(card_id)
    }

    fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let Some((old, new)) = before.zip(after) else {
            let card = |template: Option<&Self>| template.map(|template| template.card.clone());
            let (old, new) = (card(before), card(after));
            return differences(&old.unwrap_or_default(), &new.unwrap_or_default());
        };
        let mut card = new.card.clone();
        if card.update_time == old.card.update_time {
            // Nobody changed the template: its stock falls with a card, whose entry tells of it, and
            // grows with the codes that are told of below.
            card.remain_quantity = old.card.remain_quantity;
            card.total_quantity = old.card.total_quantity;
        }
        let mut changes = differences(&old.card, &card);
        for mut change in differences(&old.sections, &new.sections) {
            change.field = format!("sections.{}", change.field);
            changes.push(change);
        }
        changes.extend(whole("upgraded", &old.upgraded, &new.upgraded));
        let added = new.deposit.added_to(&old.deposit);
        if !added.is_empty() {
            changes.extend(whole("deposited_codes", &None, &Some(added)));
        }
        changes
    }
}

impl Core {
    /// Returns the templates.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// Puts a template in place as it is.
    pub(crate) fn fill_template(&mut self, mut template: Template) {
        if let Some(card_id) = template.card.card_id.clone() {
            template.sequence = self.next_sequence();
            self.templates.fill(card_id, template);
        }
    }

    /// Finds a template that the caller may use.
    pub(super) fn template(&self, merchant: &str, card_id: &str) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Rule::CardIdInvalid)?;
        if template.owner != merchant {
            return Err(Rule::NotOwner.into());
        }
        if !template.upgraded {
            return Err(Rule::NotUpgraded.into());
        }
        Ok(template)
    }

    /// Creates a template.
    pub(super) fn create_template(
        &mut self,
        context: &Context<'_>,
        create: &CreateCard,
    ) -> Result<CardSummary, Refused> {
        let number = create.out_request_no.as_deref();
        check_new(create, context.rules)?;
        let card_id = self.fresh_card_id();
        let created = rfc3339_millis(context.now);
        let mut card: Card = reduced(create).ok_or(Refused::Internal)?;
        let (total, remain) = match create.code_mode {
            Some(CodeMode::SystemAllocate) => {
                let total = Some(create.total_quantity.unwrap_or(DEFAULT_STOCK));
                (total, total)
            }
            Some(CodeMode::MerchantDeposit) => (Some(0), Some(0)),
            _ => (None, None),
        };
        card.total_quantity = total;
        card.remain_quantity = remain;
        card.card_id = Some(card_id);
        card.create_time = Some(created.clone());
        card.update_time = Some(created);
        card.status = Some(if context.rules.approve_at_once {
            CardTemplateStatus::Approved
        } else {
            CardTemplateStatus::NotApprove
        });
        self.put_template(number, Template::new(card.clone(), context.merchant));
        reduced(&card).ok_or(Refused::Internal)
    }

    /// Lists the templates of the caller, oldest first.
    pub(super) fn list_templates(
        &self,
        context: &Context<'_>,
        list: &ListCards,
    ) -> Result<Page<CardSummary>, Refused> {
        if context.rules.list_needs_appid && list.appid.is_none() {
            return Err(Refused::Required("appid"));
        }
        check_appid(list.appid.as_deref(), context.rules)?;
        let mut found: Vec<_> = self
            .templates
            .values()
            .filter(|template| template.owner == context.merchant && template.upgraded)
            .filter(|template| context.rules.list_deleted_templates || !template.is_deleted())
            .filter(|template| list.appid.is_none() || template.card.appid == list.appid)
            .filter(|template| {
                let brand = template
                    .card
                    .brand
                    .as_ref()
                    .and_then(|brand| brand.brand_id.as_ref());
                list.brand_id.is_none() || brand == list.brand_id.as_ref()
            })
            .collect();
        found.sort_by_key(|template| template.sequence);
        let page = page::cards(context, found, list.offset, list.limit)?;
        // The list shows the same members as the query, except for sections and services.
        let items = page
            .items
            .into_iter()
            .map(|template| reduced::<CardSummary, _>(&template.card).ok_or(Refused::Internal));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            total: page.total,
        })
    }

    /// Returns a template.
    pub(super) fn get_template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<Card, Refused> {
        self.template(context.merchant, card_id)
            .map(|template| template.shown(context))
    }

    /// Changes what the request has.
    pub(super) fn update_template(
        &mut self,
        context: &Context<'_>,
        change: &UpdateCard,
    ) -> Result<(), Refused> {
        let template = self.template(context.merchant, &change.card_id)?;
        if template.is_deleted() && !context.rules.modify_deleted_templates {
            return Err(Rule::CardDeleted.into());
        }
        check_change(&template.card, change, context.rules)?;
        let before = template.card.clone();
        let mut after = overlay(&before, change, &[]).ok_or(Refused::Internal)?;
        after.total_quantity = before.total_quantity;
        if after.code_mode != before.code_mode {
            (after.total_quantity, after.remain_quantity) =
                template.deposit.stock(after.code_mode.as_ref());
        }
        let reset = context.rules.update_resets_stock;
        let stock = change.total_quantity.or(reset.then_some(DEFAULT_STOCK));
        let overdrawn = match stock {
            Some(total) if *template.mode() == CodeMode::SystemAllocate => {
                restock(&mut after, template.overdrawn, total)
            }
            _ => template.overdrawn,
        };
        if context.rules.update_starts_review && !template.is_deleted() {
            after.status = Some(CardTemplateStatus::NotApprove);
        }
        after.update_time = Some(rfc3339_millis(context.now));
        let new_validity = after.date_information != before.date_information;
        self.change_template(&change.card_id, |template| {
            template.card = after;
            template.overdrawn = overdrawn;
        });
        if new_validity && context.rules.validity_follows_template {
            self.renew_validity(context, &change.card_id);
        }
        Ok(())
    }

    /// Ends the distribution of a template; user cards stay valid.
    pub(super) fn delete_template(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<(), Refused> {
        let template = self.template(context.merchant, card_id)?;
        if template.is_deleted() && !context.rules.modify_deleted_templates {
            return Err(Rule::CardDeleted.into());
        }
        self.change_template(card_id, |template| {
            template.card.status = Some(CardTemplateStatus::Deleted);
            template.card.update_time = Some(rfc3339_millis(context.now));
        });
        Ok(())
    }

    /// Ends a review, as WeChat's staff would.
    pub(crate) fn review_template(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        approved: bool,
    ) -> Result<Card, Refused> {
        let template = self.template(context.merchant, card_id)?;
        if template.is_deleted() {
            return Err(Rule::CardDeleted.into());
        }
        let status = if approved {
            CardTemplateStatus::Approved
        } else {
            CardTemplateStatus::ApproveFail
        };
        let template = self.change_template(card_id, |template| {
            template.card.status = Some(status);
            template.card.update_time = Some(rfc3339_millis(context.now));
        });
        let template = template.ok_or(Rule::CardIdInvalid)?;
        Ok(template.card.clone())
    }

    /// Adds a template; `number` is the request's.
    pub(super) fn put_template(&mut self, number: Option<&str>, mut template: Template) {
        if let Some(card_id) = template.card.card_id.clone() {
            template.sequence = self.next_sequence();
            self.templates
                .put(&mut self.effects, number, card_id, template);
        }
    }

    /// Changes a template.
    pub(super) fn change_template(
        &mut self,
        card_id: &str,
        change: impl FnOnce(&mut Template),
    ) -> Option<&Template> {
        let key = card_id.to_owned();
        self.templates.change(&mut self.effects, None, &key, change)
    }

    /// Gives all cards of a template the end that its validity now has.
    fn renew_validity(&mut self, context: &Context<'_>, card_id: &str) {
        let template = self.templates.get(card_id);
        let information = template.and_then(|template| template.card.date_information.clone());
        let at_midnight = context.rules.terms_end_at_midnight;
        for key in self.members_of(card_id) {
            self.change_member(&key, None, |member| {
                member.expires = validity::end(information.as_ref(), member.issued, at_midnight);
            });
        }
    }

    /// Returns a new template id in the form of WeChat's.
    pub(super) fn fresh_card_id(&self) -> String {
        loop {
            let card_id = format!("p{}", random::secret(27));
            if !self.templates.contains_key(&card_id) {
                return card_id;
            }
        }
    }
}

/// Sets the total stock of a `SYSTEM_ALLOCATE` template; what users already have stays with them.
/// Returns how many cards more were issued than the new stock allows.
fn restock(card: &mut Card, overdrawn: i64, total: i64) -> i64 {
    let old_total = card.total_quantity.unwrap_or(DEFAULT_STOCK);
    let issued = old_total
        .saturating_sub(card.remain_quantity.unwrap_or(old_total))
        .saturating_add(overdrawn);
    card.total_quantity = Some(total);
    card.remain_quantity = Some(total.saturating_sub(issued).max(0));
    issued.saturating_sub(total).max(0)
}

#[cfg(test)]
mod tests;
