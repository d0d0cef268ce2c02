//! Changes that the merchant makes on a user card: look, level, balance, points.

use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_cards::{BalanceChange, UpdateUserCard, UserCard};

use super::{Context, Core, Refused, Rule};

impl Core {
    /// Changes picture, number, level and balance of a user card.
    pub(super) fn update_member(
        &mut self,
        context: &Context<'_>,
        change: &UpdateUserCard,
    ) -> Result<(), Refused> {
        let (key, template, member) =
            self.member(context.merchant, &change.card_id, change.code.expose())?;
        let number = change.out_request_no.as_deref();
        member.check_usable(context)?;
        if let Some(balance) = &change.balance_information {
            let section = template.card.balance_information.as_ref();
            let has_balance = section.and_then(|section| section.need_balance) == Some(true);
            if context.rules.balance_needs_section && !has_balance {
                return Err(Rule::NoBalanceSection.into());
            }
            check_balance(context, &member.card, balance)?;
        }
        let before = member.card.clone();
        let after = updated(&before, change);
        self.change_member(&key, number, |member| member.card = after);
        Ok(())
    }

    /// Changes points and section texts of a user card.
    pub(super) fn update_member_rights(
        &mut self,
        context: &Context<'_>,
        request: &UpdateUserCardRights,
    ) -> Result<(), Refused> {
        let (key, template, member) =
            self.member(context.merchant, &request.card_id, request.code.expose())?;
        let number = request.out_request_no.as_deref();
        member.check_usable(context)?;
        let points = [
            request.before_bonus_value,
            request.bonus_value,
            request.add_bonus_value,
        ];
        let given = points.iter().flatten().count();
        if given > 0 && context.rules.points_need_section && !template.has_bonus() {
            return Err(Rule::NoBonusSection.into());
        }
        if given > 0 && given < points.len() && context.rules.points_members_together {
            return Err(Refused::Required("bonus_value"));
        }
        let before = member.card.clone();
        let mut after = before.clone();
        after.bonus_value = new_points(context, before.bonus_value, request)?;
        after.fapiao_jump_word = request.fapiao_jump_word.clone().or(after.fapiao_jump_word);
        after.guide = request.guide.clone().or(after.guide);
        let word = request.member_price_word.clone();
        self.change_member(&key, number, |member| {
            member.card = after;
            member.member_price_word = word.or(member.member_price_word.take());
        });
        Ok(())
    }
}

/// Checks the arithmetic that the settings ask for. By default nothing: the official sample
/// (888, +100, 888) breaks the obvious equation.
fn check_balance(
    context: &Context<'_>,
    card: &UserCard,
    change: &BalanceChange,
) -> Result<(), Refused> {
    let arithmetic = Arithmetic {
        stored: card.balance.unwrap_or(0),
        before: change.before_balance,
        after: change.balance,
        add: change.add_balance,
    };
    arithmetic.check(
        context,
        "balance_information/before_balance",
        (
            "balance_information/balance",
            "is not before_balance + add_balance",
        ),
    )
}

/// Finds the points after a change: `bonus_value`, or else the stored ones and the addition.
fn new_points(
    context: &Context<'_>,
    stored: Option<i64>,
    request: &UpdateUserCardRights,
) -> Result<Option<i64>, Refused> {
    let base = stored.unwrap_or(0);
    let after = match (request.bonus_value, request.add_bonus_value) {
        (Some(after), _) => after,
        (None, Some(add)) => base
            .checked_add(add)
            .ok_or_else(|| Refused::value("add_bonus_value", "is too large", add))?,
        (None, None) => return Ok(stored),
    };
    let arithmetic = Arithmetic {
        stored: base,
        before: request.before_bonus_value,
        after: Some(after),
        add: request.add_bonus_value,
    };
    arithmetic.check(
        context,
        "before_bonus_value",
        ("bonus_value", "is not before_bonus_value + add_bonus_value"),
    )?;
    Ok(Some(after))
}

/// The three numbers of a change, and the present one.
struct Arithmetic {
    stored: i64,
    before: Option<i64>,
    after: Option<i64>,
    add: Option<i64>,
}

impl Arithmetic {
    fn check(
        &self,
        context: &Context<'_>,
        before_field: &'static str,
        (after_field, unequal): (&'static str, &'static str),
    ) -> Result<(), Refused> {
        let rules = context.rules;
        if let Some(before) = self
            .before
            .filter(|before| rules.check_before && *before != self.stored)
        {
            return Err(Refused::value(
                before_field,
                "is not the stored value",
                before,
            ));
        }
        let Some(after) = self.after else {
            return Ok(());
        };
        if let (Some(before), Some(add)) = (self.before, self.add)
            && rules.check_equation
            && before.checked_add(add) != Some(after)
        {
            return Err(Refused::value(after_field, unequal, after));
        }
        if rules.refuse_negative && after < 0 {
            return Err(Refused::value(after_field, "must not be negative", after));
        }
        Ok(())
    }
}

fn updated(before: &UserCard, change: &UpdateUserCard) -> UserCard {
    let mut after = before.clone();
    after.membership_number = change.membership_number.clone().or(after.membership_number);
    after.background_picture_url = change
        .background_picture_url
        .clone()
        .or(after.background_picture_url);
    after.level = change.level.clone().or(after.level);
    let balance = change
        .balance_information
        .as_ref()
        .and_then(|change| change.balance);
    after.balance = balance.or(after.balance);
    after
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CARD, CODE, context, core, rules};
    use super::*;
    use crate::clock::plus_days;
    use crate::settings;

    fn official_example() -> UpdateUserCard {
        UpdateUserCard {
            level: Some("黄金会员".into()),
            membership_number: Some("478515832665".into()),
            balance_information: Some(BalanceChange {
                before_balance: Some(888),
                balance: Some(888),
                add_balance: Some(100),
                ..BalanceChange::default()
            }),
            ..UpdateUserCard::new(CARD, CODE, "1004202601010001")
        }
    }

    fn points(
        number: &str,
        before: Option<i64>,
        after: Option<i64>,
        add: Option<i64>,
    ) -> UpdateUserCardRights {
        UpdateUserCardRights {
            before_bonus_value: before,
            bonus_value: after,
            add_bonus_value: add,
            ..UpdateUserCardRights::new(CARD, CODE, number)
        }
    }

    #[test]
    fn the_official_balance_sample_is_stored_once_whatever_its_sum() {
        let mut core = core();
        let rules = rules();
        for _ in 0..3 {
            core.update_member(&context(&rules), &official_example())
                .unwrap();
        }
        let card = core.get_member(&context(&rules), CARD, CODE).unwrap();
        assert_eq!(card.balance, Some(888));
        assert_eq!(core.effects.len(), 1);
        assert_eq!(
            core.effects[0].out_request_no.as_deref(),
            Some("1004202601010001")
        );
    }

    #[test]
    fn checks_of_balance_and_points_can_be_switched_on() {
        let equation = settings::Merchant {
            check_equation: true,
            ..rules()
        };
        let before = settings::Merchant {
            check_before: true,
            ..rules()
        };
        let negative = settings::Merchant {
            refuse_negative: true,
            ..rules()
        };
        let wrong_before = UpdateUserCard {
            balance_information: Some(BalanceChange {
                before_balance: Some(1),
                ..official_example().balance_information.unwrap()
            }),
            ..official_example()
        };
        for (rules, request, field) in [
            (&equation, official_example(), "balance_information/balance"),
            (&before, wrong_before, "balance_information/before_balance"),
        ] {
            let error = core().update_member(&context(rules), &request).unwrap_err();
            assert!(
                matches!(error, Refused::Value { field: found, .. } if found == field),
                "{error:?}"
            );
        }
        for (rules, request, field) in [
            (
                &equation,
                points("n", Some(500), Some(600), Some(99)),
                "bonus_value",
            ),
            (
                &before,
                points("n", Some(1), Some(600), Some(599)),
                "before_bonus_value",
            ),
            (
                &negative,
                points("n", None, None, Some(-601)),
                "bonus_value",
            ),
        ] {
            let error = core()
                .update_member_rights(&context(rules), &request)
                .unwrap_err();
            assert!(
                matches!(error, Refused::Value { field: found, .. } if found == field),
                "{error:?}"
            );
        }
    }

    #[test]
    fn points_are_set_or_added() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        for (number, change, expected) in [
            ("n1", (Some(500), Some(650), Some(100)), 650),
            ("n2", (None, None, Some(-50)), 600),
            ("n3", (None, None, None), 600),
        ] {
            core.update_member_rights(&context, &points(number, change.0, change.1, change.2))
                .unwrap();
            let card = core.get_member(&context, CARD, CODE).unwrap();
            assert_eq!(card.bonus_value, Some(expected), "{number}");
        }
        let together = settings::Merchant {
            points_members_together: true,
            ..rules.clone()
        };
        let together = Context {
            rules: &together,
            ..context
        };
        let refused = core.update_member_rights(&together, &points("n4", None, Some(1), None));
        assert_eq!(refused, Err(Refused::Required("bonus_value")));
    }

    #[test]
    fn texts_of_the_sections_are_kept() {
        let mut core = core();
        let request = UpdateUserCardRights {
            member_price_word: Some("八五折".into()),
            fapiao_jump_word: Some("开发票".into()),
            ..UpdateUserCardRights::new(CARD, CODE, "n1")
        };
        core.update_member_rights(&context(&rules()), &request)
            .unwrap();
        let member = core.members.values().next().unwrap();
        assert_eq!(member.member_price_word.as_deref(), Some("八五折"));
        assert_eq!(member.card.fapiao_jump_word.as_deref(), Some("开发票"));
        assert_eq!(core.effects[0].changes.len(), 2);
    }

    #[test]
    fn unusable_cards_are_not_modified_unless_the_settings_say_so() {
        let mut core = core();
        let strict = rules();
        let late = Context {
            now: plus_days(context(&strict).now, 20 * 366),
            ..context(&strict)
        };
        assert_eq!(
            core.update_member(&late, &official_example()),
            Err(Rule::UserCardExpired.into())
        );
        core.delete_member(&context(&strict), CARD, CODE).unwrap();
        let refused = core.update_member(&context(&strict), &official_example());
        assert_eq!(refused, Err(Rule::UserCardDeleted.into()));
        let lenient = settings::Merchant {
            modify_unusable_cards: true,
            ..rules()
        };
        core.update_member(&context(&lenient), &official_example())
            .unwrap();
    }
}
