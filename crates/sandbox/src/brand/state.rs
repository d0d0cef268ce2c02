//! Everything that the family holds, as the control API shows it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::core::in_clear;
use super::{Context, Core};
use crate::settings;

impl Core {
    /// Shows templates, user cards, activities and exchanges of all brands, in clear: the control
    /// API is for the machine of a developer.
    pub(crate) fn state(&self, now: Timestamp, rules: &settings::Brand) -> Value {
        let templates: Vec<_> = self
            .templates()
            .map(|template| {
                let context = Context {
                    brand: template.brand(),
                    appid: None,
                    now,
                    rules,
                };
                json!({ "card": template.shown(&context) })
            })
            .collect();
        let members: Vec<_> = self
            .members()
            .map(|member| {
                json!({
                    "card": in_clear(&member.shown(now, rules)),
                    "point_balance": member.points,
                    "feeds": member.feeds,
                })
            })
            .collect();
        json!({
            "templates": templates,
            "members": members,
            "membership_activities": self.activities(now).collect::<Vec<_>>(),
            "coupon_stocks": self.stocks,
            "exchange_templates": self.exchange_templates.values().collect::<Vec<_>>(),
            "exchange_records": self.exchange_records().collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::core::tests::{CARD, CODE, core, now};
    use super::*;

    #[test]
    fn sensitive_members_are_shown_in_clear() {
        let state = core().state(now(), &settings::Brand::default());
        assert_eq!(state["templates"][0]["card"]["card_id"], CARD);
        assert_eq!(state["members"][0]["card"]["user_card_code"], CODE);
        assert!(state["members"][0]["card"]["phone_number"].is_string());
    }
}
