//! Points for a coupon: the user asks, the merchant answers, the coupon is issued or not.

use jiff::Timestamp;
use kabao_models::Personal;
use kabao_models::brand::{
    ExchangeRecord, PointExchangeResult, PointExchangeState, ProductCouponStockType, UserCardState,
};
use serde::Serialize;

use super::member_change::Key;
use super::{Context, Core, Refused, Rule};
use crate::clock::day;
use crate::described::described;
use crate::ledger::{Change, Effect, whole};
use crate::random;
use crate::records::Recorded;
use crate::settings::{self, RepeatedNumber};

described! {
    /// What WeChat's staff set up: what an exchange costs and gives.
    #[derive(Clone, Serialize)]
    pub(crate) struct ExchangeTemplate {
        /// Its id.
        pub(crate) exchange_coupon_template_id: String,
        /// The template whose members can ask.
        pub(crate) card_id: String,
        /// How many points it costs.
        pub(crate) deduct_points: i64,
        /// The coupon.
        pub(crate) product_coupon_id: String,
        /// The stock that the coupon comes from.
        pub(crate) stock_id: String,
        /// How many coupons are left.
        pub(crate) stock: i64,
        /// How many exchanges a user may ask for on one day.
        pub(crate) per_user_and_day: usize,
    }
}

/// One request of a user.
#[derive(Clone)]
pub(super) struct PointExchange {
    /// What an answer shows, without state before the merchant answered.
    answer: ExchangeRecord,
    deduct_points: i64,
    result: Option<PointExchangeResult>,
    /// The calendar day of the request.
    day: i64,
}

impl Recorded for ExchangeTemplate {
    /// Its id.
    type Key = String;

    fn place(&self, _: &String) -> Effect {
        Effect::on(&self.card_id)
    }

    fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let stock = |template: Option<&Self>| template.map(|template| template.stock);
        whole("exchange_stock", &stock(before), &stock(after))
    }
}

impl Recorded for PointExchange {
    /// The `record_id`.
    type Key = String;

    fn place(&self, _: &String) -> Effect {
        Effect {
            template: self.answer.card_id.clone(),
            member: self
                .answer
                .user_card_code
                .clone()
                .map(Personal::into_exposed),
            ..Effect::default()
        }
    }

    fn changes(key: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let state = |exchange: Option<&Self>| exchange.and_then(|one| one.answer.state.clone());
        let mut changes = whole("exchange_state", &state(before), &state(after));
        if before.is_none() {
            changes.extend(whole("exchange_record", &None, &Some(key)));
        }
        changes
    }
}

impl Core {
    /// Returns what can be exchanged.
    pub(crate) fn exchange_templates(&self) -> impl Iterator<Item = &ExchangeTemplate> {
        self.exchange_templates.values()
    }

    /// Sets up an exchange, or changes one.
    pub(crate) fn put_exchange_template(&mut self, template: ExchangeTemplate) {
        self.exchange_templates
            .fill(template.exchange_coupon_template_id.clone(), template);
    }

    /// A member asks for an exchange. The record waits for the merchant's answer.
    pub(crate) fn request_exchange(
        &mut self,
        exchange_template: &str,
        openid: &str,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<ExchangeRecord, Refused> {
        let template = self
            .exchange_templates
            .get(exchange_template)
            .ok_or(Rule::ExchangeTemplateUnknown)?;
        let card = &self
            .templates
            .get(&template.card_id)
            .ok_or(Rule::TemplateUnknown)?;
        let brand = card.brand().to_owned();
        let context = Context {
            brand: &brand,
            appid: None,
            now,
            rules,
        };
        let (_, member) = self
            .cards_under(&context, &template.card_id, openid)
            .find(|(_, member)| member.state(now, rules) == UserCardState::Effective)
            .ok_or(Rule::NotMember)?;
        // The balance is known only once it was synchronised.
        if member
            .points
            .is_some_and(|points| points < template.deduct_points)
        {
            return Err(Rule::PointsTooFew.into());
        }
        let asked = self.exchanges.values().filter(|record| {
            record.day == day(now)
                && record.answer.exchange_coupon_template_id.as_deref() == Some(exchange_template)
                && record
                    .answer
                    .openid
                    .as_ref()
                    .is_some_and(|known| known.expose() == openid)
        });
        if template.stock <= 0 || asked.count() >= template.per_user_and_day {
            return Err(Rule::ExchangeOver.into());
        }
        let record_id = random::secret(16);
        let answer = ExchangeRecord {
            record_id: Some(record_id.clone()),
            exchange_coupon_template_id: Some(exchange_template.to_owned()),
            brand_id: Some(brand.clone()),
            card_id: Some(template.card_id.clone()),
            openid: Some(Personal::from(openid)),
            user_card_code: member.card.user_card_code.clone(),
            product_coupon_id: Some(template.product_coupon_id.clone()),
            product_coupon_stock_type: Some(
                ProductCouponStockType::ProductCouponStockTypeBrandFavor,
            ),
            stock_id: Some(template.stock_id.clone()),
            ..ExchangeRecord::default()
        };
        let exchange = PointExchange {
            answer: answer.clone(),
            deduct_points: template.deduct_points,
            result: None,
            day: day(now),
        };
        self.exchanges
            .put(&mut self.effects, None, record_id, exchange);
        Ok(answer)
    }

    /// The merchant allows or rejects an exchange.
    pub(super) fn confirm_exchange(
        &mut self,
        context: &Context<'_>,
        key: &Key<'_>,
        answer: &ExchangeAnswer<'_>,
    ) -> Result<ExchangeRecord, Refused> {
        self.check_openid(context, key.openid)?;
        let allowed = *answer.result == PointExchangeResult::PointExchangeCouponAllow;
        let reason = answer.reject_reason.filter(|reason| !reason.is_empty());
        if !allowed && reason.is_none() {
            return Err(Refused::at(Rule::RejectReasonMissing, "reject_reason", ""));
        }
        let record = self
            .exchanges
            .get(answer.record_id)
            .filter(|record| {
                record.answer.brand_id.as_deref() == Some(context.brand)
                    && record.answer.exchange_coupon_template_id.as_deref()
                        == Some(answer.exchange_template)
            })
            .ok_or(Rule::RecordUnknown)?;
        let (id, member) = self.member(context, key)?;
        if record.answer.user_card_code.as_ref().map(Personal::expose) != Some(key.code)
            || record.answer.card_id.as_deref() != Some(key.card_id)
        {
            return Err(Rule::UserCardUnknown.into());
        }
        if let Some(first) = &record.result {
            return match context.rules.repeated_exchange_answer {
                RepeatedNumber::Apply => Ok(record.answer.clone()),
                RepeatedNumber::Replay if first == answer.result => Ok(record.answer.clone()),
                _ => Err(Rule::ExchangeAnswered.into()),
            };
        }
        let points = member.points;
        let deduct_points = record.deduct_points;
        let mut outcome = record.answer.clone();
        let template = self.exchange_templates.get(answer.exchange_template);
        let in_stock = template.is_some_and(|template| template.stock > 0);
        let issued = allowed && !context.rules.coupon_issuing_fails && in_stock;
        if issued {
            self.exchange_templates.change(
                &mut self.effects,
                None,
                &answer.exchange_template.to_owned(),
                |template| template.stock -= 1,
            );
            outcome.state = Some(PointExchangeState::PointExchangeCouponSuccess);
            outcome.coupon_code = Some(random::digits(16).into());
        } else {
            outcome.state = Some(PointExchangeState::PointExchangeCouponFail);
            let cause = if allowed {
                "券发放失败"
            } else {
                "商户拒绝兑换"
            };
            outcome.fail_reason = context.rules.answer_legacy_fields.then(|| cause.into());
        }
        if !allowed {
            outcome.reject_reason = reason.map(Personal::from);
        }
        self.exchanges.change(
            &mut self.effects,
            None,
            &answer.record_id.to_owned(),
            |exchange| {
                exchange.answer = outcome.clone();
                exchange.result = Some(answer.result.clone());
            },
        );
        if let (true, true, Some(points)) = (issued, context.rules.exchange_deducts_points, points)
        {
            self.set_points(id, points.saturating_sub(deduct_points), None);
        }
        Ok(outcome)
    }

    /// Returns all exchange records; those without a state wait for the merchant.
    pub(crate) fn exchange_records(&self) -> impl Iterator<Item = &ExchangeRecord> {
        self.exchanges.values().map(|record| &record.answer)
    }
}

/// What the merchant says to an exchange.
pub(super) struct ExchangeAnswer<'a> {
    pub(super) record_id: &'a str,
    pub(super) exchange_template: &'a str,
    pub(super) result: &'a PointExchangeResult,
    pub(super) reject_reason: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;

    use super::super::testing::{CARD, CODE, OPENID, context, core, now, rule};
    use super::*;
    use crate::clock::plus_days;

    const KEY: Key<'static> = Key {
        card_id: CARD,
        openid: OPENID,
        code: CODE,
    };
    const ALLOW: PointExchangeResult = PointExchangeResult::PointExchangeCouponAllow;
    const REJECT: PointExchangeResult = PointExchangeResult::PointExchangeCouponReject;

    fn rules() -> settings::Brand {
        settings::Brand::default()
    }

    fn with_exchange(stock: i64) -> Core {
        let mut core = core();
        core.put_exchange_template(ExchangeTemplate {
            exchange_coupon_template_id: "x-1".into(),
            card_id: CARD.into(),
            deduct_points: 300,
            product_coupon_id: "200000000417".into(),
            stock_id: "98065417".into(),
            stock,
            per_user_and_day: 2,
        });
        core
    }

    fn asked(core: &mut Core) -> String {
        let record = core
            .request_exchange("x-1", OPENID, now(), &rules())
            .unwrap();
        record.record_id.unwrap()
    }

    fn answer<'a>(record_id: &'a str, result: &'a PointExchangeResult) -> ExchangeAnswer<'a> {
        let reject_reason = (*result == REJECT).then_some("积分已用完");
        ExchangeAnswer {
            record_id,
            exchange_template: "x-1",
            result,
            reject_reason,
        }
    }

    #[test]
    fn an_allowed_exchange_issues_one_coupon() {
        let mut core = with_exchange(5);
        let rules = rules();
        let record = asked(&mut core);
        let outcome = core
            .confirm_exchange(&context(&rules), &KEY, &answer(&record, &ALLOW))
            .unwrap();
        assert_eq!(outcome.strict_violations(), []);
        assert_eq!(
            outcome.state,
            Some(PointExchangeState::PointExchangeCouponSuccess)
        );
        assert!(outcome.coupon_code.is_some());
        let again = core.confirm_exchange(&context(&rules), &KEY, &answer(&record, &ALLOW));
        assert_eq!(again.unwrap(), outcome);
        assert_eq!(core.exchange_templates.get("x-1").unwrap().stock, 4);
        let other = core.confirm_exchange(&context(&rules), &KEY, &answer(&record, &REJECT));
        assert_eq!(rule(other), Rule::ExchangeAnswered);
    }

    #[test]
    fn a_rejected_or_failed_exchange_gives_nothing() {
        let failing = settings::Brand {
            coupon_issuing_fails: true,
            ..rules()
        };
        for (rules, result) in [(rules(), REJECT), (failing, ALLOW)] {
            let mut core = with_exchange(5);
            let record = asked(&mut core);
            let outcome = core
                .confirm_exchange(&context(&rules), &KEY, &answer(&record, &result))
                .unwrap();
            assert_eq!(
                outcome.state,
                Some(PointExchangeState::PointExchangeCouponFail)
            );
            assert_eq!(outcome.coupon_code, None);
            assert_eq!(outcome.reject_reason.is_some(), result == REJECT);
            assert_eq!(core.exchange_templates.get("x-1").unwrap().stock, 5);
        }
    }

    #[test]
    fn the_stored_balance_can_follow_by_itself() {
        let rules = settings::Brand {
            exchange_deducts_points: true,
            ..rules()
        };
        let mut core = with_exchange(5);
        core.sync_points(&context(&rules), &KEY, "n-1", 350)
            .unwrap();
        let record = asked(&mut core);
        core.confirm_exchange(&context(&rules), &KEY, &answer(&record, &ALLOW))
            .unwrap();
        assert_eq!(core.members().next().unwrap().points, Some(50));
        let refused = core.request_exchange("x-1", OPENID, now(), &rules);
        assert_eq!(rule(refused), Rule::PointsTooFew);
    }

    #[test]
    fn answers_are_refused_as_documented() {
        let mut core = with_exchange(5);
        let rules = rules();
        let record = asked(&mut core);
        let none = ExchangeAnswer {
            reject_reason: None,
            ..answer(&record, &REJECT)
        };
        let other = ExchangeAnswer {
            exchange_template: "x-2",
            ..answer(&record, &ALLOW)
        };
        for (key, answer, expected) in [
            (KEY, answer("none", &ALLOW), Rule::RecordUnknown),
            (KEY, other, Rule::RecordUnknown),
            (KEY, none, Rule::RejectReasonMissing),
            (
                Key { openid: "", ..KEY },
                answer(&record, &ALLOW),
                Rule::OpenidInvalid,
            ),
            (
                Key {
                    code: "none",
                    ..KEY
                },
                answer(&record, &ALLOW),
                Rule::UserCardUnknown,
            ),
        ] {
            assert_eq!(
                rule(core.confirm_exchange(&context(&rules), &key, &answer)),
                expected
            );
        }
    }

    #[test]
    fn days_and_stock_limit_what_a_user_can_ask() {
        let rules = rules();
        let mut core = with_exchange(5);
        for _ in 0..2 {
            asked(&mut core);
        }
        let third = core.request_exchange("x-1", OPENID, now(), &rules);
        assert_eq!(rule(third), Rule::ExchangeOver);
        core.request_exchange("x-1", OPENID, plus_days(now(), 1), &rules)
            .unwrap();
        let empty = with_exchange(0).request_exchange("x-1", OPENID, now(), &rules);
        assert_eq!(rule(empty), Rule::ExchangeOver);
        let stranger = core.request_exchange("x-1", "oNew", now(), &rules);
        assert_eq!(rule(stranger), Rule::NotMember);
        let unknown = core.request_exchange("x-9", OPENID, now(), &rules);
        assert_eq!(rule(unknown), Rule::ExchangeTemplateUnknown);
    }
}
