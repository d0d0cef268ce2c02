//! A card template: what the merchant designs and distributes.

use std::time::SystemTime;

use kabao_models::{archive, brand, merchant, official_account};
use serde::{Deserialize, Serialize};

use crate::TemplateName;
use crate::setters::setters;

/// A card template, with the fields that mean the same in every family.
///
/// A field is `None` if the family has no such field or WeChat left it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Template {
    /// Account and `card_id`.
    pub name: TemplateName,
    /// The name of the card.
    pub title: Option<String>,
    /// The state of the template.
    pub state: TemplateState,
    /// The state in WeChat's own word.
    pub upstream_state: Option<String>,
    /// The brand's name as users see it.
    pub brand_name: Option<String>,
    /// The brand's id.
    pub brand_id: Option<String>,
    /// The AppID under which users have openids.
    pub appid: Option<String>,
    /// The terms of use.
    pub description: Option<String>,
    /// The service phone number of the business.
    pub service_phone: Option<String>,
    /// The logo.
    pub logo_url: Option<String>,
    /// The picture of the card face.
    pub background_picture_url: Option<String>,
    /// How long cards of this template are valid.
    pub validity: Option<Validity>,
    /// How many cards there are.
    pub stock: Option<Stock>,
    /// When the template was created.
    #[serde(default, with = "crate::moment")]
    pub create_time: Option<SystemTime>,
    /// When the template was changed last.
    #[serde(default, with = "crate::moment")]
    pub update_time: Option<SystemTime>,
    /// Whether less is known than WeChat has: a change was confirmed, and reading the result back
    /// failed. Only the name and what was written are known then.
    pub partial: bool,
    /// The family's own answer, with [`View::Full`](crate::View::Full).
    pub upstream: Option<UpstreamTemplate>,
}

/// A template as its family answered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UpstreamTemplate {
    /// `merchant.cards.get`.
    Merchant(#[serde(with = "archive::boxed")] Box<merchant::cards::Card>),
    /// `brand.cards.get`, also of a brand that calls directly.
    Brand(#[serde(with = "archive::boxed")] Box<brand::Card>),
    /// The card in the answer of `official_account.card.get`.
    OfficialAccount(#[serde(with = "archive::boxed")] Box<official_account::card::Card>),
}

impl Template {
    /// Makes a template of which nothing but name and state is known.
    pub fn new(name: TemplateName, state: TemplateState) -> Self {
        Self {
            name,
            title: None,
            state,
            upstream_state: None,
            brand_name: None,
            brand_id: None,
            appid: None,
            description: None,
            service_phone: None,
            logo_url: None,
            background_picture_url: None,
            validity: None,
            stock: None,
            create_time: None,
            update_time: None,
            partial: false,
            upstream: None,
        }
    }

    /// Makes a template whose change was confirmed and could not be read back: the name and what
    /// was written.
    pub fn written(name: TemplateName, written: TemplateUpdate) -> Self {
        let TemplateUpdate {
            title,
            description,
            service_phone,
            logo_url,
            background_picture_url,
        } = written;
        Self {
            title,
            description,
            service_phone,
            logo_url,
            background_picture_url,
            partial: true,
            ..Self::new(name, TemplateState::Unspecified)
        }
    }
}

/// The state of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TemplateState {
    /// WeChat gave no state.
    #[default]
    Unspecified,
    /// Waiting for review.
    PendingReview,
    /// Review failed.
    Rejected,
    /// Can be handed out.
    Active,
    /// Deleted or invalidated: cannot be handed out any more.
    Deleted,
    /// A state that has no counterpart; `upstream_state` has WeChat's word.
    Other,
}

/// How long the cards of a template are valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Validity {
    /// From one moment to another.
    Range {
        /// The first moment.
        #[serde(default, with = "crate::moment")]
        begin: Option<SystemTime>,
        /// The first moment after.
        #[serde(default, with = "crate::moment")]
        end: Option<SystemTime>,
    },
    /// A number of days from receiving the card.
    Days {
        /// How many days the card is valid.
        valid_days: i64,
        /// How many days pass before that.
        wait_days: i64,
    },
    /// For ever.
    Permanent,
    /// A kind that has no counterpart, in WeChat's word.
    Other(String),
}

/// How many cards of a template there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// All cards that may ever be handed out.
    pub total: Option<i64>,
    /// The cards left.
    pub remaining: Option<i64>,
}

/// What to change of a template; `None` leaves a field as it is.
///
/// Fields that a family cannot change answer `NOT_SUPPORTED_BY_FAMILY`, and nothing is sent.
///
/// | field | merchant | brand | official account |
/// | --- | --- | --- | --- |
/// | `title` | yes | yes | yes, goes to review |
/// | `description` | yes | no | yes, goes to review |
/// | `service_phone` | yes | yes | yes |
/// | `logo_url` | yes | no | yes, goes to review |
/// | `background_picture_url` | yes | yes | yes |
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TemplateUpdate {
    /// The new name of the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The new terms of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The new service phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_phone: Option<String>,
    /// The new logo; must come from WeChat's image upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// The new picture of the card face; must come from WeChat's image upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_picture_url: Option<String>,
}

setters!(TemplateUpdate:
    with_title(title: impl Into<String>) = Some(title.into());
    with_description(description: impl Into<String>) = Some(description.into());
    with_service_phone(service_phone: impl Into<String>) = Some(service_phone.into());
    with_logo_url(logo_url: impl Into<String>) = Some(logo_url.into());
    with_background_picture_url(background_picture_url: impl Into<String>) =
        Some(background_picture_url.into());
);

impl TemplateUpdate {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every path that a field mask may hold.
    pub const FIELDS: &'static [&'static str] = &[
        "title",
        "description",
        "service_phone",
        "logo_url",
        "background_picture_url",
    ];

    /// Returns the paths of the fields to change.
    pub fn fields(&self) -> Vec<&'static str> {
        let Self {
            title,
            description,
            service_phone,
            logo_url,
            background_picture_url,
        } = self;
        let present = [
            title,
            description,
            service_phone,
            logo_url,
            background_picture_url,
        ];
        Self::FIELDS
            .iter()
            .zip(present)
            .filter_map(|(field, value)| value.is_some().then_some(*field))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_names_exactly_the_fields_it_holds() {
        assert!(TemplateUpdate::default().fields().is_empty());
        let update = TemplateUpdate {
            title: Some("茶港会员卡".to_owned()),
            logo_url: Some(String::new()),
            ..TemplateUpdate::default()
        };
        assert_eq!(update.fields(), ["title", "logo_url"]);
    }
}
