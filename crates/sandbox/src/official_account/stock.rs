//! How many cards of a template are left.

use kabao_models::official_account::card::Sku;

use super::template::{CodeMode, Template};
use super::{Context, Core, Refused};

/// The largest stock of a card.
const MAX_STOCK: i64 = 100_000_000;

impl Template {
    pub(super) fn stock(&self) -> i64 {
        self.base
            .sku
            .as_ref()
            .and_then(|sku| sku.quantity)
            .unwrap_or(0)
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

impl Core {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::World;

    fn stock(world: &mut World, card_id: &str) -> (Option<i64>, Option<i64>) {
        let card = world
            .run(|core, context| core.get_template(context, card_id))
            .unwrap();
        let sku = card.member_card.unwrap().base_info.unwrap().sku.unwrap();
        (sku.quantity, sku.total_quantity)
    }

    #[test]
    fn the_stock_changes_within_its_bounds() {
        let mut world = World::new();
        let card_id = world.approved(|_| ());
        world.claim(&card_id, "oOne");
        let mut modify = |increase, reduce| {
            let result =
                world.run(|core, context| core.modify_stock(context, &card_id, increase, reduce));
            (result.is_ok(), stock(&mut world, &card_id))
        };
        assert_eq!(modify(50, 0), (true, (Some(149), Some(150))));
        assert_eq!(modify(0, 149), (true, (Some(0), Some(1))));
        assert!(!modify(0, 1).0 && !modify(-1, 0).0 && !modify(0, -1).0 && !modify(MAX_STOCK, 0).0);
        assert!(!modify(i64::MAX, 0).0);
        assert_eq!(modify(0, 0), (true, (Some(0), Some(1))));
    }
}
