//! What a call leaves in the log. A process of its own: whether an event is recorded is cached for
//! the whole process, and tests without a subscriber would decide it.

#[path = "layers/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use kabao_api::{Error, Reason, UpstreamError};
use tracing_subscriber::fmt::MakeWriter;

use self::support::{GET_MEMBER, NAME, builder, get_member, member, quiet, start};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .map_err(|_| io::ErrorKind::Other)?
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The server runs on the thread of the test, so its events come here.
#[tokio::test]
async fn a_call_leaves_method_account_code_and_time_and_nothing_personal() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = builder(|context| {
        Box::pin(async move {
            if context.call_id.as_str() == "refused" {
                Err(
                    Error::new(Reason::MemberNotFound, "WeChat knows no such member")
                        .with_upstream(UpstreamError {
                            http_status: 400,
                            code: "INVALID_REQUEST".to_owned(),
                            message: "会员林间不存在".to_owned(),
                            ..UpstreamError::default()
                        }),
                )
            } else if context.call_id.as_str() == "fails" {
                Err(Error::new(
                    Reason::UpstreamUnverified,
                    "the signature is wrong",
                ))
            } else {
                Ok(member())
            }
        })
    });
    let running = start(server).await;
    running.get_member(&[("x-request-id", "works")]).await;
    running.get_member(&[("x-request-id", "fails")]).await;
    running.get_member(&[("x-request-id", "refused")]).await;

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let finished: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["fields"]["message"] == "call finished")
        .collect();
    assert_eq!(finished.len(), 3, "{text}");
    for (line, (id, code)) in finished
        .iter()
        .zip([("works", "Ok"), ("fails", "Internal")])
    {
        assert_eq!(line["fields"]["code"], code);
        assert!(line["fields"]["elapsed_ms"].is_number());
        let span = &line["span"];
        assert_eq!(span["rpc.service"], "kabao.v1.MemberService");
        assert_eq!(span["rpc.method"], "GetMember");
        assert_eq!(span["account"], "demo");
        assert_eq!(span["request_id"], id);
    }
    // A refusal is told once, with its reason, where an operator looks who does not search for faults.
    let refused: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["fields"]["reason"] == "MEMBER_NOT_FOUND")
        .collect();
    assert_eq!(refused.len(), 1, "{text}");
    assert_eq!(refused[0]["level"], "INFO");
    assert_eq!(refused[0]["fields"]["upstream_code"], "INVALID_REQUEST");
    assert_eq!(
        refused[0]["fields"]["message"],
        "call refused: WeChat knows no such member"
    );
    assert!(!text.contains("林间"), "{text}");
    assert!(
        text.contains("UPSTREAM_UNVERIFIED") && text.contains("the signature is wrong"),
        "{text}"
    );
    assert!(
        !text.contains("478515832665") && !text.contains(NAME),
        "{text}"
    );
}

/// Whoever reaches the port may send these, so they must not fill a disk.
#[tokio::test]
async fn what_nobody_is_asked_for_leaves_a_line_a_second_at_most() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let running = start(quiet()).await;
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let begun = tokio::time::Instant::now();
    for _ in 0..20 {
        let uri = format!("http://{}{GET_MEMBER}", running.address);
        let plain = Request::post(&uri).header("content-type", "text/plain");
        running.send(plain, Bytes::new()).await;
        let other = Request::post(&uri).header("content-type", "application/grpc+json");
        running.send(other, get_member()).await;
        let get = Request::get(&uri).header("content-type", "application/grpc");
        running.send(get, Bytes::new()).await;
        running
            .send(running.request(reflection), Bytes::new())
            .await;
        running
            .send(
                running.request("/grpc.health.v1.Health/Nothing"),
                Bytes::new(),
            )
            .await;
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let count = text.lines().count();
    assert!((1..=1 + seconds).contains(&count), "{text}");
    assert!(
        text.contains("a request that is not gRPC was refused"),
        "{text}"
    );
}

#[tokio::test]
async fn calls_that_are_refused_by_the_many_are_a_line_a_second() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = builder(|context| {
        Box::pin(async move {
            let reason = match context.call_id.as_str() {
                "closed" => Reason::UpstreamUnavailable,
                _ => Reason::Overloaded,
            };
            Err(Error::new(reason, "not now").with_retry_after(Duration::from_millis(100)))
        })
    });
    let running = start(server).await;
    let begun = tokio::time::Instant::now();
    for _ in 0..50 {
        running.get_member(&[("x-request-id", "busy")]).await;
        running.get_member(&[("x-request-id", "closed")]).await;
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!((1..=1 + seconds).contains(&told.len()), "{text}");
    let fields = &told[0]["fields"];
    assert_eq!(fields["message"], "call finished");
    assert_eq!(
        (&fields["refused"], &fields["untold"]),
        (&"OVERLOADED".into(), &0.into())
    );
}
