//! Counts and traces every call, around everything else that happens to it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower_service::Service;
use tracing::{Instrument, Span};

use super::metrics::code_name;
use super::{Methods, Metrics, traces};
use crate::listener::GrpcService;

/// Wraps the services of the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Calls<S> {
    inner: S,
    metrics: Metrics,
    methods: Arc<Methods>,
}

impl<S> Calls<S> {
    pub(crate) fn new(inner: S, metrics: Metrics, methods: Methods) -> Self {
        Self {
            inner,
            metrics,
            methods: Arc::new(methods),
        }
    }
}

impl<S: GrpcService> Service<Request<Body>> for Calls<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = self.methods.label(request.uri().path());
        self.metrics.call_started(method);
        let span = traces::server_span(method, request.headers());
        let mut call = Call {
            method,
            metrics: self.metrics.clone(),
            span: span.clone(),
            arrived: Instant::now(),
            code: None,
        };
        let answer = span.in_scope(|| self.inner.call(request));
        let observed = async move {
            let response = answer.await?;
            if response.status() != StatusCode::OK {
                call.code = Some(Code::Internal);
            }
            call.read(response.headers());
            Ok(response.map(|inner| Body::new(Observed { inner, call })))
        };
        Box::pin(observed.instrument(span))
    }
}

/// One call, from its arrival to its last frame.
struct Call {
    method: &'static str,
    metrics: Metrics,
    span: Span,
    arrived: Instant,
    code: Option<Code>,
}

impl Call {
    fn read(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.code = Some(Code::from_bytes(status.as_bytes()));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Without a status the caller went away, or the process did not wait for the call.
        let code = self.code.unwrap_or(Code::Cancelled);
        self.metrics
            .call_ended(self.method, code, self.arrived.elapsed());
        traces::finish(&self.span, code, code_name(code));
    }
}

struct Observed {
    inner: Body,
    call: Call,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.call.read(trailers);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the given status in the trailers, or never if there is none.
    #[derive(Clone)]
    struct Fake(Option<&'static str>);

    impl Service<Request<Body>> for Fake {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            let Some(status) = self.0 else {
                return Box::pin(std::future::pending());
            };
            let mut trailers = HeaderMap::new();
            trailers.insert(Status::GRPC_STATUS, status.parse().unwrap());
            let body = http_body_util::Full::new(Bytes::from_static(b"message"));
            let body =
                http_body_util::BodyExt::with_trailers(body, async move { Some(Ok(trailers)) });
            Box::pin(async move { Ok(Response::new(Body::new(body))) })
        }
    }

    fn calls(status: Option<&'static str>) -> (Calls<Fake>, Metrics) {
        let metrics = Metrics::new().unwrap();
        let methods = ["a.B/C".to_owned()].into_iter().collect();
        (Calls::new(Fake(status), metrics.clone(), methods), metrics)
    }

    fn request(path: &str) -> Request<Body> {
        Request::builder().uri(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn the_status_of_the_trailers_is_counted_once_the_body_is_read() {
        for (path, status, label) in [
            ("/a.B/C", "0", r#"grpc_method="a.B/C",grpc_status="OK""#),
            (
                "/a.B/C",
                "5",
                r#"grpc_method="a.B/C",grpc_status="NOT_FOUND""#,
            ),
            (
                "/what/ever",
                "12",
                r#"grpc_method="other",grpc_status="UNIMPLEMENTED""#,
            ),
        ] {
            let (mut calls, metrics) = calls(Some(status));
            let response = calls.call(request(path)).await.unwrap();
            let body = http_body_util::BodyExt::collect(response.into_body());
            assert_eq!(body.await.unwrap().to_bytes(), "message");
            let page = metrics.render().unwrap();
            let line = format!("grpc_server_call_duration_seconds_count{{{label}}} 1");
            assert!(page.contains(&line), "{line} in\n{page}");
        }
    }

    #[tokio::test]
    async fn a_caller_who_leaves_is_counted_as_cancelled() {
        let (mut calls, metrics) = calls(None);
        drop(calls.call(request("/a.B/C")));
        let page = metrics.render().unwrap();
        assert!(page.contains(r#"grpc_status="CANCELLED"} 1"#), "{page}");
    }
}
