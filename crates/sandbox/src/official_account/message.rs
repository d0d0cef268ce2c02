//! The slot in the messages that the platform sends after a change or an activation.
//!
//! The platform stopped showing it in 2020; it still accepts and stores it.

use kabao_models::official_account::card::{ActivationMessage, CardCell, MessageOperation};

use super::template_change::Slots;
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
        self.live_template(context, card_id)?;
        self.check_slots(context, Some(&slot), None)?;
        self.set_slots(
            card_id,
            Slots {
                modify: Some(slot),
                activate: None,
            },
        );
        Ok(())
    }

    /// Checks that each slot offers exactly one thing, that exists, until a moment to come.
    pub(super) fn check_slots(
        &self,
        context: &Context<'_>,
        modify: Option<&MessageOperation>,
        activate: Option<&ActivationMessage>,
    ) -> Result<(), Refused> {
        if let Some(slot) = modify {
            one_cell(slot.card_cell.is_some(), slot.url_cell.is_some())?;
            if let Some(cell) = &slot.card_cell {
                self.check_card_cell(context, cell)?;
            }
            if let Some(cell) = &slot.url_cell {
                if cell.text.is_none() {
                    return Err(Refused::Missing("url_cell.text".into()));
                }
                let target = (&cell.url, &cell.app_brand_id);
                self.check_link(context, target, cell.card_id_list.as_deref())?;
                check_end(context, cell.end_time)?;
            }
        }
        if let Some(slot) = activate {
            one_cell(slot.card_cell.is_some(), slot.url_cell.is_some())?;
            if let Some(cell) = &slot.card_cell {
                self.check_card_cell(context, cell)?;
            }
            // Neither text nor end is known to be required here.
            if let Some(cell) = &slot.url_cell {
                let target = (&cell.url, &cell.app_brand_id);
                self.check_link(context, target, cell.card_id_list.as_deref())?;
                if cell.end_time.is_some() {
                    check_end(context, cell.end_time)?;
                }
            }
        }
        Ok(())
    }

    fn check_card_cell(&self, context: &Context<'_>, cell: &CardCell) -> Result<(), Refused> {
        let card_id = cell.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
        self.template(context, card_id)?;
        check_end(context, cell.end_time)
    }

    fn check_link(
        &self,
        context: &Context<'_>,
        (url, mini_program): (&Option<String>, &Option<String>),
        cards: Option<&[String]>,
    ) -> Result<(), Refused> {
        if url.is_none() && mini_program.is_none() {
            return Err(Refused::Missing("url_cell.url".into()));
        }
        for card_id in cards.unwrap_or_default() {
            self.template(context, card_id)?;
        }
        Ok(())
    }

    pub(super) fn set_slots(&mut self, card_id: &str, slots: Slots) {
        let Slots { modify, activate } = slots;
        self.change_template(card_id, |template| {
            if modify.is_some() {
                template.modify_msg_operation = modify;
            }
            if activate.is_some() {
                template.activate_msg_operation = activate;
            }
        });
    }
}

fn one_cell(card: bool, url: bool) -> Result<(), Refused> {
    match (card, url) {
        (true, true) => Err(Refused::Body(
            "card_cell and url_cell exclude each other".into(),
        )),
        (false, false) => Err(Refused::Missing("card_cell".into())),
        _ => Ok(()),
    }
}

fn check_end(context: &Context<'_>, end_time: Option<i64>) -> Result<(), Refused> {
    match end_time {
        None => Err(Refused::Missing("end_time".into())),
        Some(end) if end <= context.now && context.rules.refuse_past_message_ends => {
            Err(Refused::Time)
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::card::{CardCell, UrlCell};

    use super::*;
    use crate::official_account::testing::{CARD, NOW, World};

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

    #[test]
    fn the_slot_of_the_activation_message_needs_a_target_only() {
        use kabao_models::official_account::card::{
            ActivationMessage, ActivationUrlCell, MemberCardChange,
        };
        let mut world = World::new();
        world.rules.refuse_past_message_ends = true;
        let mut set = |cell: ActivationUrlCell| {
            let change = MemberCardChange {
                activate_msg_operation: Some(ActivationMessage {
                    url_cell: Some(cell),
                    ..ActivationMessage::default()
                }),
                ..MemberCardChange::default()
            };
            world
                .run(|core, context| core.update_template(context, CARD, &change))
                .map_err(|refused| refused.errcode())
        };
        let url = ActivationUrlCell {
            url: Some("https://a.example".into()),
            ..ActivationUrlCell::default()
        };
        assert_eq!(set(url.clone()), Ok(false), "no review");
        let past = ActivationUrlCell {
            end_time: Some(NOW),
            ..url.clone()
        };
        assert_eq!(set(past), Err(40079));
        let foreign = ActivationUrlCell {
            card_id_list: Some(vec!["none".into()]),
            ..url.clone()
        };
        assert_eq!(set(foreign), Err(40073));
        assert_eq!(set(ActivationUrlCell::default()), Err(41011));
        let stored = world.run(|core, _| {
            core.templates()
                .find(|template| template.card_id == CARD)
                .and_then(|template| template.activate_msg_operation)
        });
        assert_eq!(stored.unwrap().url_cell, Some(url));
    }
}
