//! Points that the payment result page shows for an order.

use kabao_models::merchant::bonus::{CommitBonus, PrepareBonus};
use serde::Serialize;

use super::state::MemberKey;
use super::{Context, Core, Refused, Rule};
use crate::ledger::{Change, Effect, whole};
use crate::records::Recorded;
use crate::settings::RepeatedNumber;

/// The points of one order.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    card_id: String,
    code: String,
    points: i64,
    arrived: bool,
}

/// What both operations say.
struct Announcement<'a> {
    card_id: &'a str,
    code: &'a str,
    out_trade_no: Option<&'a str>,
    mchid: Option<&'a str>,
    sub_mchid: Option<&'a str>,
    points: Option<i64>,
}

/// An announcement that may stand.
struct Checked {
    member: MemberKey,
    order: (String, String),
    points: i64,
}

impl Core {
    /// Announces the points of an order.
    pub(super) fn prepare_bonus(
        &mut self,
        context: &Context<'_>,
        request: &PrepareBonus,
    ) -> Result<(), Refused> {
        let checked = self.check_announcement(
            context,
            &Announcement {
                card_id: &request.card_id,
                code: request.code.expose(),
                out_trade_no: request.out_trade_no.as_deref(),
                mchid: request.mchid.as_deref(),
                sub_mchid: request.sub_mchid.as_deref(),
                points: request.bonus_value,
            },
        )?;
        if let Some(before) = self.orders.get(&checked.order) {
            let same = before.is_for(&checked.member) && before.points == checked.points;
            match context.rules.repeated_bonus_order {
                RepeatedNumber::Replay if same => return Ok(()),
                RepeatedNumber::Apply => {}
                RepeatedNumber::Replay | RepeatedNumber::Refuse => {
                    return Err(Rule::OrderAnnounced.into());
                }
            }
        }
        self.put_order(checked, false);
        Ok(())
    }

    /// Marks the points of an order as arrived.
    pub(super) fn commit_bonus(
        &mut self,
        context: &Context<'_>,
        request: &CommitBonus,
    ) -> Result<(), Refused> {
        let checked = self.check_announcement(
            context,
            &Announcement {
                card_id: &request.card_id,
                code: request.code.expose(),
                out_trade_no: request.out_trade_no.as_deref(),
                mchid: request.mchid.as_deref(),
                sub_mchid: request.sub_mchid.as_deref(),
                points: request.bonus_value,
            },
        )?;
        match self.orders.get(&checked.order) {
            None if context.rules.bonus_commit_needs_prepare => {
                return Err(Rule::OrderUnknown.into());
            }
            None => {}
            Some(order) if !order.is_for(&checked.member) => {
                return Err(Rule::OrderAnnounced.into());
            }
            Some(order) if order.arrived && order.points == checked.points => return Ok(()),
            Some(order) if order.arrived => return Err(Rule::OrderAnnounced.into()),
            Some(order)
                if context.rules.bonus_commit_same_value && order.points != checked.points =>
            {
                let issue = "is not what was announced";
                return Err(Refused::value("bonus_value", issue, checked.points));
            }
            Some(_) => {}
        }
        if context.rules.bonus_commit_adds_points {
            self.add_points(&checked.member, checked.points)?;
        }
        self.put_order(checked, true);
        Ok(())
    }

    fn check_announcement(
        &self,
        context: &Context<'_>,
        announcement: &Announcement<'_>,
    ) -> Result<Checked, Refused> {
        let template = self.template(context.merchant, announcement.card_id)?;
        if !template.has_bonus() {
            return Err(Rule::NoBonusSection.into());
        }
        let number = paying_number(context, announcement.mchid, announcement.sub_mchid)?;
        let (member, _, card) =
            self.member(context.merchant, announcement.card_id, announcement.code)?;
        card.check_usable(context)?;
        let out_trade_no = announcement
            .out_trade_no
            .ok_or(Refused::Required("out_trade_no"))?;
        let points = announcement
            .points
            .ok_or(Refused::Required("bonus_value"))?;
        if points < 1 {
            return Err(Refused::value("bonus_value", "must be positive", points));
        }
        Ok(Checked {
            member,
            order: (number.to_owned(), out_trade_no.to_owned()),
            points,
        })
    }

    fn put_order(&mut self, checked: Checked, arrived: bool) {
        let Checked {
            member: (card_id, code),
            order,
            points,
        } = checked;
        let after = Order {
            card_id,
            code,
            points,
            arrived,
        };
        self.orders.put(&mut self.effects, None, order, after);
    }

    fn add_points(&mut self, key: &MemberKey, points: i64) -> Result<(), Refused> {
        let member = self.members.get(key).ok_or(Rule::CodeNotExist)?;
        let sum = member.card.bonus_value.unwrap_or(0).checked_add(points);
        let sum = sum.ok_or_else(|| Refused::value("bonus_value", "is too large", points))?;
        self.change_member(key, None, |member| member.card.bonus_value = Some(sum));
        Ok(())
    }
}

impl Recorded for Order {
    /// Merchant number and `out_trade_no`.
    type Key = (String, String);

    fn place(&self, _: &Self::Key) -> Effect {
        Effect::on_member(&self.card_id, &self.code)
    }

    fn changes(key: &Self::Key, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        whole(&format!("orders.{}", key.1), &before, &after)
    }
}

impl Order {
    fn is_for(&self, member: &MemberKey) -> bool {
        self.card_id == member.0 && self.code == member.1
    }
}

/// Finds the merchant number that took the payment.
fn paying_number<'a>(
    context: &Context<'a>,
    mchid: Option<&'a str>,
    sub_mchid: Option<&'a str>,
) -> Result<&'a str, Refused> {
    let rules = context.rules;
    if let (Some(_), Some(both)) = (mchid, sub_mchid)
        && !rules.bonus_takes_both_numbers
    {
        return Err(Refused::value(
            "sub_mchid",
            "must not come together with mchid",
            both,
        ));
    }
    if rules.bonus_needs_own_number && mchid.is_some_and(|number| number != context.merchant) {
        return Err(Refused::value(
            "mchid",
            "is not the number in the header",
            mchid,
        ));
    }
    let is_provider = rules
        .service_provider_numbers
        .iter()
        .any(|number| number == context.merchant);
    let number = match sub_mchid.or(mchid) {
        Some(number) => number,
        None if is_provider => context.merchant,
        None => return Err(Refused::Required("mchid")),
    };
    if !(8..=10).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Rule::MerchantNumberInvalid.into());
    }
    let bound = &rules.bound_merchant_numbers;
    if !bound.is_empty() && !bound.iter().any(|bound| bound == number) {
        return Err(Rule::MerchantNotBound.into());
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CARD, CODE, MERCHANT, context, core, rules};
    use super::*;
    use crate::settings;

    fn prepare(order: &str, points: i64) -> PrepareBonus {
        PrepareBonus {
            mchid: Some(MERCHANT.into()),
            ..PrepareBonus::new(CARD, CODE, order, points)
        }
    }

    fn commit(order: &str, points: i64) -> CommitBonus {
        CommitBonus {
            mchid: Some(MERCHANT.into()),
            ..CommitBonus::new(CARD, CODE, order, points)
        }
    }

    #[test]
    fn an_order_is_announced_once_and_arrives_once() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        assert_eq!(
            core.commit_bonus(&context, &commit("o-1", 30)),
            Err(Rule::OrderUnknown.into())
        );
        for _ in 0..2 {
            core.prepare_bonus(&context, &prepare("o-1", 30)).unwrap();
        }
        let refused = core.prepare_bonus(&context, &prepare("o-1", 31));
        assert_eq!(refused, Err(Rule::OrderAnnounced.into()));
        for _ in 0..2 {
            core.commit_bonus(&context, &commit("o-1", 30)).unwrap();
        }
        let refused = core.commit_bonus(&context, &commit("o-1", 31));
        assert_eq!(refused, Err(Rule::OrderAnnounced.into()));
        assert_eq!(core.effects.len(), 2);
        let card = core.get_member(&context, CARD, CODE).unwrap();
        assert_eq!(card.bonus_value, Some(600), "the display changes no points");
    }

    #[test]
    fn the_settings_can_make_a_commit_add_its_points() {
        let mut core = core();
        let rules = settings::Merchant {
            bonus_commit_adds_points: true,
            bonus_commit_needs_prepare: false,
            bonus_commit_same_value: true,
            ..rules()
        };
        let context = context(&rules);
        for _ in 0..2 {
            core.commit_bonus(&context, &commit("o-1", 30)).unwrap();
        }
        core.prepare_bonus(&context, &prepare("o-2", 5)).unwrap();
        let refused = core.commit_bonus(&context, &commit("o-2", 6));
        assert!(matches!(
            refused,
            Err(Refused::Value {
                field: "bonus_value",
                ..
            })
        ));
        assert_eq!(
            core.get_member(&context, CARD, CODE).unwrap().bonus_value,
            Some(630)
        );
    }

    #[test]
    fn every_documented_refusal_is_produced() {
        let plain = rules();
        let bound = settings::Merchant {
            bound_merchant_numbers: vec!["1900000999".into()],
            ..rules()
        };
        let both = PrepareBonus {
            sub_mchid: Some(MERCHANT.into()),
            ..prepare("o", 1)
        };
        let nobody = PrepareBonus {
            mchid: None,
            ..prepare("o", 1)
        };
        let own = settings::Merchant {
            bonus_needs_own_number: true,
            ..rules()
        };
        let of_another = PrepareBonus {
            mchid: Some("1900000999".into()),
            ..prepare("o", 1)
        };
        core().prepare_bonus(&context(&plain), &of_another).unwrap();
        core()
            .prepare_bonus(&context(&own), &prepare("o", 1))
            .unwrap();
        for (rules, request, expected) in [
            (
                &own,
                of_another,
                Refused::value("mchid", "is not the number in the header", "1900000999"),
            ),
            (
                &plain,
                PrepareBonus {
                    mchid: Some("wx1".into()),
                    ..prepare("o", 1)
                },
                Rule::MerchantNumberInvalid.into(),
            ),
            (&bound, prepare("o", 1), Rule::MerchantNotBound.into()),
            (
                &plain,
                PrepareBonus {
                    code: "nobody".into(),
                    ..prepare("o", 1)
                },
                Rule::CodeNotExist.into(),
            ),
            (
                &plain,
                prepare("o", 0),
                Refused::value("bonus_value", "must be positive", 0),
            ),
            (
                &plain,
                both,
                Refused::value("sub_mchid", "must not come together with mchid", MERCHANT),
            ),
            (&plain, nobody.clone(), Refused::Required("mchid")),
        ] {
            assert_eq!(
                core().prepare_bonus(&context(rules), &request),
                Err(expected)
            );
        }
        let provider = settings::Merchant {
            service_provider_numbers: vec![MERCHANT.into()],
            ..rules()
        };
        core().prepare_bonus(&context(&provider), &nobody).unwrap();
        let mut core = core();
        core.delete_member(&context(&plain), CARD, CODE).unwrap();
        let refused = core.prepare_bonus(&context(&plain), &prepare("o", 1));
        assert_eq!(refused, Err(Rule::UserCardDeleted.into()));
        core.templates.get_mut(CARD).unwrap().sections.bonus = false;
        let refused = core.prepare_bonus(&context(&plain), &prepare("o", 1));
        assert_eq!(refused, Err(Rule::NoBonusSection.into()));
    }
}
