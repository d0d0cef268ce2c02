//! The slot in the messages that the platform sends after a change or an activation.
//!
//! The platform stopped showing it in 2020; it still accepts and stores it.

use kabao_models::official_account::card::MessageOperation;

use super::change::Slots;
use super::{Context, Core};
use crate::official_account::Refused;

impl Core {
    /// Stores the slot of the messages about changed points and balance.
    pub(crate) fn set_message(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        slot: MessageOperation,
    ) -> Result<(), Refused> {
        self.template_mut(context, card_id)?;
        self.check_slot(context, &slot)?;
        self.set_slots(
            card_id,
            Slots {
                modify: Some(slot),
                activate: None,
            },
        );
        Ok(())
    }

    /// Checks that a slot offers exactly one thing, that exists, until some moment.
    pub(super) fn check_slot(
        &self,
        context: &Context<'_>,
        slot: &MessageOperation,
    ) -> Result<(), Refused> {
        let end_time = match (&slot.card_cell, &slot.url_cell) {
            (Some(_), Some(_)) => {
                return Err(Refused::Body(
                    "card_cell and url_cell exclude each other".into(),
                ));
            }
            (None, None) => return Err(Refused::Missing("card_cell".into())),
            (Some(cell), None) => {
                self.template(
                    context,
                    cell.card_id.as_deref().ok_or(Refused::CardIdMissing)?,
                )?;
                cell.end_time
            }
            (None, Some(cell)) => {
                if cell.text.is_none() {
                    return Err(Refused::Missing("url_cell.text".into()));
                }
                if cell.url.is_none() && cell.app_brand_id.is_none() {
                    return Err(Refused::Missing("url_cell.url".into()));
                }
                for card_id in cell.card_id_list.iter().flatten() {
                    self.template(context, card_id)?;
                }
                cell.end_time
            }
        };
        match end_time {
            None => Err(Refused::Missing("end_time".into())),
            Some(end) if end <= context.now && context.rules.refuse_past_message_ends => {
                Err(Refused::Time)
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn set_slots(&mut self, card_id: &str, slots: Slots) {
        let Some(template) = self.templates.get_mut(card_id) else {
            return;
        };
        let mut changed = Vec::new();
        for (name, stored, new) in [
            (
                "modify_msg_operation",
                &mut template.modify_msg_operation,
                slots.modify,
            ),
            (
                "activate_msg_operation",
                &mut template.activate_msg_operation,
                slots.activate,
            ),
        ] {
            if new.is_some() {
                let before = std::mem::replace(stored, new.clone());
                changed.push((name, before, new));
            }
        }
        for (name, before, after) in changed {
            self.record_template(card_id, name, &before, &after);
        }
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::card::{CardCell, UrlCell};

    use super::*;
    use crate::official_account::core::testing::{CARD, NOW, World};

    #[test]
    fn a_slot_has_exactly_one_cell_and_the_setting_decides_about_past_ends() {
        let later = Some(NOW + 60);
        let card = CardCell {
            card_id: Some(CARD.into()),
            end_time: later,
            ..CardCell::default()
        };
        let url = UrlCell {
            url: Some("https://a.example".into()),
            text: Some("去看看".into()),
            end_time: later,
            ..UrlCell::default()
        };
        let past = CardCell {
            end_time: Some(NOW),
            ..card.clone()
        };
        let foreign = CardCell {
            card_id: Some("none".into()),
            ..card.clone()
        };
        for (card_cell, url_cell, expected) in [
            (Some(card.clone()), None, None),
            (None, Some(url.clone()), None),
            (
                None,
                Some(UrlCell {
                    url: None,
                    ..url.clone()
                }),
                Some(41011),
            ),
            (Some(card), Some(url), Some(47001)),
            (None, None, Some(41011)),
            (Some(past.clone()), None, None),
            (Some(foreign), None, Some(40073)),
        ] {
            let slot = MessageOperation {
                card_cell,
                url_cell,
                ..MessageOperation::default()
            };
            let mut world = World::new();
            let result = world.run(|core, context| core.set_message(context, CARD, slot));
            assert_eq!(result.err().map(|refused| refused.errcode()), expected);
        }
        let slot = MessageOperation {
            card_cell: Some(past),
            ..MessageOperation::default()
        };
        let mut world = World::new();
        world.rules.refuse_past_message_ends = true;
        let result = world.run(|core, context| core.set_message(context, CARD, slot));
        assert_eq!(result.err().map(|refused| refused.errcode()), Some(40079));
    }
}
