//! Who is said to send a call that names the span it was made in.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use kabao_api::MockMemberApi;
use kabao_grpc::{CallObserver, Certified, Policy, Rule, Sender, Server};
use tonic::Code;
use tonic::codegen::Service;
use tracing::Span;

use crate::support::{GET_MEMBER, Names, account, serving};

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Default)]
struct Seen(Mutex<Vec<Sender>>);

impl CallObserver for Seen {
    fn arrived(&self, _: &'static str, _: &HeaderMap, sender: Sender, _: &Span) {
        self.0.lock().unwrap().push(sender);
    }

    fn ended(&self, _: &'static str, _: Code, _: Duration, _: &Span) {}
}

/// A call of `path` with such a token and certificate.
fn call(path: &str, token: &str, certificate: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::post(format!("http://there{path}"))
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("traceparent", PARENT);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(name) = certificate {
        let certified = match name {
            "" => Err("it names nobody"),
            name => Ok(name.parse().unwrap()),
        };
        request = request.extension(Certified(certified));
    }
    request
        .body(Full::new(Bytes::from_static(&[0; 5])))
        .unwrap()
}

/// Returns whom the server takes for the sender, and its answer.
async fn sender(server: Server, request: Request<Full<Bytes>>) -> (Sender, HeaderMap) {
    let seen = Arc::<Seen>::default();
    let (mut service, _) = server.observer(Arc::<Seen>::clone(&seen)).into_service();
    let (head, body) = service.call(request).await.unwrap().into_parts();
    body.collect().await.unwrap();
    let senders = seen.0.lock().unwrap().clone();
    (*senders.first().unwrap(), head.headers)
}

#[tokio::test]
async fn a_sender_is_known_by_a_token_or_a_certificate_and_by_nothing_else() {
    use Sender::{Known, Nameless, Stranger};
    let rule = Rule {
        caller: "office".parse().unwrap(),
        accounts: vec!["*".parse().unwrap()],
        methods: Vec::new(),
        weight: 1,
        place: String::new(),
    };
    let policy = Arc::new(Policy::new(vec![rule]));
    let open = || serving(account(MockMemberApi::new()));
    let names = || open().tokens(Arc::<Names>::default());
    for (server, path, token, certificate, expected) in [
        (open(), GET_MEMBER, "", None, Nameless),
        (open(), GET_MEMBER, "till!", None, Nameless),
        (open(), GET_MEMBER, "", Some("till"), Known),
        (names(), GET_MEMBER, "", None, Stranger),
        (names(), GET_MEMBER, "till", None, Stranger),
        (names(), GET_MEMBER, "till", Some("till"), Stranger),
        (names(), GET_MEMBER, "", Some(""), Stranger),
        // A token does not excuse a certificate that is not good any more.
        (names(), GET_MEMBER, "till!", Some(""), Stranger),
        (names(), GET_MEMBER, "till!", None, Known),
        (names(), GET_MEMBER, "", Some("till"), Known),
        // Whom the policy denies the method is known all the same.
        (
            names().policy(Arc::clone(&policy)),
            GET_MEMBER,
            "till!",
            None,
            Known,
        ),
        (names().policy(policy), GET_MEMBER, "", None, Stranger),
        // Nobody looks at tokens of what is open to everybody.
        (open(), HEALTH, "", None, Nameless),
        (names(), HEALTH, "till!", None, Stranger),
        (names(), HEALTH, "", Some("till"), Known),
        (names(), HEALTH, "", Some(""), Stranger),
    ] {
        let row = format!("{path} {token:?} {certificate:?} {server:?}");
        let (found, _) = sender(server, call(path, token, certificate)).await;
        assert_eq!(found, expected, "{row}");
    }
}

#[tokio::test]
async fn a_token_is_looked_at_once_and_decides_as_it_does_without_a_span() {
    for (token, status) in [("till", "16"), ("till!", "3")] {
        for is_traced in [true, false] {
            let names = Arc::<Names>::default();
            let server = serving(account(MockMemberApi::new())).tokens(Arc::<Names>::clone(&names));
            let mut request = call(GET_MEMBER, token, None);
            if !is_traced {
                request.headers_mut().remove("traceparent");
            }
            let (_, headers) = sender(server, request).await;
            assert_eq!(headers["grpc-status"], status, "{token} {is_traced}");
            assert_eq!(names.0.load(Ordering::SeqCst), 1, "{token} {is_traced}");
        }
    }
}

#[tokio::test]
async fn a_token_does_not_excuse_a_certificate_that_is_not_good_any_more() {
    for (certificate, status) in [(Some(""), "16"), (Some("proxy"), "3"), (None, "3")] {
        let server = serving(account(MockMemberApi::new())).tokens(Arc::<Names>::default());
        let (_, headers) = sender(server, call(GET_MEMBER, "till!", certificate)).await;
        assert_eq!(headers["grpc-status"], status, "{certificate:?}");
    }
}
