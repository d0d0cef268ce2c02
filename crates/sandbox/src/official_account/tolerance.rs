//! The forms of JSON that other people's SDKs send.
//!
//! Serialisers of other languages write whole numbers as `2900.0`, and SDKs disagree about which
//! identifiers are numbers. The service is PHP-like about all of that.

use kabao_models::{Deviation, DeviationKind, Endpoint, Extra, Incoming};

use crate::settings::OfficialAccount;

/// Tells whether a member is taken although it is not of its documented type.
pub(crate) fn takes(rules: &OfficialAccount, deviation: &Deviation) -> bool {
    match deviation.kind {
        // The gate has refused those that do not count as absent.
        DeviationKind::Null => true,
        DeviationKind::IntegralDecimal
        | DeviationKind::IntegerInText
        | DeviationKind::NumberForText => deviation.is_seen || rules.accept_number_forms,
        _ => deviation.is_seen,
    }
}

/// Returns the text of a member that the catalogue does not know; one that is `null` is not given.
pub(super) fn given<'a>(extra: &'a Extra, name: &str) -> Option<&'a str> {
    extra.get(name).filter(|json| *json != "null")
}

/// Reads a body as a request that has such a member, in the same forms.
pub(super) fn read<E: Endpoint>(rules: &OfficialAccount, body: &str) -> Option<E> {
    let incoming = Incoming {
        path: E::OPERATION.path,
        query: "",
        content_type: None,
        body: body.as_bytes(),
    };
    let (request, deviations) = E::from_http_tolerant(incoming).ok()?;
    let is_taken = deviations.iter().all(|deviation| takes(rules, deviation));
    is_taken.then_some(request)
}
