//! Redeeming a code by the API.

use kabao_models::official_account::UserCardStatus;

use super::code::{check_consumed, check_form};
use super::{Context, Core};
use crate::official_account::Refused;
use crate::settings::Permit;

impl Core {
    /// Redeems a code for good and returns its card and its holder. Every card here is a member card,
    /// which WeChat is reported not to redeem; a setting decides.
    pub(crate) fn redeem_code(
        &mut self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
    ) -> Result<(String, String), Refused> {
        check_form(code)?;
        let named = card_id.is_some_and(|card_id| !card_id.is_empty());
        if !named && self.is_own_code(context, code) {
            return Err(Refused::CardIdMissing);
        }
        let (key, template, card) = self.member(context, code, card_id)?;
        if context.rules.consume_member_card == Permit::Refuse {
            return Err(Refused::CardType);
        }
        check_consumed(&key, card)?;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        match card.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout => {}
            UserCardStatus::Expire => return Err(Refused::Time),
            UserCardStatus::GiftSucc => return Err(Refused::Code),
            _ => return Err(Refused::UserCardStatus),
        }
        if card
            .validity(template)
            .0
            .is_some_and(|begin| context.now < begin)
        {
            return Err(Refused::Time);
        }
        let openid = card.openid.clone();
        self.consume(context, &key.0, &key.1)?;
        Ok((key.0, openid))
    }

    /// Tells whether somebody holds a code that one of the caller's cards brought.
    fn is_own_code(&self, context: &Context<'_>, code: &str) -> bool {
        !self.platform_codes.contains_key(code)
            && self
                .members
                .keys()
                .any(|(card_id, held)| held == code && self.owner(card_id) == Some(context.appid))
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::DateInfoType;
    use kabao_models::official_account::card::DateInfo;

    use super::*;
    use crate::official_account::testing::{CARD, CODE, NOW, World};

    fn redeem(world: &mut World, code: &str, card_id: Option<&str>) -> Result<(), i64> {
        world
            .run(|core, context| core.redeem_code(context, code, card_id))
            .map(|_| ())
            .map_err(|refused| refused.errcode())
    }

    #[test]
    fn a_member_card_is_redeemed_once_and_only_where_the_setting_allows_it() {
        let mut world = World::new();
        assert_eq!(redeem(&mut world, CODE, None), Err(40071));
        world.rules.consume_member_card = Permit::Accept;
        assert_eq!(redeem(&mut world, CODE, Some(CARD)), Ok(()));
        assert_eq!(redeem(&mut world, CODE, None), Err(40099));
        assert_eq!(redeem(&mut world, "000000000000", None), Err(40056));
        assert_eq!(redeem(&mut world, CODE, Some("none")), Err(40073));
    }

    #[test]
    fn a_code_is_redeemed_inside_its_validity_only() {
        let mut world = World::new();
        world.rules.consume_member_card = Permit::Accept;
        let card_id = world.approved_base(|base| {
            base.date_info = Some(DateInfo {
                r#type: Some(DateInfoType::DateTypeFixTerm),
                fixed_term: Some(1),
                fixed_begin_term: Some(1),
                ..DateInfo::default()
            });
        });
        let code = world.claim(&card_id, "oNew");
        assert_eq!(redeem(&mut world, &code, None), Err(40079), "not yet");
        world.now = NOW + 2 * 86_400;
        assert_eq!(redeem(&mut world, &code, None), Err(40079), "too late");
        world.now = NOW + 86_400;
        world
            .run(|core, context| core.delete_member(context, &card_id, &code))
            .unwrap();
        assert_eq!(redeem(&mut world, &code, None), Err(40127));
        let other = world.approved(|_| ());
        let held = world.claim(&other, "oNew");
        world
            .run(|core, context| core.delete_template(context, &other))
            .unwrap();
        assert_eq!(redeem(&mut world, &held, None), Err(40078));
    }
}
