//! The sections of a template: points, offers, invoices, contact.

use kabao_models::merchant::card_rights::UpdateCardRights;
use kabao_models::merchant::cards::{Card, Favor};
use kabao_models::merchant::{FavorModuleTitle, MemberPriceTitle};
use serde::Serialize;

use super::template_rules::is_empty;
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::overlay::reduced;

/// Which sections are on, and what only the request knows of them.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Sections {
    pub(super) bonus: bool,
    pub(super) favor: bool,
    pub(super) fapiao: bool,
    pub(super) guide: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_price_title: Option<MemberPriceTitle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    favor_module_title: Option<FavorModuleTitle>,
}

impl Sections {
    /// Takes what a template describes as on.
    pub(super) fn of(card: &Card) -> Self {
        Self {
            bonus: card.bonus.is_some(),
            favor: card.favor.is_some(),
            fapiao: card.fapiao.is_some(),
            guide: card.guide.is_some(),
            ..Self::default()
        }
    }

    /// Takes the sections that are off from a template.
    pub(super) fn hide_closed(&self, card: &mut Card) {
        if !self.bonus {
            card.bonus = None;
        }
        if !self.favor {
            card.favor = None;
        }
        if !self.fapiao {
            card.fapiao = None;
        }
        if !self.guide {
            card.guide = None;
        }
    }
}

impl Core {
    /// Switches sections and describes them; what the request leaves out stays described as it
    /// was.
    pub(super) fn update_sections(
        &mut self,
        context: &Context<'_>,
        change: &UpdateCardRights,
    ) -> Result<(), Refused> {
        let template = self.template(context.merchant, &change.card_id)?;
        if template.is_deleted() && !context.rules.modify_deleted_templates {
            return Err(Rule::CardDeleted.into());
        }
        if let Some(bonus) = &change.bonus
            && !is_empty(bonus.bonus_jump_appid.as_ref())
            && is_empty(bonus.bonus_jump_path.as_ref())
        {
            return Err(Rule::BonusPathEmpty.into());
        }
        let mut after = template.card.clone();
        after.bonus = change.bonus.clone().or(after.bonus);
        after.fapiao = change.fapiao.clone().or(after.fapiao);
        after.guide = change.guide.clone().or(after.guide);
        let mut sections = Sections {
            bonus: change.show_bonus.unwrap_or(false),
            favor: change.show_favor.unwrap_or(false),
            fapiao: change.show_fapiao.unwrap_or(false),
            guide: change.show_guide.unwrap_or(false),
            ..template.sections.clone()
        };
        if let Some(favor) = &change.favor {
            // A template shows no titles of the offers section, so they are kept beside it.
            after.favor = Some(reduced::<Favor, _>(favor).ok_or(Refused::Internal)?);
            sections
                .member_price_title
                .clone_from(&favor.member_price_title);
            sections
                .favor_module_title
                .clone_from(&favor.favor_module_title);
        }
        after.update_time = Some(rfc3339_millis(context.now));
        self.change_template(&change.card_id, |template| {
            template.card = after;
            template.sections = sections;
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::card_rights::FavorSetting;
    use kabao_models::merchant::{Bonus, Fapiao};

    use super::super::testing::{CARD, context, core, rules};
    use super::*;
    use crate::settings;

    #[test]
    fn sections_appear_and_disappear() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let on = UpdateCardRights {
            favor: Some(FavorSetting {
                show_coupon: Some(true),
                favor_module_title: Some(FavorModuleTitle::Vip),
                ..FavorSetting::default()
            }),
            show_fapiao: Some(true),
            fapiao: Some(Fapiao {
                fapiao_jump_word: Some("开发票".into()),
                ..Fapiao::default()
            }),
            ..UpdateCardRights::new(CARD, true, true)
        };
        core.update_sections(&context, &on).unwrap();
        let card = core.get_template(&context, CARD).unwrap();
        assert!(
            card.strict_violations().is_empty(),
            "{:?}",
            card.strict_violations()
        );
        assert!(
            card.bonus.is_some()
                && card.favor.is_some()
                && card.fapiao.is_some()
                && card.guide.is_none()
        );
        core.update_sections(&context, &UpdateCardRights::new(CARD, false, true))
            .unwrap();
        let card = core.get_template(&context, CARD).unwrap();
        assert!(card.bonus.is_none() && card.favor.is_some() && card.fapiao.is_none());
        let shown = settings::Merchant {
            hide_closed_sections: false,
            ..rules.clone()
        };
        let shown = Context {
            rules: &shown,
            ..context
        };
        assert!(core.get_template(&shown, CARD).unwrap().bonus.is_some());
        assert_eq!(core.effects.len(), 2);
    }

    #[test]
    fn a_bonus_mini_program_needs_a_path() {
        let change = UpdateCardRights {
            bonus: Some(Bonus {
                bonus_jump_appid: Some("wx1".into()),
                ..Bonus::default()
            }),
            ..UpdateCardRights::new(CARD, true, false)
        };
        let refused = core().update_sections(&context(&rules()), &change);
        assert_eq!(refused, Err(Rule::BonusPathEmpty.into()));
    }
}
