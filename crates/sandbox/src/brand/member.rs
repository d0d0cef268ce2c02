//! User cards as they are kept, and how they are found.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use kabao_models::Personal;
use kabao_models::brand::{UserCard, UserCardState};
use serde_json::Value;

use super::state::differences_in_clear;
use super::template::Template;
use super::validity;
use crate::clock::{plus_days, rfc3339};
use crate::ledger::{Change, Effect, whole};
use crate::records::{Recorded, Records};
use crate::settings::{self, TermStart};

/// How many feeds of a card are remembered; the oldest go first.
const FEEDS: usize = 50;

/// A user card and what the wire does not show of it. Sensitive fields are plain.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) card: UserCard,
    /// When the user took the card.
    pub(super) taken: Timestamp,
    /// When it became effective.
    pub(super) activated: Option<Timestamp>,
    /// Why it was made `INVALID`.
    pub(super) ending: Option<Ending>,
    /// Whether the user came through the join component, where activities are shown.
    pub(super) through_component: bool,
    /// The balance that the merchant synchronised last.
    pub(crate) points: Option<i64>,
    /// How often it did: a balance is news even if it is the same.
    pub(super) syncs: u64,
    pub(crate) feeds: VecDeque<String>,
    /// How many feeds there were in all.
    feeds_shown: u64,
}

/// Why a card is `INVALID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The merchant reported that the user could not be enrolled.
    Failed,
    /// The merchant invalidated it.
    Invalidated,
    /// The user deleted it.
    Deleted,
}

impl Member {
    /// Makes the card that a user takes under a template at a moment.
    pub(super) fn new(template: &Template, openid: &str, taken: Timestamp, now: Timestamp) -> Self {
        let face = &template.card;
        let moment = rfc3339(now);
        Self {
            card: UserCard {
                card_id: face.card_id.clone(),
                openid: Some(openid.into()),
                card_color: face.card_color.clone(),
                card_picture_url: face.card_picture_url.clone(),
                brand_id: face.brand_id.clone(),
                card_type: face.card_type.clone(),
                level: face.init_level.clone(),
                valid_date_information: face.valid_date_information.clone(),
                pickup_time: Some(rfc3339(taken)),
                user_card_state: Some(UserCardState::Unactivated),
                create_time: Some(moment.clone()),
                modify_time: Some(moment),
                ..UserCard::default()
            },
            taken,
            activated: None,
            ending: None,
            through_component: false,
            points: None,
            syncs: 0,
            feeds: VecDeque::new(),
            feeds_shown: 0,
        }
    }

    pub(super) fn card_id(&self) -> &str {
        self.card.card_id.as_deref().unwrap_or_default()
    }

    pub(super) fn brand(&self) -> &str {
        self.card.brand_id.as_deref().unwrap_or_default()
    }

    pub(super) fn openid(&self) -> &str {
        self.card.openid.as_ref().map_or("", Personal::expose)
    }

    /// Returns the code; empty before the merchant gave one.
    pub(super) fn code(&self) -> &str {
        self.card
            .user_card_code
            .as_ref()
            .map_or("", Personal::expose)
    }

    /// Returns the state at a moment: validity ends by the clock alone.
    pub(crate) fn state(&self, now: Timestamp, rules: &settings::Brand) -> UserCardState {
        let stored = self
            .card
            .user_card_state
            .clone()
            .unwrap_or(UserCardState::Effective);
        let over = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
        match stored {
            UserCardState::Effective if over(self.expires(rules)) => UserCardState::Expired,
            UserCardState::Unactivated if over(self.waits_until(rules)) => UserCardState::Invalid,
            stored => stored,
        }
    }

    /// Tells why the card is `INVALID` at a moment: nobody enrolled a user whose card waited too long.
    pub(super) fn ended_as(&self, now: Timestamp, rules: &settings::Brand) -> Option<Ending> {
        let gave_up = || {
            let state = self.state(now, rules);
            (state == UserCardState::Invalid).then_some(Ending::Failed)
        };
        self.ending.or_else(gave_up)
    }

    fn waits_until(&self, rules: &settings::Brand) -> Option<Timestamp> {
        let days = rules.confirmation_days?;
        Some(plus_days(self.taken, days))
    }

    fn expires(&self, rules: &settings::Brand) -> Option<Timestamp> {
        let start = match rules.term_counts_from {
            TermStart::Activation => self.activated?,
            TermStart::Receipt => self.taken,
        };
        validity::end(self.card.valid_date_information.as_ref(), start)
    }

    /// Returns the card as the service shows it at a moment.
    pub(crate) fn shown(&self, now: Timestamp, rules: &settings::Brand) -> UserCard {
        UserCard {
            user_card_state: Some(self.state(now, rules)),
            ..self.card.clone()
        }
    }

    /// Makes the card effective.
    pub(super) fn activate(&mut self, moment: Timestamp) {
        self.card.user_card_state = Some(UserCardState::Effective);
        self.activated = Some(moment);
    }

    /// Makes the card invalid.
    pub(super) fn end(&mut self, ending: Ending, now: Timestamp) {
        self.card.user_card_state = Some(UserCardState::Invalid);
        self.card.invalid_time = Some(rfc3339(now));
        self.ending = Some(ending);
    }

    pub(super) fn remember_feed(&mut self, cell: &str) {
        if self.feeds.len() == FEEDS {
            self.feeds.pop_front();
        }
        self.feeds.push_back(cell.to_owned());
        self.feeds_shown += 1;
    }
}

/// The place of a user card among [`Members`]; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(usize);

impl Recorded for Member {
    type Key = MemberId;

    fn place(&self, _: &MemberId) -> Effect {
        Effect {
            template: self.card.card_id.clone(),
            member: Some(self.code().to_owned()).filter(|code| !code.is_empty()),
            ..Effect::default()
        }
    }

    fn changes(_: &MemberId, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let card = |member: Option<&Self>| {
            member.map_or_else(UserCard::default, |member| member.card.clone())
        };
        let mut changes = differences_in_clear(&card(before), &card(after));
        let Some((before, after)) = before.zip(after) else {
            return changes;
        };
        if before.syncs != after.syncs {
            changes.push(Change {
                field: "point_balance".to_owned(),
                before: before.points.map(Value::from),
                after: after.points.map(Value::from),
            });
        }
        if before.feeds_shown != after.feeds_shown {
            changes.extend(whole("feed", &None, &after.feeds.back()));
        }
        changes
    }
}

/// All user cards, oldest first. Cards end, but none is ever taken away.
#[derive(Default)]
pub(super) struct Members {
    entries: Records<Member>,
    /// By `card_id` and code.
    by_code: HashMap<(String, String), MemberId>,
    /// By brand and openid.
    by_user: HashMap<(String, String), Vec<MemberId>>,
}

impl Members {
    pub(super) fn get(&self, id: MemberId) -> Option<&Member> {
        self.entries.get(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.entries.values()
    }

    /// Finds the card of a code.
    pub(super) fn of_code(&self, card_id: &str, code: &str) -> Option<MemberId> {
        self.by_code
            .get(&(card_id.to_owned(), code.to_owned()))
            .copied()
    }

    /// Finds all cards of a user, oldest first.
    pub(super) fn of_user(
        &self,
        brand: &str,
        openid: &str,
    ) -> impl DoubleEndedIterator<Item = (MemberId, &Member)> {
        let ids = self.by_user.get(&(brand.to_owned(), openid.to_owned()));
        ids.map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(|id| self.get(*id).map(|member| (*id, member)))
    }

    /// Adds a card. The caller has checked that its code is free.
    pub(super) fn add(&mut self, effects: &mut Vec<Effect>, member: Member) {
        let id = self.index(&member);
        self.entries.put(effects, None, id, member);
    }

    /// Puts a card in place that nobody made.
    pub(super) fn fill(&mut self, member: Member) {
        let id = self.index(&member);
        self.entries.fill(id, member);
    }

    /// Replaces a card by its next state; `number` is the request's.
    pub(super) fn replace(
        &mut self,
        effects: &mut Vec<Effect>,
        number: Option<&str>,
        id: MemberId,
        member: Member,
    ) {
        self.index_code(id, &member);
        self.entries.put(effects, number, id, member);
    }

    /// Finds the place of a new card.
    fn index(&mut self, member: &Member) -> MemberId {
        let id = MemberId(self.entries.len());
        let user = (member.brand().to_owned(), member.openid().to_owned());
        self.by_user.entry(user).or_default().push(id);
        self.index_code(id, member);
        id
    }

    fn index_code(&mut self, id: MemberId, member: &Member) {
        if !member.code().is_empty() {
            let key = (member.card_id().to_owned(), member.code().to_owned());
            self.by_code.insert(key, id);
        }
    }
}
