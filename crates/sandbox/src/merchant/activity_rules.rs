//! What an activity must and must not have.

use jiff::Timestamp;
use kabao_models::merchant::activities::{AwardSendPeriod, CreateActivity, DayTime};
use kabao_models::merchant::{ActivityType, CodeMode};

use super::template::Template;
use super::validity::required_time;
use super::{Context, Refused, Rule};
use crate::clock::{parse_rfc3339, plus_days};

/// How long an activity may last, and how far ahead it may begin, in days.
const MAX_DAYS: i64 = 90;
const MAX_AHEAD_DAYS: i64 = 365;

/// From when to when an activity runs.
#[derive(Clone, Copy)]
pub(super) struct Period {
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
}

/// Checks who creates and who exposes an activity.
pub(super) fn check_bindings(
    context: &Context<'_>,
    template: &Template,
    create: &CreateActivity,
) -> Result<(), Refused> {
    check_creator(context, template)?;
    let bound = &context.rules.bound_merchant_numbers;
    let setting = create.pay_activity_setting.as_ref();
    let exposing = setting
        .and_then(|setting| setting.mchid_list.as_deref())
        .unwrap_or_default();
    if !bound.is_empty() && exposing.iter().any(|number| !bound.contains(number)) {
        return Err(Rule::ExposingNotBound.into());
    }
    Ok(())
}

/// Checks that the caller is bound to the brand of a template: the settings say who is, and where
/// they say nothing, its owner is.
pub(super) fn check_creator(context: &Context<'_>, template: &Template) -> Result<(), Refused> {
    let bound = &context.rules.bound_merchant_numbers;
    let is_bound = if bound.is_empty() {
        template.owner == context.merchant
    } else {
        bound.iter().any(|number| number == context.merchant)
    };
    if is_bound {
        Ok(())
    } else {
        Err(Rule::CreatorNotBound.into())
    }
}

/// Checks a new activity.
pub(super) fn check_new(
    context: &Context<'_>,
    template: &Template,
    create: &CreateActivity,
) -> Result<Period, Refused> {
    if *template.mode() == CodeMode::RealTime {
        return Err(Rule::ActivityRealTime.into());
    }
    template.check_approved(context)?;
    let period = check_period(context, create)?;
    if let Some(award) = &create.award_send_period {
        check_award_period(context, award)?;
    }
    if context.rules.activities_need_settings {
        let kind = create
            .activity_type
            .as_ref()
            .ok_or(Refused::Required("activity_type"))?;
        let after_payment = matches!(
            kind,
            ActivityType::NonMemberAfterpay | ActivityType::MemberAfterpay
        );
        if after_payment && create.pay_activity_setting.is_none() {
            return Err(Refused::Required("pay_activity_setting"));
        }
        if !after_payment && create.miniprogram_activity_setting.is_none() {
            return Err(Refused::Required("miniprogram_activity_setting"));
        }
    }
    let authorized = &context.rules.authorized_stocks;
    let mut stocks = create
        .stock_list
        .iter()
        .flatten()
        .filter_map(|stock| stock.stock_id.as_ref());
    if !authorized.is_empty() && stocks.any(|stock| !authorized.contains(stock)) {
        return Err(Rule::StockNotAuthorized.into());
    }
    Ok(period)
}

fn check_period(context: &Context<'_>, create: &CreateActivity) -> Result<Period, Refused> {
    let begin = required_time(&create.begin_time, "begin_time")?;
    let end = required_time(&create.end_time, "end_time")?;
    let value =
        |field, issue, text: &Option<String>| Err(Refused::value(field, issue, text.clone()));
    if begin >= end {
        return value(
            "end_time",
            "must be later than begin_time",
            &create.end_time,
        );
    }
    if end <= context.now {
        return value("end_time", "must not be in the past", &create.end_time);
    }
    if begin < context.now && !context.rules.activities_may_begin_in_past {
        return value("begin_time", "must not be in the past", &create.begin_time);
    }
    if begin > plus_days(context.now, MAX_AHEAD_DAYS) {
        return value("begin_time", "must be within one year", &create.begin_time);
    }
    if end > plus_days(begin, MAX_DAYS) {
        return value(
            "end_time",
            "must be at most 90 days after begin_time",
            &create.end_time,
        );
    }
    Ok(Period { begin, end })
}

fn check_award_period(context: &Context<'_>, award: &AwardSendPeriod) -> Result<(), Refused> {
    const RANGES: &str = "award_send_period/award_send_time";
    const DAILY: &str = "award_send_period/award_send_day_time";
    for range in award.award_send_time.iter().flatten() {
        let time = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
        match (time(&range.begin_time), time(&range.end_time)) {
            (Some(begin), Some(end)) if begin < end => {}
            _ => {
                return Err(Refused::value(
                    RANGES,
                    "must be a range of RFC 3339 times",
                    "",
                ));
            }
        }
    }
    for range in award.award_send_day_time.iter().flatten() {
        let seconds = |time: &Option<DayTime>| time.as_ref().and_then(seconds_of_day);
        match (seconds(&range.begin_day_time), seconds(&range.end_day_time)) {
            (Some(begin), Some(end))
                if begin <= end || context.rules.daily_range_crosses_midnight => {}
            _ => {
                return Err(Refused::value(
                    DAILY,
                    "must be a range of times of the day",
                    "",
                ));
            }
        }
    }
    Ok(())
}

fn seconds_of_day(time: &DayTime) -> Option<i64> {
    let hours = time.hours.filter(|hours| (0..24).contains(hours))?;
    let minutes = time.minutes.filter(|minutes| (0..60).contains(minutes))?;
    let seconds = time.seconds.filter(|seconds| (0..60).contains(seconds))?;
    Some(hours * 3600 + minutes * 60 + seconds)
}

#[cfg(test)]
pub(super) mod tests {
    use kabao_models::merchant::ActivateType;
    use kabao_models::merchant::activities::{
        ActivateSetting, ActivityStock, AwardSendDayTime, AwardSendTime, PayActivitySetting,
    };

    use super::super::Core;
    use super::super::testing::{CARD, MERCHANT, context, core, now, rules};
    use super::*;
    use crate::clock::rfc3339_millis;
    use crate::settings;

    /// An activity of sixty days that begins tomorrow.
    pub(in crate::merchant) fn creation(number: &str) -> CreateActivity {
        let day = |days| rfc3339_millis(plus_days(now(), days));
        CreateActivity {
            stock_list: Some(vec![ActivityStock {
                stock_creator_mchid: Some(MERCHANT.into()),
                stock_id: Some("98261004".into()),
                ..ActivityStock::default()
            }]),
            pay_activity_setting: Some(PayActivitySetting {
                logo_url: Some("https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0".into()),
                activity_second_title: Some("开卡领5元茶券".into()),
                mchid_list: Some(vec![MERCHANT.into()]),
                activate_setting: Some(ActivateSetting {
                    activate_type: Some(ActivateType::AutoActivate),
                    ..ActivateSetting::default()
                }),
                ..PayActivitySetting::default()
            }),
            ..CreateActivity::new(
                CARD,
                "春季开卡礼",
                ActivityType::NonMemberAfterpay,
                day(1),
                day(61),
                number,
            )
        }
    }

    fn refused(core: &mut Core, rules: &settings::Merchant, create: &CreateActivity) -> Refused {
        core.create_activity(&context(rules), create).unwrap_err()
    }

    #[test]
    fn every_documented_refusal_is_produced() {
        let bound = |number: &str| settings::Merchant {
            bound_merchant_numbers: vec![number.to_owned()],
            ..rules()
        };
        let stocks = settings::Merchant {
            authorized_stocks: vec!["1".into()],
            ..rules()
        };
        let mut other = creation("n");
        other.pay_activity_setting.as_mut().unwrap().mchid_list = Some(vec!["1900000998".into()]);
        for (rules, create, expected) in [
            (bound("1900000999"), creation("n"), Rule::CreatorNotBound),
            (bound(MERCHANT), other, Rule::ExposingNotBound),
            (stocks, creation("n"), Rule::StockNotAuthorized),
        ] {
            assert_eq!(refused(&mut core(), &rules, &create), expected.into());
        }
        let mut core = core();
        let rules = rules();
        let stranger = Context {
            merchant: "1900000999",
            ..context(&rules)
        };
        let error = core.create_activity(&stranger, &creation("n")).unwrap_err();
        assert_eq!(error, Rule::CreatorNotBound.into());
        core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::RealTime);
        assert_eq!(
            refused(&mut core, &rules, &creation("n")),
            Rule::ActivityRealTime.into()
        );
        core.templates.get_mut(CARD).unwrap().upgraded = false;
        assert_eq!(
            refused(&mut core, &rules, &creation("n")),
            Rule::NotUpgraded.into()
        );
    }

    #[test]
    fn periods_are_limited() {
        let day = |days| Some(rfc3339_millis(plus_days(now(), days)));
        let rules = settings::Merchant {
            activities_may_begin_in_past: false,
            ..rules()
        };
        for (begin, end, field) in [
            (1, 92, Some("end_time")),
            (1, 91, None),
            (366, 370, Some("begin_time")),
            (5, 5, Some("end_time")),
            (-5, -1, Some("end_time")),
            (-5, 5, Some("begin_time")),
        ] {
            let create = CreateActivity {
                begin_time: day(begin),
                end_time: day(end),
                ..creation("n")
            };
            let found = core().create_activity(&context(&rules), &create).err();
            match (found, field) {
                (None, None) => {}
                (Some(Refused::Value { field: found, .. }), Some(field)) => {
                    assert_eq!(found, field)
                }
                (found, _) => panic!("days {begin} to {end}: {found:?}"),
            }
        }
    }

    #[test]
    fn award_periods_and_settings_are_checked() {
        let time = |hours| {
            let (minutes, seconds) = (Some(0), Some(0));
            Some(DayTime {
                hours: Some(hours),
                minutes,
                seconds,
                ..DayTime::default()
            })
        };
        let daily = |begin, end| CreateActivity {
            award_send_period: Some(AwardSendPeriod {
                award_send_day_time: Some(vec![AwardSendDayTime {
                    begin_day_time: time(begin),
                    end_day_time: time(end),
                    ..AwardSendDayTime::default()
                }]),
                ..AwardSendPeriod::default()
            }),
            ..creation("n")
        };
        let ranges = CreateActivity {
            award_send_period: Some(AwardSendPeriod {
                award_send_time: Some(vec![AwardSendTime::default()]),
                ..AwardSendPeriod::default()
            }),
            ..creation("n")
        };
        let strict = settings::Merchant {
            daily_range_crosses_midnight: false,
            ..rules()
        };
        core()
            .create_activity(&context(&rules()), &daily(22, 2))
            .unwrap();
        for (rules, create) in [
            (&strict, daily(22, 2)),
            (&rules(), daily(9, 24)),
            (&rules(), ranges),
        ] {
            assert!(matches!(
                refused(&mut core(), rules, &create),
                Refused::Value { .. }
            ));
        }
        let bare = CreateActivity {
            pay_activity_setting: None,
            ..creation("n")
        };
        let error = refused(&mut core(), &rules(), &bare);
        assert_eq!(error, Refused::Required("pay_activity_setting"));
    }
}
