//! What a template is made from.

use kabao_models::{brand, merchant, official_account};

use crate::{FieldViolation, Validity};

/// A template that is to be created.
///
/// Every family needs more than the portable fields to make a template, and each needs something
/// else; that goes into [`upstream`](NewTemplate::upstream), the family's own request. The portable
/// fields fill what that request leaves empty, so a template can be described once and completed
/// per family. A portable field that says something else than the family's request is an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewTemplate {
    /// The name of the card.
    pub title: Option<String>,
    /// The terms of use; not in the brand family.
    pub description: Option<String>,
    /// The service phone number of the business.
    pub service_phone: Option<String>,
    /// The logo, from WeChat's image upload; not in the brand family.
    pub logo_url: Option<String>,
    /// The picture of the card face, from WeChat's image upload.
    pub background_picture_url: Option<String>,
    /// The brand's name as users see it; not in the brand family.
    pub brand_name: Option<String>,
    /// The brand's id; merchant. In the brand family that of the account is used, and no other.
    pub brand_id: Option<String>,
    /// The AppID under which users have openids; not in the official-account family, where it is
    /// that of the account.
    pub appid: Option<String>,
    /// How long cards are valid.
    pub validity: Option<Validity>,
    /// All cards that may ever be handed out; not in the brand family.
    pub total_stock: Option<i64>,
    /// The family's own request.
    pub upstream: Option<UpstreamNewTemplate>,
}

/// The request of a family that creates a template.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UpstreamNewTemplate {
    /// `merchant.cards.create`.
    Merchant(Box<merchant::cards::CreateCard>),
    /// `brand.cards.create`, also for a brand that calls directly.
    Brand(Box<brand::cards::CreateCard>),
    /// `official_account.card.create`.
    OfficialAccount(Box<official_account::card::CreateCard>),
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
