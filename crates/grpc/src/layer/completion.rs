//! Statuses that tonic makes itself get a fitting code, a reason and the request id.
//!
//! Services and layers of ours always attach details, so a failure without
//! details is tonic's own: a message that does not parse, one that is too
//! large, a method that does not exist.

use http::{HeaderMap, Request};
use kabao_api::{CallId, Error, Reason};
use tonic::body::Body;
use tonic::{Code, Status};

use super::body::{Hook, hooked};
use super::{Answer, Inner, Layer, call_id};
use crate::status;
use crate::wire::Malformed;

/// Completes statuses without details.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion;

impl Layer for Completion {
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer {
        let id = call_id(request.extensions());
        let answer = inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if response.headers().contains_key(Status::GRPC_STATUS) {
                complete(response.headers_mut(), Phase::Request, &id);
                return Ok(response);
            }
            Ok(response.map(|body| hooked(body, Trailers(id))))
        })
    }
}

struct Trailers(CallId);

impl Hook for Trailers {
    fn trailers(&mut self, trailers: &mut HeaderMap) {
        complete(trailers, Phase::Response, &self.0);
    }
}

/// Where the failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the response began: the request was at fault.
    Request,
    /// While the response was written.
    Response,
}

fn complete(headers: &mut HeaderMap, phase: Phase, id: &CallId) {
    if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return;
    }
    let Some(bare) = Status::from_header_map(headers) else {
        return;
    };
    let complete = match (bare.code(), phase) {
        (Code::Ok, _) => return,
        // tonic says OUT_OF_RANGE where the protocol says RESOURCE_EXHAUSTED.
        (Code::OutOfRange | Code::ResourceExhausted, Phase::Request) => status::of(
            &Error::new(
                Reason::MessageTooLarge,
                "the request is larger than the gateway accepts",
            ),
            id,
        ),
        (Code::OutOfRange | Code::ResourceExhausted, Phase::Response) => status::of(
            &Error::new(
                Reason::MessageTooLarge,
                "the answer is larger than the gateway sends",
            )
            .mark_may_have_executed(),
            id,
        ),
        // What tonic reports as INTERNAL on the way in is a body that is no message.
        (Code::Internal, Phase::Request) => status::of(&Malformed.into(), id),
        (code, _) => status::of_tonic(code, bare.message(), id),
    };
    if complete.add_header(headers).is_err() {
        tracing::error!(request_id = %id, "a status could not be written");
    }
}
