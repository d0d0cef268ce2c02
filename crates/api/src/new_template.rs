//! What a template is made from.

use kabao_models::{archive, brand, merchant, official_account};
use serde::Serialize;

use crate::{FieldViolation, Validity};

/// A template that is to be created.
///
/// Every family needs more than the portable fields to make a template, and each needs something
/// else; that goes into [`upstream`](NewTemplate::upstream), the family's own request. The portable
/// fields fill what that request leaves empty, so a template can be described once and completed
/// per family. A portable field that says something else than the family's request is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NewTemplate {
    /// The name of the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The terms of use; not in the brand family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The service phone number of the business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_phone: Option<String>,
    /// The logo, from WeChat's image upload; not in the brand family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// The picture of the card face, from WeChat's image upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_picture_url: Option<String>,
    /// The brand's name as users see it; not in the brand family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand_name: Option<String>,
    /// The brand's id; merchant. In the brand family that of the account is used, and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand_id: Option<String>,
    /// The AppID under which users have openids; not in the official-account family, where it is
    /// that of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// How long cards are valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// All cards that may ever be handed out; not in the brand family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_stock: Option<i64>,
    /// The family's own request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamNewTemplate>,
}

/// The request of a family that creates a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UpstreamNewTemplate {
    /// `merchant.cards.create`.
    Merchant(#[serde(with = "archive::boxed")] Box<merchant::cards::CreateCard>),
    /// `brand.cards.create`, also for a brand that calls directly.
    Brand(#[serde(with = "archive::boxed")] Box<brand::cards::CreateCard>),
    /// `official_account.card.create`.
    OfficialAccount(#[serde(with = "archive::boxed")] Box<official_account::card::CreateCard>),
}

impl NewTemplate {
    /// Puts a portable value where the family's request has none; a contradiction is a violation.
    pub fn fill<T: PartialEq>(
        field: &str,
        portable: Option<T>,
        upstream: &mut Option<T>,
        violations: &mut Vec<FieldViolation>,
    ) {
        match (portable, &upstream) {
            (None, _) => {}
            (Some(value), None) => *upstream = Some(value),
            (Some(value), Some(given)) => {
                if value != *given {
                    violations.push(FieldViolation::new(
                        field,
                        "differs from the same field in the family's own request",
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portable_fields_fill_what_is_empty_and_contradict_nothing() {
        let rows = [
            (None, Some(1), Some(1), 0),
            (Some(1), None, Some(1), 0),
            (Some(1), Some(1), Some(1), 0),
            (Some(1), Some(2), Some(2), 1),
            (None, None, None, 0),
        ];
        for (portable, upstream, expected, faults) in rows {
            let (mut filled, mut violations) = (upstream, Vec::new());
            NewTemplate::fill("title", portable, &mut filled, &mut violations);
            assert_eq!((filled, violations.len()), (expected, faults));
        }
    }
}
