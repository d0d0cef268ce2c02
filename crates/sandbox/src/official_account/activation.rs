//! Activation by the merchant, and the link that lets a mini program start it.

use kabao_models::official_account::member::ActivateMember;

use super::figures::Event;
use super::template::ActivationMode;
use super::{Context, Core, MemberKey, template_rules};
use crate::official_account::Refused;
use crate::random;

/// The content of `membercard/activate`.
pub(crate) type Activation = ActivateMember;

impl Core {
    /// Makes a card active, or changes what an earlier activation set.
    pub(crate) fn activate_member(
        &mut self,
        context: &Context<'_>,
        request: &Activation,
    ) -> Result<(), Refused> {
        let code = request
            .code
            .as_ref()
            .ok_or(Refused::Missing("code".into()))?
            .expose();
        let (key, template, card) = self.member(context, code, request.card_id.as_deref())?;
        card.check_usable(context, template)?;
        let number = request
            .membership_number
            .as_ref()
            .ok_or(Refused::Missing("membership_number".into()))?;
        let mut after = card.clone();
        after.activate_begin_time = request.activate_begin_time.or(after.activate_begin_time);
        after.activate_end_time = request.activate_end_time.or(after.activate_end_time);
        let (begin, end) = after.validity(template);
        if begin.zip(end).is_some_and(|(begin, end)| begin >= end) {
            return Err(Refused::TimeRange);
        }
        if request
            .activate_end_time
            .is_some_and(|end| end <= context.now)
        {
            return Err(Refused::Time);
        }
        let totals = [request.init_bonus, request.init_balance];
        if context.rules.refuse_negative_totals
            && totals.into_iter().flatten().any(|total| total < 0)
        {
            return Err(Refused::Body("a negative total".into()));
        }
        if let Some(url) = &request.background_pic_url {
            template_rules::picture(context, url)?;
        }
        let first = !card.has_active;
        if first {
            after.bonus = request
                .init_bonus
                .or(template.initial_bonus())
                .unwrap_or(after.bonus);
            after.balance = request.init_balance.unwrap_or(after.balance);
        } else if context.rules.reactivation_sets_totals {
            after.bonus = request.init_bonus.unwrap_or(after.bonus);
            after.balance = request.init_balance.unwrap_or(after.balance);
        }
        for (stored, new) in [
            (&mut after.background_pic_url, &request.background_pic_url),
            (
                &mut after.custom_field_value1,
                &request.init_custom_field_value1,
            ),
            (
                &mut after.custom_field_value2,
                &request.init_custom_field_value2,
            ),
            (
                &mut after.custom_field_value3,
                &request.init_custom_field_value3,
            ),
        ] {
            if new.is_some() {
                stored.clone_from(new);
            }
        }
        after.membership_number = Some(number.expose().to_owned());
        after.has_active = true;
        let openid = after.openid.clone();
        self.put_member(key.clone(), after);
        if first {
            self.figures
                .note(&key.0, &openid, context.now, Event::Activate);
        }
        Ok(())
    }

    /// Makes a card active without the merchant: after an automatic claim, a submitted form, or
    /// because the control API says so.
    pub(super) fn activate_itself(
        &mut self,
        context: &Context<'_>,
        key: &MemberKey,
    ) -> Result<(), Refused> {
        let (_, template, card) = self.held(&key.0, &key.1)?;
        card.check_usable(context, template)?;
        if card.has_active {
            return Err(Refused::Action("the card is active"));
        }
        let mut after = card.clone();
        after.has_active = true;
        after.bonus = template.initial_bonus().unwrap_or(after.bonus);
        after.membership_number.get_or_insert_with(|| key.1.clone());
        let openid = after.openid.clone();
        self.put_member(key.clone(), after);
        self.figures
            .note(&key.0, &openid, context.now, Event::Activate);
        Ok(())
    }

    /// The control API activates a card in place of whoever would.
    pub(crate) fn activate_by_control(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        self.activate_itself(context, &(card_id.to_owned(), code.to_owned()))
    }

    /// Returns the link that feeds the opening component of mini programs.
    pub(crate) fn activate_url(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        outer_str: Option<&str>,
    ) -> Result<String, Refused> {
        let template = self.template(context, card_id)?;
        let one_click = matches!(
            template.activation_mode(),
            ActivationMode::OneClick | ActivationMode::JumpOneClick
        );
        // The component can open cards with a form only.
        if template.is_deleted() || !one_click || template.form.is_none() {
            return Err(Refused::CardId);
        }
        let mut url =
            "https://mp.weixin.qq.com/bizmall/activatemembercard?action=preshow".to_owned();
        let encrypted = format!("{}==", random::secret(42));
        for (name, value) in [
            ("encrypt_card_id", encrypted.as_str()),
            ("outer_str", outer_str.unwrap_or_default()),
            ("biz", &format!("{}==", random::secret(14))),
        ] {
            url.push('&');
            url.push_str(name);
            url.push('=');
            kabao_models::encode_component(value, &mut url);
        }
        url.push_str("#wechat_redirect");
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::{NOW, World};

    fn request(card_id: &str, code: &str) -> Activation {
        Activation {
            card_id: Some(card_id.into()),
            ..Activation::new("M0000001", code)
        }
    }

    #[test]
    fn interface_activation_sets_initial_values_once() {
        let mut world = World::new();
        let card_id =
            world.approved(|card| card.activate_url = Some("https://shop.example.com/join".into()));
        let code = world.claim(&card_id, "oNew");
        let first = Activation {
            init_bonus: Some(100),
            init_balance: Some(5),
            ..request(&card_id, &code)
        };
        world
            .run(|core, context| core.activate_member(context, &first))
            .unwrap();
        let second = Activation {
            init_bonus: Some(7),
            ..Activation::new("M0000002", code.as_str())
        };
        world
            .run(|core, context| core.activate_member(context, &second))
            .unwrap();
        let info = world
            .run(|core, context| core.get_member(context, &card_id, &code))
            .unwrap();
        assert_eq!(
            (info.bonus, info.balance, info.has_active),
            (Some(100), Some(5), Some(true))
        );
        assert_eq!(info.membership_number.unwrap().expose(), "M0000002");
        world.rules.reactivation_sets_totals = true;
        world
            .run(|core, context| core.activate_member(context, &second))
            .unwrap();
        assert_eq!(
            world
                .run(|core, context| core.get_member(context, &card_id, &code))
                .unwrap()
                .bonus,
            Some(7)
        );
    }

    #[test]
    fn times_codes_and_states_are_checked() {
        let mut world = World::new();
        world.rules.require_cdn_pictures = true;
        let card_id = world.approved(|_| ());
        let code = world.claim(&card_id, "oNew");
        let base = request(&card_id, &code);
        for (request, expected) in [
            (request(&card_id, "000000000000"), 40056),
            (
                Activation {
                    activate_end_time: Some(NOW),
                    ..base.clone()
                },
                40079,
            ),
            (
                Activation {
                    activate_begin_time: Some(NOW + 9),
                    activate_end_time: Some(NOW + 8),
                    ..base.clone()
                },
                40100,
            ),
            (
                Activation {
                    background_pic_url: Some("https://example.com/x".into()),
                    ..base.clone()
                },
                52000,
            ),
            (
                Activation {
                    membership_number: None,
                    ..base.clone()
                },
                41011,
            ),
        ] {
            let refused = world
                .run(|core, context| core.activate_member(context, &request))
                .unwrap_err();
            assert_eq!(refused.errcode(), expected, "{request:?}");
        }
        world
            .run(|core, context| core.delete_member(context, &card_id, &code))
            .unwrap();
        assert_eq!(
            world.run(|core, context| core.activate_member(context, &base)),
            Err(Refused::UserCardStatus)
        );
    }
}
