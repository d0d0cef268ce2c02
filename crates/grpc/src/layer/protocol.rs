//! What is not gRPC is told so, in the words of plain HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

use super::refusals::{Refusals, Refused};
use super::{Answer, Inner, Layer, at_once};

/// Refuses requests that are not gRPC over HTTP/2 before anything reads them; the log has a line a second of them, since
/// nobody has asked who sends them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protocol {
    refusals: Arc<Mutex<Refusals>>,
}

impl Layer for Protocol {
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer {
        let Some(mut response) = refuse(&request) else {
            return inner.call(request);
        };
        let turn = self
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .turn(Instant::now());
        if let Some(untold) = turn {
            tracing::info!(untold, "a request that is not gRPC was refused");
        }
        response.extensions_mut().insert(Refused);
        at_once(response)
    }
}

/// Tells whether a request is a call of gRPC that this port speaks.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    refuse(request).is_none()
}

fn refuse<B>(request: &Request<B>) -> Option<Response<Body>> {
    match subtype(request.headers().get(CONTENT_TYPE)) {
        // The protocol wants 415, so that a plain HTTP client is not shown a success.
        Subtype::NotGrpc => {
            return Some(plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this port speaks gRPC: content-type must be application/grpc\n",
            ));
        }
        Subtype::Other => {
            return Some(
                Status::new(
                    Code::Unimplemented,
                    "only application/grpc and application/grpc+proto are served",
                )
                .into_http(),
            );
        }
        Subtype::Proto => {}
    }
    if request.method() != Method::POST {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "gRPC calls are POST requests\n",
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    if request.version() < Version::HTTP_2 {
        return Some(plain(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "gRPC needs HTTP/2\n",
        ));
    }
    None
}

/// What the content types of gRPC start with.
const GRPC: &str = "application/grpc";

#[derive(Debug, PartialEq, Eq)]
enum Subtype {
    Proto,
    Other,
    NotGrpc,
}

fn subtype(content_type: Option<&HeaderValue>) -> Subtype {
    let Some(text) = content_type.and_then(|value| value.to_str().ok()) else {
        return Subtype::NotGrpc;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    let rest = essence
        .split_at_checked(GRPC.len())
        .filter(|(start, _)| start.eq_ignore_ascii_case(GRPC))
        .map(|(_, rest)| rest);
    match rest {
        Some("") => Subtype::Proto,
        Some(rest) if rest.eq_ignore_ascii_case("+proto") => Subtype::Proto,
        Some(rest) if rest.starts_with('+') => Subtype::Other,
        // gRPC-Web is another protocol.
        _ => Subtype::NotGrpc,
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_told_apart() {
        let rows = [
            (Some("application/grpc"), Subtype::Proto),
            (Some("application/grpc+proto"), Subtype::Proto),
            (Some("Application/gRPC; charset=utf-8"), Subtype::Proto),
            (Some("application/grpc+json"), Subtype::Other),
            (Some("application/grpc-web+proto"), Subtype::NotGrpc),
            (Some("application/grpcx"), Subtype::NotGrpc),
            (Some("application/json"), Subtype::NotGrpc),
            (None, Subtype::NotGrpc),
        ];
        for (text, expected) in rows {
            let value = text.map(HeaderValue::from_static);
            assert_eq!(subtype(value.as_ref()), expected, "{text:?}");
        }
    }
}
