//! Operations of no family's catalogue, for unit tests of decisions.

use http::Method;
use kabao_models::{Body, Effect, Family, Operation, Scheme};

const fn operation(
    id: &'static str,
    effect: Effect,
    request_number: Option<&'static str>,
) -> Operation {
    Operation {
        id,
        title: "a test",
        family: Family::Merchant,
        scheme: Scheme::Merchant,
        method: Method::POST,
        path: "/v3/test",
        body: Body::Json,
        success: 200,
        effect,
        rate_limit: None,
        request_number,
        encrypts: false,
        errors: &[],
        docs: &[],
    }
}

pub(crate) static READ: Operation = operation("test.things.get", Effect::Read, None);
pub(crate) static WRITE: Operation = operation("test.things.update", Effect::Write, None);
pub(crate) static WRITE_NUMBERED: Operation =
    operation("test.things.create", Effect::Write, Some("out_request_no"));
