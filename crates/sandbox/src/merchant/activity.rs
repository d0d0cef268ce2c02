//! Gift activities bound to a template.

use jiff::Timestamp;
use kabao_models::merchant::ActivityStatus;
use kabao_models::merchant::activities::{
    Activity as Shown, CreateActivity, ListActivities, TerminateActivityResponse,
};

use super::activity_rules::{Period, check_bindings, check_new};
use super::page::{self, Page};
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::ledger::{Change, Effect, differences};
use crate::overlay::reduced;
use crate::random;
use crate::records::Recorded;

/// An activity and what the wire does not show of it.
#[derive(Clone)]
pub(crate) struct Activity {
    shown: Shown,
    /// The merchant number that created it.
    pub(crate) owner: String,
    period: Period,
    terminated: Option<Timestamp>,
    sequence: u64,
}

impl Activity {
    /// Returns the state at a moment.
    fn status(&self, now: Timestamp) -> ActivityStatus {
        match self.terminated {
            Some(_) => ActivityStatus::Terminated,
            None if now >= self.period.end => ActivityStatus::OverTime,
            None if now >= self.period.begin => ActivityStatus::Ongoing,
            None => ActivityStatus::Created,
        }
    }

    /// Returns the activity as the service shows it at a moment.
    pub(crate) fn shown(&self, now: Timestamp) -> Shown {
        Shown {
            activity_status: Some(self.status(now)),
            ..self.shown.clone()
        }
    }
}

impl Recorded for Activity {
    /// The `activity_id`.
    type Key = String;

    fn place(&self, _: &String) -> Effect {
        Effect::on(self.shown.card_id.as_deref().unwrap_or_default())
    }

    fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let shown = |activity: Option<&Self>| {
            activity.map_or_else(Shown::default, |activity| activity.shown.clone())
        };
        differences(&shown(before), &shown(after))
    }
}

impl Core {
    /// Returns the activities as they are shown at a moment.
    pub(crate) fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.activities.values()
    }

    /// Creates an activity.
    pub(super) fn create_activity(
        &mut self,
        context: &Context<'_>,
        create: &CreateActivity,
    ) -> Result<Shown, Refused> {
        let card_id = create
            .card_id
            .as_deref()
            .ok_or(Refused::Required("card_id"))?;
        let template = self.templates.get(card_id).ok_or(Rule::CardIdInvalid)?;
        if !template.upgraded {
            return Err(Rule::NotUpgraded.into());
        }
        check_bindings(context, template, create)?;
        let number = create.out_request_no.as_deref();
        let period = check_new(context, template, create)?;
        let created = rfc3339_millis(context.now);
        let mut shown: Shown = reduced(create).ok_or(Refused::Internal)?;
        shown.activity_id = Some(self.fresh_activity_id());
        shown.create_time = Some(created.clone());
        shown.update_time = Some(created);
        shown.activity_status = Some(ActivityStatus::Created);
        let activity_id = shown.activity_id.clone().unwrap_or_default();
        let activity = Activity {
            shown,
            owner: context.merchant.to_owned(),
            period,
            terminated: None,
            sequence: self.next_sequence(),
        };
        // The answer shows the state that the clock gives: a start in the past is `ONGOING`.
        let answer = activity.shown(context.now);
        self.activities
            .put(&mut self.effects, number, activity_id, activity);
        Ok(answer)
    }

    /// Lists the caller's activities of one kind, oldest first.
    pub(super) fn list_activities(
        &self,
        context: &Context<'_>,
        list: &ListActivities,
    ) -> Result<(Page<Shown>, i64, i64), Refused> {
        let offset = list.offset.unwrap_or(0);
        let limit = list.limit.unwrap_or(context.rules.activities_default_limit);
        let mut found: Vec<_> = self
            .activities
            .values()
            .filter(|activity| activity.owner == context.merchant)
            .map(|activity| (activity.sequence, activity.shown(context.now)))
            .filter(|(_, shown)| shown.activity_type == list.activity_type)
            .filter(|(_, shown)| list.card_id.is_none() || shown.card_id == list.card_id)
            .filter(|(_, shown)| {
                list.activity_status.is_none() || shown.activity_status == list.activity_status
            })
            .collect();
        found.sort_by_key(|(sequence, _)| *sequence);
        let found = found.into_iter().map(|(_, shown)| shown).collect();
        let max = context.rules.activities_max_limit;
        Ok((
            page::items(context, found, offset, limit, max)?,
            offset,
            limit,
        ))
    }

    /// Returns an activity.
    pub(super) fn get_activity(
        &self,
        context: &Context<'_>,
        activity_id: &str,
    ) -> Result<Shown, Refused> {
        self.activity(context, activity_id)
            .map(|activity| activity.shown(context.now))
    }

    /// Ends an activity for good.
    pub(super) fn terminate_activity(
        &mut self,
        context: &Context<'_>,
        activity_id: &str,
    ) -> Result<TerminateActivityResponse, Refused> {
        let activity = self.activity(context, activity_id)?;
        let template = activity
            .shown
            .card_id
            .as_deref()
            .and_then(|card_id| self.templates.get(card_id));
        if let Some(template) = template {
            super::activity_rules::check_creator(context, template)?;
        }
        let answer = |terminated: Option<Timestamp>| TerminateActivityResponse {
            activity_id: Some(activity_id.to_owned()),
            terminate_time: terminated.map(rfc3339_millis),
            ..TerminateActivityResponse::default()
        };
        match activity.status(context.now) {
            ActivityStatus::Terminated if context.rules.refuse_second_termination => {
                return Err(Rule::ActivityTerminated.into());
            }
            ActivityStatus::Terminated => return Ok(answer(activity.terminated)),
            ActivityStatus::OverTime if context.rules.refuse_late_termination => {
                return Err(Rule::ActivityOver.into());
            }
            // It stays over: nothing is left to terminate.
            ActivityStatus::OverTime => return Ok(answer(None)),
            _ => {}
        }
        let mut after = activity.clone();
        after.terminated = Some(context.now);
        after.shown.activity_status = Some(ActivityStatus::Terminated);
        after.shown.update_time = Some(rfc3339_millis(context.now));
        self.activities
            .put(&mut self.effects, None, activity_id.to_owned(), after);
        Ok(answer(Some(context.now)))
    }

    fn activity(&self, context: &Context<'_>, activity_id: &str) -> Result<&Activity, Refused> {
        let activity = self.activities.get(activity_id);
        let own = activity.filter(|activity| activity.owner == context.merchant);
        own.ok_or_else(|| Rule::ActivityUnknown.into())
    }

    fn fresh_activity_id(&self) -> String {
        loop {
            let activity_id = random::digits(10);
            if !self.activities.contains_key(&activity_id) {
                return activity_id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::ActivityType;

    use super::super::activity_rules::tests::creation;
    use super::super::testing::{context, core, rules};
    use super::*;
    use crate::clock::plus_days;
    use crate::settings;

    fn created() -> (Core, String) {
        let mut core = core();
        let activity = core
            .create_activity(&context(&rules()), &creation("n-1"))
            .unwrap();
        assert!(
            activity.strict_violations().is_empty(),
            "{:?}",
            activity.strict_violations()
        );
        let activity_id = activity.activity_id.unwrap();
        (core, activity_id)
    }

    fn at<'a>(context: &Context<'a>, days: i64) -> Context<'a> {
        Context {
            now: plus_days(context.now, days),
            ..*context
        }
    }

    #[test]
    fn an_activity_lives_by_the_clock() {
        let (core, activity_id) = created();
        let rules = rules();
        for (days, expected) in [
            (0, ActivityStatus::Created),
            (1, ActivityStatus::Ongoing),
            (60, ActivityStatus::Ongoing),
            (61, ActivityStatus::OverTime),
        ] {
            let shown = core
                .get_activity(&at(&context(&rules), days), &activity_id)
                .unwrap();
            assert_eq!(shown.activity_status, Some(expected), "day {days}");
        }
        let other = Context {
            merchant: "1900000999",
            ..context(&rules)
        };
        assert_eq!(
            core.get_activity(&other, &activity_id),
            Err(Rule::ActivityUnknown.into())
        );
    }

    #[test]
    fn termination_is_final() {
        let (mut core, activity_id) = created();
        let rules = rules();
        let context = context(&rules);
        core.effects.clear();
        let first = core.terminate_activity(&context, &activity_id).unwrap();
        assert!(first.strict_violations().is_empty());
        let second = core
            .terminate_activity(&at(&context, 2), &activity_id)
            .unwrap();
        assert_eq!((first, core.effects.len()), (second, 1));
        let shown = core.get_activity(&at(&context, 99), &activity_id).unwrap();
        assert_eq!(shown.activity_status, Some(ActivityStatus::Terminated));
        let strict = settings::Merchant {
            refuse_second_termination: true,
            ..rules.clone()
        };
        let strict = Context {
            rules: &strict,
            ..context
        };
        let refused = core.terminate_activity(&strict, &activity_id);
        assert_eq!(refused, Err(Rule::ActivityTerminated.into()));
    }

    #[test]
    fn an_activity_that_is_over_stays_over() {
        let (mut core, activity_id) = created();
        let strict = rules();
        let late = at(&context(&strict), 61);
        assert_eq!(
            core.terminate_activity(&late, &activity_id),
            Err(Rule::ActivityOver.into())
        );
        let lenient = settings::Merchant {
            refuse_late_termination: false,
            ..rules()
        };
        let late = Context {
            rules: &lenient,
            ..late
        };
        assert_eq!(
            core.terminate_activity(&late, &activity_id)
                .unwrap()
                .terminate_time,
            None
        );
        let shown = core.get_activity(&late, &activity_id).unwrap();
        assert_eq!(shown.activity_status, Some(ActivityStatus::OverTime));
    }

    #[test]
    fn lists_filter_by_kind_template_and_state() {
        let (mut core, activity_id) = created();
        let rules = rules();
        let context = context(&rules);
        core.create_activity(&context, &creation("n-2")).unwrap();
        core.terminate_activity(&context, &activity_id).unwrap();
        let total = |list: &ListActivities| core.list_activities(&context, list).unwrap().0.total;
        let kind = ListActivities::new(ActivityType::NonMemberAfterpay);
        assert_eq!(total(&kind), 2);
        assert_eq!(
            total(&ListActivities::new(ActivityType::MemberMiniprogram)),
            0
        );
        assert_eq!(
            total(&ListActivities {
                card_id: Some("other".into()),
                ..kind.clone()
            }),
            0
        );
        let state = Some(ActivityStatus::Terminated);
        assert_eq!(
            total(&ListActivities {
                activity_status: state,
                ..kind.clone()
            }),
            1
        );
        let (page, offset, limit) = core
            .list_activities(
                &context,
                &ListActivities {
                    offset: Some(1),
                    ..kind
                },
            )
            .unwrap();
        assert_eq!((page.items.len(), offset, limit), (1, 1, 20));
    }
}
