//! What `/card/update` may change, and what of it goes to review.

use kabao_models::official_account::card::{
    ActivationMessage, BaseInfo, BaseInfoChange, DateInfo, DateInfoChange, MemberCard,
    MemberCardChange, MessageOperation, UpdateCardMessage,
};
use kabao_models::official_account::{CardStatus, DateInfoType};

use super::{Context, Core, template_rules, validity};
use crate::official_account::{Refused, tolerance};
use crate::overlay::{members, overlay};
use crate::settings::ReviewTable;

/// Members of `base_info` that exist and cannot be changed; sending one makes the update fail.
const FIXED: [&str; 6] = [
    "brand_name",
    "sku",
    "use_custom_code",
    "get_custom_code_mode",
    "bind_openid",
    "source",
];
/// The same for `date_info`.
const FIXED_DATES: [&str; 2] = ["fixed_term", "fixed_begin_term"];
/// Members of `member_card` whose change goes to review.
const REVIEWED: [&str; 4] = [
    "bonus_cleared",
    "bonus_rules",
    "balance_rules",
    "prerogative",
];
/// Members of `base_info` whose change goes to review, by the general table.
const REVIEWED_BASE: [&str; 4] = ["logo_url", "notice", "description", "color"];
/// The same by the table of one SDK.
const REVIEWED_BASE_SDK: [&str; 3] = ["title", "description", "color"];

/// A changed card and whether it goes to review.
pub(super) struct Changed {
    pub(super) card: MemberCard,
    pub(super) base: BaseInfo,
    pub(super) send_check: bool,
}

impl Core {
    /// Changes what the request has and returns whether the change goes to review.
    pub(crate) fn update_template(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        change: &MemberCardChange,
    ) -> Result<bool, Refused> {
        let template = self.live_template(context, card_id)?;
        let held = template.pending.as_deref();
        let (card, base) = held.map_or((&template.card, &template.base), |(card, base)| {
            (card, base)
        });
        let changed = apply(context, card, base, change)?;
        let slots = slots(context, change)?;
        self.check_slots(context, slots.modify.as_ref(), slots.activate.as_ref())?;
        let template = self.live_template(context, card_id)?;
        let waits =
            template.pending.is_some() || changed.send_check && context.rules.hold_reviewed_changes;
        let content = (changed.card, changed.base);
        if waits && !context.rules.approve_at_once {
            let content = Some(Box::new(content));
            self.change_template(card_id, |template| template.pending = content);
        } else {
            self.set_content(card_id, content);
        }
        self.set_slots(card_id, slots);
        if changed.send_check {
            let status = if context.rules.approve_at_once {
                CardStatus::CardStatusVerifyOk
            } else {
                CardStatus::CardStatusNotVerify
            };
            self.change_base(context, card_id, |base| base.status = Some(status));
        } else {
            self.change_base(context, card_id, |_| {});
        }
        Ok(changed.send_check)
    }
}

/// The message slots of a change. That of changed values stands among the members that the ordinary
/// change does not know, because one path serves two operations.
#[derive(Default)]
pub(super) struct Slots {
    pub(super) modify: Option<MessageOperation>,
    pub(super) activate: Option<ActivationMessage>,
}

fn slots(context: &Context<'_>, change: &MemberCardChange) -> Result<Slots, Refused> {
    const MODIFY: &str = "modify_msg_operation";
    let modify = tolerance::given(&change.extra, MODIFY).map(|json| {
        let body = format!(r#"{{"member_card":{{"{MODIFY}":{json}}}}}"#);
        tolerance::read::<UpdateCardMessage>(context.rules, &body)
            .and_then(|request| request.member_card?.modify_msg_operation)
            .ok_or(Refused::Body(MODIFY.into()))
    });
    Ok(Slots {
        modify: modify.transpose()?,
        activate: change.activate_msg_operation.clone(),
    })
}

/// Lays a change over a card.
pub(super) fn apply(
    context: &Context<'_>,
    card: &MemberCard,
    base: &BaseInfo,
    change: &MemberCardChange,
) -> Result<Changed, Refused> {
    let mut change = change.clone();
    let base_change = change.base_info.take().unwrap_or_default();
    // A slot of a message is no part of the card.
    change.activate_msg_operation = None;
    check_fixed(&change, &base_change)?;
    check_switches(context, card, &change)?;
    let dates = changed_dates(base, base_change.date_info.as_ref(), context.now)?;
    let mut after = overlay(card, &change, &[]).ok_or(Refused::Internal)?;
    let mut after_base = overlay(base, &base_change, &[]).ok_or(Refused::Internal)?;
    after.extra = kabao_models::Extra::default();
    after_base.extra = kabao_models::Extra::default();
    after_base.date_info = dates;
    // A single 0 clears the stores.
    if after_base.location_id_list.as_deref() == Some(&[0]) {
        after_base.location_id_list = Some(Vec::new());
    }
    template_rules::limits(&after_base)?;
    template_rules::slots(&after)?;
    template_rules::pictures(context, &after, &after_base)?;
    template_rules::texts(context, &(&after, &after_base))?;
    let send_check = goes_to_review(context, &change, &base_change);
    Ok(Changed {
        card: after,
        base: after_base,
        send_check,
    })
}

fn goes_to_review(context: &Context<'_>, change: &MemberCardChange, base: &BaseInfoChange) -> bool {
    let reviewed_base: &[&str] = match context.rules.review_table {
        ReviewTable::General => &REVIEWED_BASE,
        ReviewTable::Sdk => &REVIEWED_BASE_SDK,
    };
    members(change)
        .iter()
        .any(|name| REVIEWED.contains(&name.as_str()))
        || members(base)
            .iter()
            .any(|name| reviewed_base.contains(&name.as_str()))
}

fn check_fixed(change: &MemberCardChange, base: &BaseInfoChange) -> Result<(), Refused> {
    let has = |extra, name: &&str| tolerance::given(extra, name).is_some();
    let in_base = FIXED
        .iter()
        .any(|name| has(&base.extra, name) || has(&change.extra, name));
    let dates = base.date_info.as_ref();
    let in_dates =
        dates.is_some_and(|dates| FIXED_DATES.iter().any(|name| has(&dates.extra, name)));
    if in_base || in_dates {
        Err(Refused::ActionInfo)
    } else {
        Ok(())
    }
}

/// Points and stored value can be switched on and not off.
fn check_switches(
    context: &Context<'_>,
    card: &MemberCard,
    change: &MemberCardChange,
) -> Result<(), Refused> {
    let off =
        |before: Option<bool>, after: Option<bool>| before == Some(true) && after == Some(false);
    if off(card.supply_bonus, change.supply_bonus)
        || off(card.supply_balance, change.supply_balance)
    {
        return Err(Refused::ActionInfo);
    }
    if change.supply_balance == Some(true) && !context.rules.stored_value_permission {
        return Err(Refused::StoredValue);
    }
    Ok(())
}

/// A calendar range may only grow, and its end only move later; other kinds are fixed.
fn changed_dates(
    base: &BaseInfo,
    change: Option<&DateInfoChange>,
    now: i64,
) -> Result<Option<DateInfo>, Refused> {
    let Some(change) = change else {
        return Ok(base.date_info.clone());
    };
    let range = Some(DateInfoType::DateTypeFixTimeRange);
    let Some(before) = base
        .date_info
        .as_ref()
        .filter(|before| before.r#type == range)
    else {
        return Err(Refused::Time);
    };
    if change.r#type != range {
        return Err(Refused::Time);
    }
    let begin = change.begin_timestamp.or(before.begin_timestamp);
    let end = change.end_timestamp.or(before.end_timestamp);
    if begin > before.begin_timestamp || end < before.end_timestamp {
        return Err(Refused::TimeRange);
    }
    let after = DateInfo {
        begin_timestamp: begin,
        end_timestamp: end,
        ..before.clone()
    };
    validity::check(&after, now)?;
    Ok(Some(after))
}

#[cfg(test)]
mod tests;
