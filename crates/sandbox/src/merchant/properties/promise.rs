//! What must hold at every moment.

use std::collections::BTreeMap;

use kabao_models::merchant::{ActivityStatus, CardTemplateStatus, CodeMode, UserCardStatus};

use super::world::{Key, World, amounts};
use crate::merchant::testing::CARD;

impl World {
    /// Checks what must hold at every moment.
    pub(super) fn check(&mut self) {
        self.check_stock();
        self.check_amounts();
        self.check_final_states();
    }

    fn check_stock(&self) {
        for (card_id, template) in self.core.templates.iter() {
            let issued = self
                .core
                .members
                .keys()
                .filter(|key| key.0 == *card_id)
                .count();
            match (
                template.mode(),
                template.card.total_quantity,
                template.card.remain_quantity,
            ) {
                (CodeMode::RealTime, total, remain) => assert_eq!((total, remain), (None, None)),
                (mode, Some(total), Some(remain)) => {
                    assert!(remain >= 0 && remain <= total, "{remain} of {total}");
                    let taken = usize::try_from(total - remain + template.overdrawn).unwrap();
                    assert_eq!(taken, issued, "{mode:?}");
                }
                (mode, ..) => panic!("{mode:?} without stock"),
            }
        }
        for (key, member) in self.core.members.iter() {
            assert_eq!(member.code(), key.1);
            assert_eq!(member.card.card_id.as_ref(), Some(&key.0));
        }
    }

    /// The ledger tells how balances and points came to be, and so do the accepted additions.
    fn check_amounts(&mut self) {
        let mut told: BTreeMap<Key, (i128, i128)> = BTreeMap::new();
        told.insert(
            (CARD.to_owned(), crate::demo::MERCHANT_CODE.to_owned()),
            (888, 600),
        );
        for effect in &self.ledger {
            let (Some(card_id), Some(code)) = (&effect.template, &effect.member) else {
                continue;
            };
            let sums = told.entry((card_id.clone(), code.clone())).or_default();
            for change in &effect.changes {
                let amount = |value: &Option<serde_json::Value>| {
                    i128::from(
                        value
                            .as_ref()
                            .and_then(serde_json::Value::as_i64)
                            .unwrap_or(0),
                    )
                };
                let difference = amount(&change.after) - amount(&change.before);
                match change.field.as_str() {
                    "balance" => sums.0 += difference,
                    "bonus_value" => sums.1 += difference,
                    _ => {}
                }
            }
        }
        for (key, member) in self.core.members.iter() {
            let stored = amounts(&member.card);
            let (balance, points) = told.get(key).copied().unwrap_or_default();
            assert_eq!(
                (i128::from(stored.0), i128::from(stored.1)),
                (balance, points)
            );
            // A new card begins with what the template gives.
            let sums = *self.sums.entry(key.clone()).or_insert(stored);
            if self.strict {
                assert_eq!(stored, sums);
                assert!(stored.0 >= 0 && stored.1 >= 0);
            }
        }
    }

    fn check_final_states(&mut self) {
        for (key, member) in self.core.members.iter() {
            let status = member.status(self.now);
            if self.ended_cards.contains(key) {
                assert_eq!(status, UserCardStatus::Unavailable);
            } else if status == UserCardStatus::Unavailable {
                self.ended_cards.insert(key.clone());
            }
        }
        for (card_id, template) in self.core.templates.iter() {
            let deleted = template.card.status == Some(CardTemplateStatus::Deleted);
            assert!(deleted || !self.ended_templates.contains(card_id));
            if deleted {
                self.ended_templates.insert(card_id.clone());
            }
        }
        for (id, activity) in self.core.activities.iter() {
            let status = activity.shown(self.now).activity_status.unwrap();
            if let Some(ended) = self.ended_activities.get(id) {
                assert_eq!(status, *ended);
            } else if matches!(
                status,
                ActivityStatus::Terminated | ActivityStatus::OverTime
            ) {
                self.ended_activities.insert(id.clone(), status);
            }
        }
    }
}
