//! The points balance that the merchant mirrors to the card.

use kabao_models::Personal;
use kabao_models::brand::{UserCardState, UserPoints};

use super::member::MemberId;
use super::member_change::Key;
use super::{Context, Core, Refused, Rule};

impl Core {
    /// Stores the absolute balance of a member.
    pub(super) fn sync_points(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        number: &str,
        balance: i64,
    ) -> Result<UserPoints, Refused> {
        self.check_openid(context, key.openid)?;
        let (id, member) = self.member(context, key)?;
        let state = member.state(context.now, context.rules);
        if context.rules.points_need_effective_card && state != UserCardState::Effective {
            return Err(Rule::NotEffective.into());
        }
        if context.rules.refuse_negative_points && balance < 0 {
            return Err(Refused::at(Rule::PointsNegative, "point_balance", balance));
        }
        self.set_points(id, balance, Some(number));
        Ok(UserPoints {
            out_request_no: Some(number.to_owned()),
            brand_id: Some(context.brand.to_owned()),
            card_id: Some(key.card_id.to_owned()),
            openid: Some(Personal::from(key.openid)),
            user_card_code: Some(Personal::from(key.code)),
            point_balance: Some(balance),
            ..UserPoints::default()
        })
    }

    /// Stores a balance and notes the change.
    pub(super) fn set_points(&mut self, id: MemberId, balance: i64, number: Option<&str>) {
        let Some(mut member) = self.members.get(id).cloned() else {
            return;
        };
        member.points = Some(balance);
        member.syncs += 1;
        self.members.replace(&mut self.effects, number, id, member);
    }
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

    fn points(core: &Core) -> Option<i64> {
        core.members().next().and_then(|member| member.points)
    }

    #[test]
    fn the_last_balance_stands() {
        let mut core = core();
        let rules = settings::Brand::default();
        let answer = core
            .sync_points(&context(&rules), &KEY, "n-1", 400)
            .unwrap();
        assert_eq!(answer.strict_violations(), []);
        core.sync_points(&context(&rules), &KEY, "n-2", -5).unwrap();
        assert_eq!(points(&core), Some(-5));
        let change = &core.effects[1].changes[0];
        assert_eq!(
            (&change.before, &change.after),
            (&Some(400.into()), &Some((-5).into()))
        );
    }

    #[test]
    fn more_checks_can_be_switched_on() {
        let mut core = core();
        let rules = settings::Brand {
            refuse_negative_points: true,
            points_need_effective_card: true,
            ..settings::Brand::default()
        };
        let context = context(&rules);
        assert_eq!(
            rule(core.sync_points(&context, &KEY, "n", -1)),
            Rule::PointsNegative
        );
        let unknown = Key {
            code: "none",
            ..KEY
        };
        assert_eq!(
            rule(core.sync_points(&context, &unknown, "n", 1)),
            Rule::UserCardUnknown
        );
        core.delete_member(CARD, OPENID, now(), &rules).unwrap();
        assert_eq!(
            rule(core.sync_points(&context, &KEY, "n", 1)),
            Rule::NotEffective
        );
        let refused = core.sync_points(&context, &Key { openid: "", ..KEY }, "n", 1);
        assert_eq!(rule(refused), Rule::OpenidInvalid);
    }
}
