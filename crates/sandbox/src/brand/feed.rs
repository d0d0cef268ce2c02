//! Feeds: one line of membership news each.

use kabao_models::Personal;
use kabao_models::brand::{UserCardState, UserFeed};

use super::member::MemberId;
use super::member_change::Key;
use super::{Context, Core, Refused, Rule};

impl Core {
    /// Shows a feed on the face of a member's card.
    pub(super) fn create_feed(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        number: &str,
        cell: &str,
    ) -> Result<UserFeed, Refused> {
        self.usable_template(context, key.card_id)?;
        self.check_openid(context, key.openid)?;
        let effective = |state| state == UserCardState::Effective;
        let (id, _) = self
            .member(context, key)
            .ok()
            .filter(|(_, member)| {
                !context.rules.feeds_need_effective_card
                    || effective(member.state(context.now, context.rules))
            })
            .ok_or(Rule::NotMember)?;
        if !is_cell(cell) {
            return Err(Refused::at(Rule::CellMalformed, "cell", cell));
        }
        let granted = &context.rules.granted_feed_templates;
        let template = cell.split('_').next().unwrap_or_default();
        if !granted.is_empty() && !granted.iter().any(|known| known == template) {
            return Err(Rule::FeedNotGranted.into());
        }
        self.show_feed(id, cell, Some(number));
        let legacy = context.rules.answer_legacy_fields;
        Ok(UserFeed {
            brand_id: Some(context.brand.to_owned()),
            card_id: Some(key.card_id.to_owned()),
            user_card_code: Some(Personal::from(key.code)),
            out_request_no: Some(number.to_owned()),
            cell: Some(cell.to_owned()),
            openid: legacy.then(|| Personal::from(key.openid)),
            cell_message: legacy.then(|| cell.to_owned()),
            ..UserFeed::default()
        })
    }

    /// Puts a feed on a card.
    pub(super) fn show_feed(&mut self, id: MemberId, cell: &str, number: Option<&str>) {
        let Some(mut member) = self.members.get(id).cloned() else {
            return;
        };
        member.remember_feed(cell);
        self.members.replace(&mut self.effects, number, id, member);
    }
}

/// Tells whether a text is a feed: a template number of at most five digits, and variables.
pub(super) fn is_cell(cell: &str) -> bool {
    let mut parts = cell.split('_');
    let number = parts.next().unwrap_or_default();
    (1..=5).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && parts.all(|variable| !variable.is_empty())
        && !cell.contains(['[', ']'])
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;

    use super::super::testing::{CARD, CODE, OPENID, context, core, now, rule};
    use super::*;
    use crate::settings;

    const KEY: Key<'static> = Key {
        card_id: CARD,
        openid: OPENID,
        code: CODE,
    };

    #[test]
    fn a_feed_is_shown() {
        let mut core = core();
        let rules = settings::Brand::default();
        let context = context(&rules);
        let feed = core.create_feed(&context, &KEY, "n-1", "1_400").unwrap();
        assert_eq!(feed.strict_violations(), []);
        assert_eq!((feed.openid, feed.cell_message), (None, None));
        assert_eq!(core.effects.len(), 1);
        assert_eq!(core.effects[0].out_request_no.as_deref(), Some("n-1"));
        let legacy = settings::Brand {
            answer_legacy_fields: true,
            ..rules.clone()
        };
        let context = Context {
            rules: &legacy,
            ..context
        };
        let feed = core.create_feed(&context, &KEY, "n-2", "0").unwrap();
        assert_eq!(feed.cell_message.as_deref(), Some("0"));
    }

    #[test]
    fn feeds_are_refused_as_documented() {
        let rules = settings::Brand {
            granted_feed_templates: vec!["1".into()],
            ..settings::Brand::default()
        };
        let mut core = core();
        for (key, cell, expected) in [
            (
                Key {
                    card_id: "none",
                    ..KEY
                },
                "1_400",
                Rule::TemplateUnusable,
            ),
            (Key { openid: "", ..KEY }, "1_400", Rule::OpenidInvalid),
            (
                Key {
                    code: "none",
                    ..KEY
                },
                "1_400",
                Rule::NotMember,
            ),
            (KEY, "10_400", Rule::FeedNotGranted),
            (KEY, "1__400", Rule::CellMalformed),
            (KEY, "points", Rule::CellMalformed),
            (KEY, "123456_1", Rule::CellMalformed),
            (KEY, "1_[400]", Rule::CellMalformed),
        ] {
            assert_eq!(
                rule(core.create_feed(&context(&rules), &key, "n", cell)),
                expected
            );
        }
        core.delete_member(CARD, OPENID, now(), &rules).unwrap();
        assert_eq!(
            rule(core.create_feed(&context(&rules), &KEY, "n", "1_400")),
            Rule::NotMember
        );
        let loose = settings::Brand {
            feeds_need_effective_card: false,
            ..rules
        };
        core.create_feed(&context(&loose), &KEY, "n", "1_400")
            .unwrap();
    }
}
