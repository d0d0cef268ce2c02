//! Card templates: their life cycle.

use kabao_models::brand::{
    Card, CardState, CardType, CodeType, ListCardsResponse, ValidDateInformation, ValidDateType,
};

use super::page::page;
use super::state::differences_in_clear;
use super::{Context, Core, Refused, Rule, template_rules, validity};
use crate::clock::rfc3339;
use crate::ledger::{Change, Effect};
use crate::overlay::overlay;
use crate::random;
use crate::records::Recorded;

/// How many templates of one card type a brand may have.
const TEMPLATES_PER_TYPE: usize = 2;

/// A template and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) card: Card,
    /// The validity that is shown in place of the one that counts: of another kind, so without
    /// effect.
    shown_validity: Option<ValidDateInformation>,
    /// The order of creation.
    sequence: u64,
}

impl Template {
    pub(crate) fn brand(&self) -> &str {
        self.card.brand_id.as_deref().unwrap_or_default()
    }

    /// Tells whether the merchant invalidated it.
    pub(super) fn is_invalid(&self) -> bool {
        self.card.state == Some(CardState::CardInvalid)
    }

    /// Tells whether its fixed time range is over.
    pub(super) fn is_expired(&self, context: &Context<'_>) -> bool {
        validity::is_over(self.card.valid_date_information.as_ref(), context.now)
    }

    pub(super) fn validity_type(&self) -> Option<&ValidDateType> {
        self.card.valid_date_information.as_ref()?.r#type.as_ref()
    }

    pub(super) fn jumps_from_code(&self) -> bool {
        self.card.code_type == Some(CodeType::JumpMiniProgram)
    }

    fn as_stored(&self) -> Card {
        let mut card = self.card.clone();
        if let Some(validity) = &self.shown_validity {
            card.valid_date_information = Some(validity.clone());
        }
        card
    }

    /// Returns the template as the service shows it.
    pub(crate) fn shown(&self, context: &Context<'_>) -> Card {
        let mut card = self.as_stored();
        if context.rules.expired_templates_show_invalid && self.is_expired(context) {
            card.state = Some(CardState::CardInvalid);
        }
        if context.rules.answer_update_time {
            card.update_time.clone_from(&card.modify_time);
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
        let stored = |template: Option<&Self>| template.map_or_else(Card::default, Self::as_stored);
        differences_in_clear(&stored(before), &stored(after))
    }
}

impl Core {
    /// Returns the templates of all brands.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// Returns the brand of a template.
    pub(crate) fn owner(&self, card_id: &str) -> Option<&str> {
        self.templates.get(card_id).map(Template::brand)
    }

    /// Puts a template in place as it is.
    pub(crate) fn fill_template(&mut self, card: Card) {
        let sequence = self.next_sequence();
        let Some(card_id) = card.card_id.clone() else {
            return;
        };
        let template = Template {
            card,
            shown_validity: None,
            sequence,
        };
        self.templates.fill(card_id, template);
    }

    /// Finds a template of the brand.
    pub(super) fn template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<&Template, Refused> {
        self.templates
            .get(card_id)
            .filter(|template| template.brand() == context.brand)
            .ok_or_else(|| Rule::TemplateUnknown.into())
    }

    /// Finds a template that users can be brought to; everything else has one error.
    pub(super) fn usable_template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<&Template, Refused> {
        self.template(context, card_id)
            .ok()
            .filter(|template| !template.is_invalid())
            .ok_or_else(|| Rule::TemplateUnusable.into())
    }

    /// Creates a template; `card` has what the request has.
    pub(super) fn create_template(
        &mut self,
        context: &Context<'_>,
        card: Card,
    ) -> Result<Card, Refused> {
        template_rules::check_creation(self, context, &card)?;
        if card.card_type != Some(CardType::Normal) {
            return Err(Rule::CardTypeClosed.into());
        }
        let counted = self.templates.values().filter(|template| {
            template.brand() == context.brand
                && template.card.card_type == card.card_type
                && (context.rules.count_invalid_templates || !template.is_invalid())
        });
        if counted.count() >= TEMPLATES_PER_TYPE {
            return Err(Rule::TooManyTemplates.into());
        }
        let moment = rfc3339(context.now);
        let card_id = format!("p{}", random::secret(27));
        let card = Card {
            card_id: Some(card_id.clone()),
            brand_id: Some(context.brand.to_owned()),
            state: Some(CardState::CardEffective),
            create_time: Some(moment.clone()),
            modify_time: Some(moment),
            ..card
        };
        let number = card.out_request_no.clone();
        let template = Template {
            card,
            shown_validity: None,
            sequence: self.next_sequence(),
        };
        let shown = template.shown(context);
        self.templates
            .put(&mut self.effects, number.as_deref(), card_id, template);
        Ok(shown)
    }

    /// Returns a template.
    pub(super) fn get_template(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<Card, Refused> {
        self.template(context, card_id)
            .map(|template| template.shown(context))
    }

    /// Lists the templates of a brand in the order of their creation.
    pub(super) fn list_templates(
        &self,
        context: &Context<'_>,
        state: Option<&CardState>,
        offset: i64,
        limit: i64,
    ) -> Result<ListCardsResponse, Refused> {
        let mut templates: Vec<_> = self
            .templates
            .values()
            .filter(|template| template.brand() == context.brand)
            .collect();
        templates.sort_by_key(|template| template.sequence);
        let cards = templates
            .into_iter()
            .map(|template| template.shown(context))
            .filter(|card| state.is_none() || card.state.as_ref() == state)
            .collect();
        let page = page(context, cards, offset, limit)?;
        Ok(ListCardsResponse {
            data: page.data,
            total_count: Some(page.total_count),
            offset: Some(offset),
            limit: Some(limit),
            ..ListCardsResponse::default()
        })
    }

    /// Changes what `change` has.
    pub(super) fn update_template(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        mut change: Card,
    ) -> Result<Card, Refused> {
        let template = self.template(context, card_id)?;
        if template.is_invalid() && !context.rules.update_invalid_templates {
            return Err(Rule::TemplateInvalid.into());
        }
        if !context.rules.accept_legacy_fields {
            change.init_level = None;
            change.legal_agreement = None;
        }
        // It named the brand in the body; it is no member that changes.
        change.brand_id = None;
        template_rules::check_update(self, context, &template.card, &change)?;
        let mut after = template.clone();
        if let Some(validity) = &change.valid_date_information {
            let counts = [None, validity.r#type.as_ref()].contains(&template.validity_type());
            after.shown_validity = (!counts).then(|| validity.clone());
            if !counts {
                change.valid_date_information = None;
            }
        }
        after.card = overlay(&template.card, &change, &[]).ok_or(Rule::Internal)?;
        after.card.modify_time = Some(rfc3339(context.now));
        Ok(self.replace_template(context, card_id, after))
    }

    /// Ends the distribution of a template.
    pub(super) fn invalidate_template(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<Card, Refused> {
        let template = self.template(context, card_id)?;
        if template.is_invalid() {
            return if context.rules.refuse_second_invalidation {
                Err(Rule::TemplateInvalid.into())
            } else {
                Ok(template.shown(context))
            };
        }
        let mut after = template.clone();
        after.card.state = Some(CardState::CardInvalid);
        after.card.modify_time = Some(rfc3339(context.now));
        let shown = self.replace_template(context, card_id, after);
        if context.rules.invalidation_ends_user_cards {
            self.end_cards_of(context, card_id);
        }
        Ok(shown)
    }

    fn replace_template(&mut self, context: &Context<'_>, card_id: &str, after: Template) -> Card {
        let shown = after.shown(context);
        self.templates
            .put(&mut self.effects, None, card_id.to_owned(), after);
        shown
    }
}

#[cfg(test)]
mod tests;
