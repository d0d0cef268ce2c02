//! One span and one closing event for every call.

use http::{HeaderMap, Request};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::{Instrument, Span};

use super::body::{Hook, hooked};
use super::{Answer, Inner, Manner, request_id};

/// Records method, code and time of every call; nothing of its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace;

impl Manner for Trace {
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer {
        let (service, method) = method(request.uri().path());
        let span = tracing::info_span!(
            "grpc",
            rpc.system = "grpc",
            rpc.service = service,
            rpc.method = method,
            request_id = %request_id(request.extensions()),
            account = tracing::field::Empty,
            rpc.grpc.status_code = tracing::field::Empty,
        );
        let mut observed = Observed {
            span: span.clone(),
            started: Instant::now(),
            code: None,
            probe: service == "grpc.health.v1.Health",
        };
        let answer = span.in_scope(|| inner.call(request));
        let observing = async move {
            let response = answer.await?;
            observed.headers(response.headers());
            if response.status() != http::StatusCode::OK {
                // Not gRPC at all; clients of gRPC make the same of it.
                observed.code = Some(Code::Unknown);
            }
            Ok(response.map(|body| hooked(body, observed)))
        };
        Box::pin(observing.instrument(span))
    }
}

/// Splits a path into service and method. Paths that cannot be ours are not repeated: anybody may
/// write anything there.
fn method(path: &str) -> (&str, &str) {
    let word = |text: &str| {
        text.len() <= 100
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_')
    };
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if word(service) && word(method) => (service, method),
        _ => ("(other)", "(other)"),
    }
}

/// A call from its first byte to its last.
struct Observed {
    span: Span,
    started: Instant,
    code: Option<Code>,
    /// Whether it asks for health.
    probe: bool,
}

impl Observed {
    fn headers(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            self.code = Some(status.code());
        }
    }
}

impl Hook for Observed {
    fn trailers(&mut self, trailers: &mut HeaderMap) {
        self.headers(trailers);
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // Without a status the caller went away, or the server is stopping.
        let code = self.code.unwrap_or(Code::Cancelled);
        self.span.record("rpc.grpc.status_code", i32::from(code));
        let elapsed_ms = self.started.elapsed().as_secs_f64() * 1000.0;
        let probe = self.probe;
        self.span.in_scope(|| {
            if probe {
                // Probes come every few seconds for ever.
                tracing::debug!(code = ?code, elapsed_ms, "call finished");
            } else {
                tracing::info!(code = ?code, elapsed_ms, "call finished");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_methods_are_repeated() {
        assert_eq!(
            method("/kabao.v1.MemberService/GetMember"),
            ("kabao.v1.MemberService", "GetMember"),
        );
        for path in [
            "",
            "/",
            "/a",
            "/a/b/c",
            "/a/%E5%8D%A1",
            "/a b/c",
            &format!("/a/{}", "b".repeat(101)),
        ] {
            assert_eq!(method(path), ("(other)", "(other)"), "{path}");
        }
    }
}
