//! Membership activities: coupons that the join component shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kabao_models::brand::ActivityState;
use kabao_models::brand::membership_activities::{
    CreateMembershipActivity, ListMembershipActivities, ListMembershipActivitiesResponse,
    MembershipActivity, UpdateMembershipActivity,
};

use super::page::page;
use super::state::differences_in_clear;
use super::{Context, Core, Refused, Rule};
use crate::clock::{parse_rfc3339, rfc3339};
use crate::ledger::{Change, Effect, whole};
use crate::records::Recorded;

/// The id before the first.
const ID_BASE: u64 = 730;

/// An activity and what the wire does not show of it.
#[derive(Clone)]
pub(super) struct Activity {
    /// Its state and times are kept beside it.
    model: MembershipActivity,
    begin: Timestamp,
    end: Timestamp,
    /// What it ended as, once that is certain.
    ended: Option<ActivityState>,
}

impl Activity {
    fn state(&self, now: Timestamp) -> ActivityState {
        match &self.ended {
            Some(ended) => ended.clone(),
            None if now >= self.end => ActivityState::MembershipActivityExpired,
            None if now >= self.begin => ActivityState::MembershipActivityEffective,
            None => ActivityState::MembershipActivityCreated,
        }
    }

    fn shown(&self, now: Timestamp) -> MembershipActivity {
        MembershipActivity {
            activity_state: Some(self.state(now)),
            ..self.model.clone()
        }
    }

    fn has_ended(&self, now: Timestamp) -> bool {
        matches!(
            self.state(now),
            ActivityState::MembershipActivityExpired | ActivityState::MembershipActivityTerminated
        )
    }

    fn belongs_to(&self, brand: &str) -> bool {
        self.model.brand_id.as_deref() == Some(brand)
    }

    fn is_of(&self, card_id: &str) -> bool {
        self.model.card_id.as_deref() == Some(card_id)
    }

    fn stocks(&self) -> impl Iterator<Item = &str> {
        let coupons = self
            .model
            .product_coupon_stock_list
            .as_deref()
            .unwrap_or_default();
        coupons
            .iter()
            .filter_map(|coupon| coupon.stock_id.as_deref())
    }
}

impl Recorded for Activity {
    /// The `activity_id`.
    type Key = i64;

    fn place(&self, _: &i64) -> Effect {
        Effect::on(self.model.card_id.as_deref().unwrap_or_default())
    }

    fn changes(id: &i64, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        // What the clock alone gives is no change.
        let stored = |activity: Option<&Self>| {
            activity.map_or_else(MembershipActivity::default, |activity| MembershipActivity {
                activity_state: activity.ended.clone(),
                ..activity.model.clone()
            })
        };
        let (old, mut new) = (stored(before), stored(after));
        let left = new.apply_available;
        if before.is_some() {
            new.apply_available = old.apply_available;
        }
        let mut changes = differences_in_clear(&old, &new);
        let field = format!("membership_activities.{id}.apply_available");
        changes.extend(whole(&field, &new.apply_available, &left));
        changes
    }
}

impl Core {
    /// Returns the available stock of coupons, by `stock_id`.
    pub(crate) fn stocks(&self) -> &BTreeMap<String, i64> {
        &self.stocks
    }

    /// Says how many coupons of a stock are available.
    pub(crate) fn put_stock(&mut self, stock_id: &str, available: i64) {
        self.stocks.insert(stock_id.to_owned(), available.max(0));
    }

    /// Creates an activity.
    pub(super) fn create_activity(
        &mut self,
        context: &Context<'_>,
        request: &CreateMembershipActivity,
    ) -> Result<MembershipActivity, Refused> {
        let (begin, end) = times(context, &request.begin_time, &request.end_time)?;
        let card_id = request.card_id.as_deref().unwrap_or_default();
        let template = self
            .template(context, card_id)
            .map_err(|_| Refused::from(Rule::ActivityTemplateUnknown))?;
        if template.is_invalid() || template.is_expired(context) {
            return Err(Rule::TemplateNotEffective.into());
        }
        let moment = rfc3339(context.now);
        let activity = Activity {
            model: MembershipActivity {
                out_request_no: request.out_request_no.clone(),
                brand_id: Some(context.brand.to_owned()),
                card_id: request.card_id.clone(),
                activity_channel: request.activity_channel.clone(),
                title: request.title.clone(),
                sub_title: request.sub_title.clone(),
                begin_time: request.begin_time.clone(),
                end_time: request.end_time.clone(),
                apply_total: request.apply_total,
                apply_available: request.apply_total,
                product_coupon_stock_list: request.product_coupon_stock_list.clone(),
                create_time: Some(moment.clone()),
                modify_time: Some(moment),
                ..MembershipActivity::default()
            },
            begin,
            end,
            ended: None,
        };
        let total = request.apply_total.unwrap_or_default();
        let known = |stock: &str| self.available(context, stock);
        let smallest = activity.stocks().map(known).min().unwrap_or_default();
        if total < 1 || total >= smallest {
            return Err(Refused::at(Rule::ApplyTotal, "apply_total", total));
        }
        let blocks = |other: &Activity| match other.state(context.now) {
            ActivityState::MembershipActivityEffective => true,
            ActivityState::MembershipActivityCreated => context.rules.scheduled_activities_block,
            _ => false,
        };
        if self
            .activities
            .values()
            .any(|other| other.is_of(card_id) && blocks(other))
        {
            return Err(Rule::ActivityInForce.into());
        }
        let id = i64::try_from(ID_BASE + self.next_sequence()).map_err(|_| Rule::Internal)?;
        Ok(self.replace_activity(context, id, activity))
    }

    /// Returns an activity.
    pub(super) fn get_activity(
        &self,
        context: &Context<'_>,
        id: i64,
    ) -> Result<MembershipActivity, Refused> {
        self.activity(context, id)
            .map(|activity| activity.shown(context.now))
    }

    /// Lists activities in the order of their creation.
    pub(super) fn list_activities(
        &self,
        context: &Context<'_>,
        request: &ListMembershipActivities,
    ) -> Result<ListMembershipActivitiesResponse, Refused> {
        let activities = self
            .activities
            .values()
            .filter(|activity| activity.belongs_to(context.brand))
            .filter(|activity| {
                request
                    .card_id
                    .as_deref()
                    .is_none_or(|id| activity.is_of(id))
            })
            .map(|activity| activity.shown(context.now))
            .filter(|activity| {
                request.activity_state.is_none()
                    || activity.activity_state == request.activity_state
            })
            .collect();
        let offset = request.offset.unwrap_or_default();
        let limit = request.limit.unwrap_or_default();
        let page = page(context, activities, offset, limit)?;
        Ok(ListMembershipActivitiesResponse {
            data: page.data,
            total_count: Some(page.total_count),
            offset: Some(offset),
            limit: Some(limit),
            ..ListMembershipActivitiesResponse::default()
        })
    }

    /// Changes titles and times.
    pub(super) fn update_activity(
        &mut self,
        context: &Context<'_>,
        request: &UpdateMembershipActivity,
    ) -> Result<MembershipActivity, Refused> {
        let id = request.activity_id;
        let mut activity = self.activity(context, id)?.clone();
        let state = activity.state(context.now);
        if activity.has_ended(context.now) {
            if !context.rules.update_ended_activities {
                return Err(Rule::ActivityEnded.into());
            }
            // New times do not bring it back.
            activity.ended = Some(state.clone());
        }
        let (begin, end) = times(context, &request.begin_time, &request.end_time)?;
        if state == ActivityState::MembershipActivityEffective && begin > context.now {
            let value = request.begin_time.clone().unwrap_or_default();
            return Err(Refused::at(Rule::ActivityBegun, "begin_time", value));
        }
        activity.begin = begin;
        activity.end = end;
        activity.model.title.clone_from(&request.title);
        activity.model.sub_title.clone_from(&request.sub_title);
        activity.model.begin_time.clone_from(&request.begin_time);
        activity.model.end_time.clone_from(&request.end_time);
        Ok(self.replace_activity(context, id, activity))
    }

    /// Ends an activity.
    pub(super) fn terminate_activity(
        &mut self,
        context: &Context<'_>,
        id: i64,
    ) -> Result<MembershipActivity, Refused> {
        let mut activity = self.activity(context, id)?.clone();
        if activity.has_ended(context.now) {
            return if context.rules.refuse_second_termination {
                Err(Rule::ActivityEnded.into())
            } else {
                Ok(activity.shown(context.now))
            };
        }
        activity.ended = Some(ActivityState::MembershipActivityTerminated);
        Ok(self.replace_activity(context, id, activity))
    }

    /// Gives a user who joined the coupons of the newest activity in force, while there are any.
    pub(super) fn give_gift(&mut self, context: &Context<'_>, card_id: &str) {
        let in_force = self.activities.iter().rev().find(|(_, activity)| {
            activity.is_of(card_id)
                && activity.state(context.now) == ActivityState::MembershipActivityEffective
        });
        let Some((id, activity)) = in_force else {
            return;
        };
        let (id, mut activity) = (*id, activity.clone());
        let left = activity.model.apply_available.unwrap_or_default();
        let stocks: Vec<String> = activity.stocks().map(str::to_owned).collect();
        if left < 1
            || stocks
                .iter()
                .any(|stock| self.available(context, stock) < 1)
        {
            return;
        }
        for stock in stocks {
            let available = self.available(context, &stock);
            self.put_stock(&stock, available - 1);
        }
        activity.model.apply_available = Some(left - 1);
        self.activities.put(&mut self.effects, None, id, activity);
    }

    /// Returns the activities of all brands as they are shown at a moment.
    pub(crate) fn activities(&self, now: Timestamp) -> impl Iterator<Item = MembershipActivity> {
        self.activities
            .values()
            .map(move |activity| activity.shown(now))
    }

    fn available(&self, context: &Context<'_>, stock: &str) -> i64 {
        self.stocks
            .get(stock)
            .copied()
            .unwrap_or(context.rules.default_coupon_stock)
    }

    fn activity(&self, context: &Context<'_>, id: i64) -> Result<&Activity, Refused> {
        let activity = self.activities.get(&id).ok_or(Rule::ActivityUnknown)?;
        if activity.belongs_to(context.brand) {
            Ok(activity)
        } else {
            Err(Rule::ActivityForeign.into())
        }
    }

    fn replace_activity(
        &mut self,
        context: &Context<'_>,
        id: i64,
        mut activity: Activity,
    ) -> MembershipActivity {
        activity.model.activity_id = Some(id);
        activity.model.modify_time = Some(rfc3339(context.now));
        let after = activity.shown(context.now);
        let number = after.out_request_no.as_deref();
        self.activities.put(&mut self.effects, number, id, activity);
        after
    }
}

/// Checks the period of an activity.
fn times(
    context: &Context<'_>,
    begin: &Option<String>,
    end: &Option<String>,
) -> Result<(Timestamp, Timestamp), Refused> {
    let moment = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
    let (Some(begin), Some(over)) = (moment(begin), moment(end)) else {
        return Err(Refused::at(Rule::ActivityTimes, "begin_time", ""));
    };
    let end = end.clone().unwrap_or_default();
    if begin >= over {
        return Err(Refused::at(Rule::ActivityTimes, "end_time", end));
    }
    if over <= context.now {
        return Err(Refused::at(Rule::ActivityOver, "end_time", end));
    }
    Ok((begin, over))
}

#[cfg(test)]
pub(super) mod tests;
