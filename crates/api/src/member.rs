//! A member: one user's card.

use kabao_models::{Personal, archive, brand, merchant, official_account};
use serde::{Deserialize, Serialize};

use crate::MemberName;
use crate::setters::setters;

/// One user's card, with the fields that mean the same in every family.
///
/// A field is `None` if the family has no such field or WeChat left it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Member {
    /// Template and code.
    pub name: MemberName,
    /// The user, under the AppID of the template.
    pub openid: Option<Personal>,
    /// The state of the card.
    pub state: MemberState,
    /// The state in WeChat's own word.
    pub upstream_state: Option<String>,
    /// The name of the member's level.
    pub level: Option<String>,
    /// The points.
    pub points: Option<i64>,
    /// The stored value, as WeChat gives it (fen by most documents).
    pub balance: Option<i64>,
    /// The number shown on the card; equals the code until it is changed.
    pub membership_number: Option<Personal>,
    /// The user's nickname.
    pub nickname: Option<Personal>,
    /// The picture on this member's card face.
    pub background_picture_url: Option<String>,
    /// Whether less is known than WeChat has: a change was confirmed, and reading the result back
    /// failed. Only the name and what was written are known then.
    pub partial: bool,
    /// The family's own answer, with [`View::Full`](crate::View::Full).
    pub upstream: Option<UpstreamMember>,
}

/// A member as its family answered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UpstreamMember {
    /// `merchant.user_cards.get`.
    Merchant(#[serde(with = "archive::boxed")] Box<merchant::user_cards::UserCard>),
    /// `brand.user_cards.get`, also of a brand that calls directly.
    Brand(#[serde(with = "archive::boxed")] Box<brand::UserCard>),
    /// `official_account.member.userinfo_get`.
    OfficialAccount(
        #[serde(with = "archive::boxed")] Box<official_account::member::GetUserInfoResponse>,
    ),
}

impl Member {
    /// Makes a member of which nothing but name and state is known.
    pub fn new(name: MemberName, state: MemberState) -> Self {
        Self {
            name,
            openid: None,
            state,
            upstream_state: None,
            level: None,
            points: None,
            balance: None,
            membership_number: None,
            nickname: None,
            background_picture_url: None,
            partial: false,
            upstream: None,
        }
    }

    /// Makes a member whose change was confirmed and could not be read back: name, state and what
    /// was written.
    pub fn written(name: MemberName, state: MemberState, written: MemberUpdate) -> Self {
        let MemberUpdate {
            level,
            membership_number,
            background_picture_url,
            points,
            balance,
        } = written;
        Self {
            level,
            membership_number,
            background_picture_url,
            points,
            balance,
            partial: true,
            ..Self::new(name, state)
        }
    }
}

/// The state of a member's card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum MemberState {
    /// WeChat gave no state.
    #[default]
    Unspecified,
    /// Received, but not activated or confirmed yet.
    PendingActivation,
    /// Usable.
    Active,
    /// The validity is over.
    Expired,
    /// Made invalid by the merchant; final.
    Invalid,
    /// Deleted by the user.
    Deleted,
    /// A state that has no counterpart; `upstream_state` has WeChat's word.
    Other,
}

/// What to change of a member; `None` leaves a field as it is.
///
/// Which field a family can change is decided by its backend: the others answer
/// `NOT_SUPPORTED_BY_FAMILY` with their names, and nothing is sent.
///
/// | field | merchant | brand | official account |
/// | --- | --- | --- | --- |
/// | `level` | yes | yes | no |
/// | `membership_number` | yes | no | no |
/// | `background_picture_url` | yes | yes | yes (not returned by reads) |
/// | `points`, `balance` | no | no | yes, absolute values |
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemberUpdate {
    /// The new level; empty clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The new number shown on the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_number: Option<Personal>,
    /// The new picture; must come from WeChat's image upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_picture_url: Option<String>,
    /// The new absolute points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// The new absolute stored value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<i64>,
}

setters!(MemberUpdate:
    with_level(level: impl Into<String>) = Some(level.into());
    with_membership_number(membership_number: impl Into<Personal>) = Some(membership_number.into());
    with_background_picture_url(background_picture_url: impl Into<String>) =
        Some(background_picture_url.into());
    with_points(points: i64) = Some(points);
    with_balance(balance: i64) = Some(balance);
);

impl MemberUpdate {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every path that a field mask may hold.
    pub const FIELDS: &'static [&'static str] = &[
        "level",
        "membership_number",
        "background_picture_url",
        "points",
        "balance",
    ];

    /// Returns the paths of the fields to change.
    pub fn fields(&self) -> Vec<&'static str> {
        let Self {
            level,
            membership_number,
            background_picture_url,
            points,
            balance,
        } = self;
        let present = [
            level.is_some(),
            membership_number.is_some(),
            background_picture_url.is_some(),
            points.is_some(),
            balance.is_some(),
        ];
        Self::FIELDS
            .iter()
            .zip(present)
            .filter_map(|(field, present)| present.then_some(*field))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_names_exactly_the_fields_it_holds() {
        assert!(MemberUpdate::default().fields().is_empty());
        let update = MemberUpdate {
            level: Some(String::new()),
            balance: Some(0),
            ..MemberUpdate::default()
        };
        assert_eq!(update.fields(), ["level", "balance"]);
    }

    #[test]
    fn a_member_prints_no_personal_data() {
        let name = "accounts/a/templates/t/members/478515832665"
            .parse()
            .unwrap();
        let member = Member {
            openid: Some("obLatjnx9gnqzS4myYGmLZ7LgLBA".into()),
            nickname: Some("林间".into()),
            membership_number: Some("820915483307".into()),
            ..Member::new(name, MemberState::Active)
        };
        let shown = format!("{member:?}");
        for secret in ["478515832665", "obLatjnx", "林间", "820915483307"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
