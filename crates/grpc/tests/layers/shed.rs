//! Calls of an account that refuses them: looked at before anything is begun, and answered as they would be.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use kabao_api::{CallContext, Error, MockMemberApi, MockTemplateApi, Reason, Upstream};
use kabao_grpc::{Audit, AuditRecord, CallObserver, GrpcService, Sender, Server};
use kabao_models::{AnyAnswer, AnyEndpoint};
use kabao_proto::kabao::merchant::v1::GetUserCardRequest;
use prost::Message;
use tonic::Code;
use tonic::codegen::Service;
use tracing::Span;

use crate::support::{Journal, Names, account, frame, serving};

const GET: &str = "/kabao.merchant.v1.UserCardService/GetUserCard";
const UPLOAD: &str = "/kabao.merchant.v1.MediaService/UploadImage";
const UPDATE: &str = "/kabao.merchant.v1.UserCardService/UpdateUserCard";

/// Refuses every call, before or after it has begun.
#[derive(Default)]
pub(crate) struct Crowded {
    pub(crate) says_so: AtomicBool,
    begun: AtomicUsize,
    expected: AtomicUsize,
}

pub(crate) fn crowded() -> Error {
    Error::new(Reason::Overloaded, "too many")
        .with_retry_after(Duration::from_millis(250))
        .with_operation("merchant.user_cards.get")
}

#[tonic::async_trait]
impl Upstream for Crowded {
    async fn execute(
        &self,
        context: &CallContext,
        _: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        self.begin(context);
        Err(crowded())
    }

    fn refusal(&self, context: &CallContext, _: &dyn AnyEndpoint) -> Option<Error> {
        self.look(context)
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<(&'static str, Option<Code>)>>);

/// Keeps records.
#[derive(Default)]
pub(crate) struct Book(pub(crate) Mutex<Vec<String>>);

impl Audit for Book {
    fn admit(&self) -> Result<(), Error> {
        Ok(())
    }

    fn record(&self, record: &AuditRecord<'_>) {
        let line = format!("{record:?} {:?} {:?}", record.subjects, record.peer);
        self.0.lock().unwrap().push(line);
    }
}

/// A portable API behind which there is as little room.
fn portable(upstream: &Arc<Crowded>) -> (MockMemberApi, MockTemplateApi) {
    macro_rules! refusing {
        ($mock:ident: $($method:ident)*) => {{
            $({
                let upstream = Arc::clone(upstream);
                $mock.$method().returning(move |context, _| {
                    upstream.begin(context);
                    Err(crowded())
                });
            })*
            let upstream = Arc::clone(upstream);
            $mock.expect_refusal().returning(move |context, _| upstream.look(context));
        }};
    }
    let (mut members, mut templates) = (MockMemberApi::new(), MockTemplateApi::new());
    refusing!(members: expect_get_member expect_list_members expect_update_member expect_adjust_balance
        expect_adjust_points expect_activate_member expect_invalidate_member expect_import_member);
    refusing!(templates: expect_get_template expect_list_templates expect_create_template expect_update_template
        expect_delete_template);
    (members, templates)
}

impl Crowded {
    fn begin(&self, context: &CallContext) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let expected = usize::from(context.is_expected());
        self.expected.fetch_add(expected, Ordering::SeqCst);
    }

    fn look(&self, context: &CallContext) -> Option<Error> {
        assert!(context.deadline.is_some());
        self.says_so.load(Ordering::SeqCst).then(crowded)
    }
}

impl CallObserver for Seen {
    fn arrived(&self, method: &'static str, _: &HeaderMap, _: Sender, _: &Span) {
        self.0.lock().unwrap().push((method, None));
    }

    fn ended(&self, method: &'static str, code: Code, _: Duration, _: &Span) {
        self.0.lock().unwrap().push((method, Some(code)));
    }
}

pub(crate) struct Bench {
    pub(crate) upstream: Arc<Crowded>,
    pub(crate) book: Arc<Book>,
    seen: Arc<Seen>,
    names: Arc<Names>,
    service: GrpcService,
}

pub(crate) fn bench() -> Bench {
    let (upstream, seen) = (Arc::<Crowded>::default(), Arc::<Seen>::default());
    let names = Arc::<Names>::default();
    let (members, templates) = portable(&upstream);
    let mut account = account(members);
    account.templates = Arc::new(templates);
    account.upstream = Arc::<Crowded>::clone(&upstream);
    account.changes = Some(Arc::new(Journal));
    let book = Arc::<Book>::default();
    let server: Server = serving(account).tokens(Arc::<Names>::clone(&names));
    let server = server.audit(Arc::<Book>::clone(&book));
    let (service, _) = server.observer(Arc::<Seen>::clone(&seen)).into_service();
    Bench {
        upstream,
        book,
        seen,
        names,
        service,
    }
}

pub(crate) type Asked<'a> = (&'a str, &'a [(&'a str, &'a str)], Bytes);

impl Bench {
    /// Calls, and tells whether it was answered at once, and with what head.
    pub(crate) async fn ask(
        &mut self,
        (path, headers, body): &Asked<'_>,
    ) -> (bool, u16, HeaderMap) {
        let mut request = Request::post(format!("http://there{path}"))
            .version(http::Version::HTTP_2)
            .header("x-request-id", "r-1");
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("authorization", "Bearer till!"),
        ] {
            if headers.iter().all(|(own, _)| *own != name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.clone())).unwrap();
        let answering = self.service.call(request);
        let is_at_once = answering.is_answered();
        let (head, body) = answering.await.unwrap().into_parts();
        body.collect().await.unwrap();
        (is_at_once, head.status.as_u16(), head.headers)
    }

    /// From now on the account says beforehand that it refuses, and a line of the log has just told of one.
    pub(crate) async fn is_crowded(&mut self) {
        let told = self.ask(&(GET, &[], get("accounts/demo"))).await;
        assert!(!told.0);
        self.upstream.says_so.store(true, Ordering::SeqCst);
    }

    pub(crate) fn expected(&self) -> usize {
        self.upstream.expected.load(Ordering::SeqCst)
    }

    pub(crate) fn begun(&self) -> usize {
        self.upstream.begun.load(Ordering::SeqCst)
    }
}

fn get(account: &str) -> Bytes {
    let request = GetUserCardRequest {
        account: account.to_owned(),
        card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0".to_owned(),
        code: "478515832665".to_owned(),
    };
    frame(&request.encode_to_vec())
}

#[tokio::test]
async fn a_read_that_is_refused_anyway_is_answered_as_before_and_begins_nothing() {
    let mut bench = bench();
    let ask: Asked<'_> = (GET, &[("grpc-timeout", "500m")], get("accounts/demo"));
    let (at_once, _, usual) = bench.ask(&ask).await;
    assert!(!at_once);
    bench.upstream.says_so.store(true, Ordering::SeqCst);
    bench.seen.0.lock().unwrap().clear();
    let begun = bench.begun();
    let (at_once, http, shed) = bench.ask(&ask).await;
    assert!(at_once);
    assert_eq!((http, shed.len()), (200, usual.len()));
    assert_eq!(shed, usual, "nobody can tell one from the other");
    assert_eq!(shed["grpc-status"], "8");
    assert_eq!(shed["grpc-retry-pushback-ms"], "250");
    assert_eq!(shed["x-request-id"], "r-1");
    assert_eq!(bench.begun(), begun);
    let method = GET.trim_start_matches('/');
    let seen = [(method, None), (method, Some(Code::ResourceExhausted))];
    assert_eq!(*bench.seen.0.lock().unwrap(), seen);
}

#[tokio::test]
async fn whatever_is_not_a_refusal_of_the_account_is_as_if_nobody_had_looked() {
    let demo = || get("accounts/demo");
    let (whole, cut) = (demo(), demo().slice(..20));
    let rows: [Asked<'_>; 14] = [
        (GET, &[("authorization", "")], whole.clone()),
        (GET, &[("authorization", "Bearer nobody")], whole.clone()),
        (GET, &[], get("accounts/other")),
        (GET, &[], get("nonsense")),
        (GET, &[], cut),
        (GET, &[], Bytes::new()),
        (GET, &[], frame(b"\xff\xff")),
        (GET, &[("grpc-timeout", "0S")], whole.clone()),
        (GET, &[("grpc-timeout", "soon")], whole.clone()),
        (GET, &[("content-type", "application/json")], whole.clone()),
        (GET, &[("grpc-encoding", "gzip")], whole.clone()),
        (UPDATE, &[("idempotency-key", "a b")], whole.clone()),
        (UPLOAD, &[], whole.clone()),
        ("/kabao.brand.v1.UserCardService/GetUserCard", &[], whole),
    ];
    for row in &rows {
        let (_, http, calm) = bench().ask(row).await;
        let mut crowded = bench();
        crowded.is_crowded().await;
        let names = Arc::clone(&crowded.names);
        let judged = names.0.load(Ordering::SeqCst);
        let (at_once, crowded_http, crowded) = crowded.ask(row).await;
        assert!(
            names.0.load(Ordering::SeqCst) <= judged + 1,
            "once: {row:?}"
        );
        assert!(!at_once, "{row:?}");
        assert_eq!((crowded_http, crowded), (http, calm), "{row:?}");
    }
}

#[tokio::test]
async fn on_calm_days_nothing_is_looked_at_and_who_traces_a_call_sees_it() {
    let mut bench = bench();
    bench.upstream.says_so.store(true, Ordering::SeqCst);
    let ask: Asked<'_> = (GET, &[], get("accounts/demo"));
    assert!(!bench.ask(&ask).await.0, "none was refused before");
    assert!(bench.ask(&ask).await.0);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced: Asked<'_> = (GET, &[("traceparent", parent)], get("accounts/demo"));
    assert!(!bench.ask(&traced).await.0);
}

#[tokio::test]
async fn who_finds_a_place_is_expected() {
    let mut bench = bench();
    bench.is_crowded().await;
    bench.upstream.says_so.store(false, Ordering::SeqCst);
    assert_eq!(bench.upstream.expected.load(Ordering::SeqCst), 0);
    let (at_once, ..) = bench.ask(&(GET, &[], get("accounts/demo"))).await;
    assert!(!at_once);
    assert_eq!(bench.upstream.expected.load(Ordering::SeqCst), 1);
}
