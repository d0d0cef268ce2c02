//! Codes that the merchant imports and the platform hands out.

use super::code::check_form;
use super::template::CodeMode;
use super::{Context, Core};
use crate::official_account::Refused;

/// What became of the codes of one import.
#[derive(Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Deposited {
    pub(crate) imported: Vec<String>,
    pub(crate) duplicate: Vec<String>,
    pub(crate) failed: Vec<String>,
}

/// How many codes one call takes.
const MAX_CODES: usize = 100;

impl Core {
    /// Imports codes; those that are there already are reported, not imported twice.
    pub(crate) fn deposit_codes(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        codes: &[String],
    ) -> Result<Deposited, Refused> {
        check_number(codes)?;
        let template = self.live_template(context, card_id)?;
        match template.code_mode() {
            CodeMode::Platform => return Err(Refused::CustomCodes),
            _ if !context.rules.custom_code_permission => return Err(Refused::CustomCodes),
            CodeMode::Custom => return Err(Refused::CardStatus),
            CodeMode::Deposit => {}
        }
        if !template.is_approved() {
            return Err(Refused::CardStatus);
        }
        let key = |code: &String| (card_id.to_owned(), code.clone());
        let taken: Vec<_> = codes
            .iter()
            .filter(|code| self.members.contains_key(&key(code)))
            .cloned()
            .collect();
        let (mut imported, mut waiting) = (template.imported.clone(), template.waiting.clone());
        let mut deposited = Deposited::default();
        for code in codes {
            if check_form(code).is_err() {
                deposited.failed.push(code.clone());
            } else if taken.contains(code) || !imported.insert(code.clone()) {
                deposited.duplicate.push(code.clone());
            } else {
                waiting.push_back(code.clone());
                deposited.imported.push(code.clone());
            }
        }
        self.change_template(card_id, |template| {
            template.imported = imported;
            template.waiting = waiting;
        });
        Ok(deposited)
    }

    /// Returns how many codes were imported.
    pub(crate) fn deposit_count(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<usize, Refused> {
        self.template(context, card_id)
            .map(|template| template.imported.len())
    }

    /// Tells imported codes from others.
    pub(crate) fn check_codes(
        &self,
        context: &Context<'_>,
        card_id: &str,
        codes: &[String],
    ) -> Result<(Vec<String>, Vec<String>), Refused> {
        check_number(codes)?;
        let template = self.template(context, card_id)?;
        Ok(codes
            .iter()
            .cloned()
            .partition(|code| template.imported.contains(code)))
    }
}

fn check_number(codes: &[String]) -> Result<(), Refused> {
    match codes.len() {
        0 => Err(Refused::Missing("code".into())),
        1..=MAX_CODES => Ok(()),
        _ => Err(Refused::Body("more than 100 codes".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::template_rules::DEPOSIT;
    use crate::official_account::testing::{CARD, World};

    fn codes(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    #[test]
    fn imported_codes_bound_the_stock_and_are_handed_out_in_order() {
        let mut world = World::new();
        let card_id = world.approved_base(|base| {
            base.use_custom_code = Some(true);
            base.get_custom_code_mode = Some(DEPOSIT.to_owned());
            base.sku = Some(kabao_models::official_account::card::NewSku {
                quantity: Some(0),
                ..Default::default()
            });
            base.get_limit = Some(5);
        });
        let deposit = |world: &mut World, given: &[&str]| {
            world.run(|core, context| core.deposit_codes(context, &card_id, &codes(given)))
        };
        let first = deposit(&mut world, &["M1", "M2", "M1", "含有汉字"]).unwrap();
        assert_eq!(
            (
                first.imported.len(),
                first.duplicate.len(),
                first.failed.len()
            ),
            (2, 1, 1)
        );
        assert_eq!(deposit(&mut world, &["M2", "M3"]).unwrap().imported, ["M3"]);
        assert_eq!(
            world.run(|core, context| core.deposit_count(context, &card_id)),
            Ok(3)
        );
        let (known, unknown) = world
            .run(|core, context| core.check_codes(context, &card_id, &codes(&["M3", "M9"])))
            .unwrap();
        assert_eq!((known, unknown), (codes(&["M3"]), codes(&["M9"])));
        let stock = |world: &mut World, more| {
            world.run(|core, context| core.modify_stock(context, &card_id, more, 0))
        };
        assert_eq!(stock(&mut world, 4), Err(Refused::Stock));
        assert_eq!(stock(&mut world, 2), Ok(()));
        assert_eq!(
            (world.claim(&card_id, "oOne"), world.claim(&card_id, "oTwo")),
            ("M1".into(), "M2".into())
        );
        assert_eq!(world.try_claim(&card_id, "oThree"), Err(Refused::SoldOut));
        assert_eq!(stock(&mut world, 2), Err(Refused::Stock));
        assert_eq!(stock(&mut world, 1), Ok(()));
    }

    #[test]
    fn only_approved_deposit_cards_take_codes() {
        let mut world = World::new();
        let deposit = |world: &mut World, card_id: &str, number: usize| {
            let codes = vec!["M1".to_owned(); number];
            world
                .run(|core, context| core.deposit_codes(context, card_id, &codes))
                .err()
                .map(|refused| refused.errcode())
        };
        assert_eq!(deposit(&mut world, CARD, 1), Some(43009));
        assert_eq!(deposit(&mut world, CARD, 0), Some(41011));
        assert_eq!(deposit(&mut world, CARD, 101), Some(47001));
        let custom = world.approved_base(|base| base.use_custom_code = Some(true));
        assert_eq!(deposit(&mut world, &custom, 1), Some(40078));
    }
}
