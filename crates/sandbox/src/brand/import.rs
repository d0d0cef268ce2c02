//! How users become members without joining: the merchant imports them, or an order enrols them.

use jiff::Timestamp;
use kabao_models::Sensitive;
use kabao_models::brand::{UserCard, UserCardState, ValidDateType};

use super::member::{Ending, Member};
use super::member_change::{Data, Key};
use super::template::Template;
use super::{Context, Core, Refused, Rule, User, feed, validity};
use crate::clock::{parse_rfc3339, rfc3339};
use crate::random;
use crate::settings::{self, PickupTime};

impl Core {
    /// Imports a member of the merchant: the card is effective at once.
    pub(super) fn import_by_openid(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        mut data: Data,
    ) -> Result<UserCard, Refused> {
        let template = self.usable_template(context, key.card_id)?;
        self.check_openid(context, key.openid)?;
        let taken = pickup_time(context, &data, template)?;
        data.check(self, context, template)?;
        let information = data.valid_date_information.as_ref();
        let information = information.or(template.card.valid_date_information.as_ref());
        if validity::end(information, taken).is_some_and(|end| context.now >= end) {
            return Err(Rule::ImportExpired.into());
        }
        for (_, member) in self.cards_under(context, key.card_id, key.openid) {
            match (member.state(context.now, context.rules), member.ending) {
                (UserCardState::Unactivated, _) => return Err(Rule::PendingCard.into()),
                (UserCardState::Effective, _) => return Err(Rule::EffectiveCard.into()),
                (_, Some(Ending::Deleted)) => return Err(Rule::DeletedByUser.into()),
                _ => {}
            }
        }
        self.check_code_is_free(key.card_id, key.code)?;
        let mut member = Member::new(template, key.openid, taken, context.now);
        data.pickup_time = None;
        data.lay_over(&mut member.card);
        member.card.user_card_code = Some(key.code.into());
        member.activate(taken);
        Ok(self.admit(context, member))
    }

    /// Imports a member by phone number.
    pub(super) fn import_by_phone(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
        data: Data,
    ) -> Result<UserCard, Refused> {
        if !context.rules.unlisted_operations_answer {
            return Err(Rule::CallerClosed.into());
        }
        let phone = data
            .phone_number
            .as_ref()
            .map_or("", Sensitive::expose)
            .to_owned();
        let known = self.user_of_phone(context, &phone);
        // A number that nobody described belongs to a user that the sandbox did not know yet.
        let openid = known
            .clone()
            .unwrap_or_else(|| format!("o{}", random::secret(27)));
        let appid = self.usable_template(context, card_id)?.card.appid.clone();
        let card = self.import_by_openid(
            context,
            &Key {
                card_id,
                openid: &openid,
                code,
            },
            data,
        )?;
        if known.is_none() {
            self.put_user(
                &openid,
                User {
                    appid,
                    phone_number: Some(phone),
                },
            );
        }
        Ok(card)
    }

    /// A user pays an order whose `attach` names a card: an unknown payer is enrolled if there is
    /// a code, a member gets the feed. Returns the card of the payer, if there is one.
    pub(crate) fn pay_order(
        &mut self,
        openid: &str,
        attach: &str,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<Option<UserCard>, Refused> {
        let part = |name: &str| {
            let parts = attach.rsplit('&');
            parts.into_iter().find_map(|part| {
                let (before, value) = part.split_once('=')?;
                before
                    .ends_with(name)
                    .then(|| value.trim_matches(['[', ']']).to_owned())
            })
        };
        let cell = part("cell")
            .filter(|cell| feed::is_cell(cell))
            .ok_or(Rule::AttachMalformed)?;
        let card_id = part("card_id").ok_or(Rule::AttachMalformed)?;
        let template = self
            .templates
            .get(&card_id)
            .ok_or(Rule::TemplateUnusable)?
            .clone();
        let context = Context {
            brand: template.brand(),
            appid: None,
            now,
            rules,
        };
        self.usable_template(&context, &card_id)?;
        self.check_openid(&context, openid)?;
        let held = self
            .cards_under(&context, &card_id, openid)
            .find(|(_, member)| member.state(now, rules) == UserCardState::Effective)
            .map(|(id, member)| (id, member.shown(now, rules)));
        if let Some((id, card)) = held {
            self.show_feed(id, &cell, None);
            return Ok(Some(card));
        }
        let Some(code) = part("user_card_code").filter(|code| !code.is_empty()) else {
            return Ok(None);
        };
        let data = Data {
            pickup_time: Some(rfc3339(now)),
            ..Data::default()
        };
        self.import_by_openid(
            &context,
            &Key {
                card_id: &card_id,
                openid,
                code: &code,
            },
            data,
        )
        .map(Some)
    }
}

/// Returns when an imported member took the card: what the request says, or now.
fn pickup_time(
    context: &Context<'_>,
    data: &Data,
    template: &Template,
) -> Result<Timestamp, Refused> {
    let needed = match context.rules.import_pickup_time {
        PickupTime::FixTerm => template.validity_type() == Some(&ValidDateType::FixTerm),
        PickupTime::FixTimeRange => template.validity_type() == Some(&ValidDateType::FixTimeRange),
        PickupTime::Both => template.validity_type() != Some(&ValidDateType::Permanent),
        PickupTime::Never => false,
    };
    let Some(text) = &data.pickup_time else {
        return if needed {
            Err(Refused::at(Rule::PickupTimeMissing, "pickup_time", ""))
        } else {
            Ok(context.now)
        };
    };
    parse_rfc3339(text)
        .filter(|moment| *moment <= context.now)
        .ok_or_else(|| Refused::at(Rule::PickupTimeFuture, "pickup_time", text.as_str()))
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;

    use super::super::claim::tests::pending;
    use super::super::testing::{CARD, context, core, now, rule};
    use super::super::validity::tests::{range, term};
    use super::*;

    fn rules() -> settings::Brand {
        settings::Brand::default()
    }

    fn key<'a>(openid: &'a str, code: &'a str) -> Key<'a> {
        Key {
            card_id: CARD,
            openid,
            code,
        }
    }

    #[test]
    fn imports_are_effective_at_once_and_respect_history() {
        let rules = rules();
        let (mut core, _) = pending(&rules, true);
        let context = context(&rules);
        let import = |core: &mut Core, openid: &str, code: &str| {
            core.import_by_openid(&context, &key(openid, code), Data::default())
        };
        let card = import(&mut core, "oNew", "HT-1").unwrap();
        assert_eq!(card.user_card_state, Some(UserCardState::Effective));
        assert_eq!(card.strict_violations(), []);
        assert_eq!(rule(import(&mut core, "oOther", "HT-1")), Rule::CodeTaken);
        assert_eq!(rule(import(&mut core, "oNew", "HT-2")), Rule::EffectiveCard);
        assert_eq!(rule(import(&mut core, "oWaits", "HT-2")), Rule::PendingCard);
        core.invalidate_member(&context, &key("oNew", "HT-1"), None)
            .unwrap();
        assert_eq!(rule(import(&mut core, "oNew", "HT-1")), Rule::CodeTaken);
        import(&mut core, "oNew", "HT-2").unwrap();
        core.delete_member(CARD, "oNew", now(), &rules).unwrap();
        assert_eq!(rule(import(&mut core, "oNew", "HT-3")), Rule::DeletedByUser);
        core.invalidate_template(&context, CARD).unwrap();
        assert_eq!(
            rule(import(&mut core, "oThird", "HT-4")),
            Rule::TemplateUnusable
        );
    }

    #[test]
    fn imports_need_a_pickup_time_that_leaves_something() {
        let cases = [
            (
                PickupTime::FixTerm,
                term(30),
                None,
                Some(Rule::PickupTimeMissing),
            ),
            (PickupTime::Never, term(30), None, None),
            (PickupTime::FixTerm, term(30), Some("2025-12-15"), None),
            (
                PickupTime::FixTerm,
                term(30),
                Some("2025-11-15"),
                Some(Rule::ImportExpired),
            ),
            (
                PickupTime::FixTerm,
                term(30),
                Some("2027-01-01"),
                Some(Rule::PickupTimeFuture),
            ),
            (
                PickupTime::FixTerm,
                range("2025-01-01", "2026-06-01"),
                None,
                None,
            ),
            (
                PickupTime::FixTimeRange,
                range("2025-01-01", "2026-06-01"),
                None,
                Some(Rule::PickupTimeMissing),
            ),
            (
                PickupTime::Both,
                range("2025-01-01", "2025-06-01"),
                None,
                Some(Rule::PickupTimeMissing),
            ),
            (
                PickupTime::FixTerm,
                range("2025-01-01", "2025-06-01"),
                None,
                Some(Rule::ImportExpired),
            ),
        ];
        for (needed, validity, day, expected) in cases {
            let rules = settings::Brand {
                import_pickup_time: needed,
                ..rules()
            };
            let mut core = core();
            core.templates
                .get_mut(CARD)
                .unwrap()
                .card
                .valid_date_information = Some(validity);
            let pickup_time = day.map(|day| format!("{day}T00:00:00+08:00"));
            let data = Data {
                pickup_time,
                ..Data::default()
            };
            let found = core.import_by_openid(&context(&rules), &key("oNew", "HT-1"), data);
            assert_eq!(
                found.err().map(|refused| refused.rule),
                expected,
                "{needed:?} {day:?}"
            );
        }
    }

    #[test]
    fn a_phone_number_finds_its_user() {
        let mut core = core();
        let rules = rules();
        let appid = core.templates.get(CARD).unwrap().card.appid.clone();
        core.put_user(
            "oKnown",
            User {
                appid,
                phone_number: Some("13800000419".into()),
            },
        );
        let data = |phone: &str| Data {
            phone_number: Some(Sensitive::plain(phone)),
            ..Data::default()
        };
        let known = core
            .import_by_phone(&context(&rules), CARD, "HT-1", data("13800000419"))
            .unwrap();
        assert_eq!(
            known.openid.as_ref().map(|openid| openid.expose()),
            Some("oKnown")
        );
        let new = core
            .import_by_phone(&context(&rules), CARD, "HT-2", data("13800000420"))
            .unwrap();
        let again = core.import_by_phone(&context(&rules), CARD, "HT-3", data("13800000420"));
        assert_eq!(rule(again), Rule::EffectiveCard);
        assert_eq!(new.openid.unwrap().expose().len(), 28);
        let closed = settings::Brand {
            unlisted_operations_answer: false,
            ..rules
        };
        let refused = core.import_by_phone(&context(&closed), CARD, "HT-4", data("1"));
        assert_eq!(rule(refused), Rule::CallerClosed);
    }

    #[test]
    fn an_order_enrols_its_payer() {
        let mut core = core();
        let rules = rules();
        let attach = |code: &str| format!("table=7&cell=[0]&card_id=[{CARD}]{code}");
        let without = core.pay_order("oNew", &attach(""), now(), &rules).unwrap();
        assert_eq!(without, None);
        let with = attach("&user_card_code=[HT-9]");
        let card = core
            .pay_order("oNew", &with, now(), &rules)
            .unwrap()
            .unwrap();
        assert_eq!(card.user_card_state, Some(UserCardState::Effective));
        let effects = core.effects.len();
        core.pay_order("oNew", &with, now(), &rules).unwrap();
        assert_eq!(core.effects.len(), effects + 1);
        assert_eq!(core.effects[effects].changes[0].field, "feed");
        let malformed = core.pay_order("oNew", "table=7", now(), &rules);
        assert_eq!(rule(malformed), Rule::AttachMalformed);
    }
}
