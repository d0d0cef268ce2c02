use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use kabao_api::Accounts;
use tower_service::Service;

use super::*;
use crate::generation::Generation;
use crate::layer::With;

#[test]
fn only_paths_of_methods_are_repeated() {
    assert_eq!(
        split("/kabao.v1.MemberService/GetMember"),
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
        assert_eq!(split(path), ("(other)", "(other)"), "{path}");
    }
}

#[test]
fn only_methods_that_exist_have_a_label_of_their_own() {
    for name in [
        "kabao.v1.MemberService/GetMember",
        "kabao.merchant.v1.UserCardService/GetUserCard",
        "grpc.health.v1.Health/Watch",
    ] {
        assert_eq!(LABELS.label(&format!("/{name}")), name);
    }
    let other = "kabao.v1.MemberService/GetNothing";
    for path in [other, "kabao.v1.MemberService/GetMember", "//a", "/", ""] {
        assert_eq!(LABELS.label(path), "other", "{path}");
    }
}

/// Answers with an HTTP status and a gRPC status in the trailers, or never.
#[derive(Clone)]
struct Fake(Option<(u16, Option<&'static str>)>);

impl Service<Request<Body>> for Fake {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let Some((http, grpc)) = self.0 else {
            return Box::pin(std::future::pending());
        };
        let body = Full::new(Bytes::from_static(b"message"));
        let trailers = grpc.map(|status| {
            let mut trailers = HeaderMap::new();
            trailers.insert(Status::GRPC_STATUS, status.parse().unwrap());
            Ok(trailers)
        });
        let body = Body::new(body.with_trailers(std::future::ready(trailers)));
        let response = Response::builder().status(http).body(body).unwrap();
        Box::pin(std::future::ready(Ok(response)))
    }
}

#[derive(Default)]
struct Seen {
    arrived: Mutex<Vec<&'static str>>,
    ended: Mutex<Vec<(&'static str, Code)>>,
}

impl CallObserver for Seen {
    fn arrived(&self, method: &'static str, _: &HeaderMap, _: Sender, _: &Span) {
        self.arrived.lock().unwrap().push(method);
    }

    fn ended(&self, method: &'static str, code: Code, _: Duration, _: &Span) {
        self.ended.lock().unwrap().push((method, code));
    }
}

fn traced(fake: Fake) -> (Arc<Seen>, With<Trace, Fake>) {
    let seen = Arc::new(Seen::default());
    let generations = Generations::new(Generation::new(Accounts::new()));
    let observer = Arc::<Seen>::clone(&seen);
    let trace = Trace::new(generations, Some(observer), None, Default::default());
    (seen, With::new(trace, fake))
}

fn request(path: &str) -> Request<Body> {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

const GET_MEMBER: &str = "kabao.v1.MemberService/GetMember";

#[tokio::test]
async fn an_observer_hears_of_the_end_once_the_body_is_read() {
    for (path, answer, label, code) in [
        (GET_MEMBER, (200, Some("0")), GET_MEMBER, Code::Ok),
        (GET_MEMBER, (200, Some("5")), GET_MEMBER, Code::NotFound),
        ("what/ever", (200, Some("12")), "other", Code::Unimplemented),
        (GET_MEMBER, (415, None), GET_MEMBER, Code::Unknown),
        (GET_MEMBER, (400, None), GET_MEMBER, Code::Internal),
        (GET_MEMBER, (503, None), GET_MEMBER, Code::Unavailable),
    ] {
        let (seen, mut traced) = traced(Fake(Some(answer)));
        let response = traced.call(request(&format!("/{path}"))).await.unwrap();
        assert_eq!(*seen.arrived.lock().unwrap(), [label]);
        assert_eq!(*seen.ended.lock().unwrap(), []);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "message");
        assert_eq!(*seen.ended.lock().unwrap(), [(label, code)], "{answer:?}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_is_told_as_cancelled() {
    let (seen, mut traced) = traced(Fake(None));
    drop(traced.call(request(&format!("/{GET_MEMBER}"))));
    assert_eq!(*seen.ended.lock().unwrap(), [(GET_MEMBER, Code::Cancelled)]);
}
