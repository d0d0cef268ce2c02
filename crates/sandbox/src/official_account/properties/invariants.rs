//! What holds whatever happens.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Run;
use crate::ledger::LedgerEntry;
use crate::sync::lock;

impl Run {
    /// Adds up what the new entries of the ledger say.
    fn follow_ledger(&mut self) {
        let entries: Vec<LedgerEntry> = lock(&self.site.world.ledger).entries();
        for entry in entries.iter().skip(self.read) {
            let (Some(card_id), Some(code)) = (&entry.template, &entry.member) else {
                continue;
            };
            for change in &entry.changes {
                let number =
                    |value: &Option<Value>| value.as_ref().and_then(Value::as_i64).unwrap_or(0);
                let totals = self
                    .totals
                    .entry((card_id.clone(), code.clone()))
                    .or_default();
                let total = match change.field.as_str() {
                    "bonus" => &mut totals.0,
                    "balance" => &mut totals.1,
                    _ => continue,
                };
                *total =
                    total.wrapping_add(number(&change.after).wrapping_sub(number(&change.before)));
            }
        }
        self.read = entries.len();
    }

    /// Checks everything that must hold.
    pub(super) fn check(&mut self) {
        self.follow_ledger();
        let members = self.members();
        let mut platform = BTreeSet::new();
        for (card_id, code, status, bonus, balance) in &members {
            let key = (card_id.clone(), code.clone());
            assert_eq!(
                self.totals.get(&key).copied().unwrap_or_default(),
                (*bonus, *balance),
                "{code}"
            );
            if code.len() == 12 {
                assert!(
                    platform.insert(code.clone()),
                    "the platform assigned {code} twice"
                );
            }
            if status == "UNAVAILABLE" || status == "GIFT_SUCC" {
                self.finished.insert(key);
            }
        }
        for (card_id, code) in &self.finished {
            let now = members
                .iter()
                .find(|member| member.0 == *card_id && member.1 == *code);
            // An own code may change even then; the record goes with it.
            if let Some(member) = now {
                assert!(
                    member.2 == "UNAVAILABLE" || member.2 == "GIFT_SUCC",
                    "{code} is {}",
                    member.2
                );
            }
        }
        let core = lock(&self.site.world.official_account);
        for state in core.templates() {
            let sku = state
                .card
                .base_info
                .and_then(|base| base.sku)
                .unwrap_or_default();
            let (quantity, total) = (sku.quantity.unwrap_or(0), sku.total_quantity.unwrap_or(0));
            assert!(quantity >= 0 && quantity <= total, "{quantity} of {total}");
        }
        let mut merchants = BTreeSet::new();
        let now = self.site.world.now().as_second();
        for rule in core.pay_rules().filter(|rule| rule.end_time > now) {
            assert!(
                rule.mchids
                    .iter()
                    .all(|mchid| merchants.insert(mchid.clone())),
                "a merchant id serves two rules"
            );
        }
    }
}
