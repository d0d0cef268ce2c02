use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kabao_api::MockMemberApi;
use kabao_grpc::Server;
use kabao_proto::kabao::v1::WatchChangeRequest;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use tokio::time::Instant;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::support::{Journal, account, builder, member, serving, start};

/// A server whose members never answer, and how often they were asked.
fn stuck() -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = builder(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    });
    (server, asked)
}

#[tokio::test]
async fn a_deadline_that_passes_is_deadline_exceeded_and_not_cancelled() {
    let (server, asked) = stuck();
    let answer = start(server)
        .await
        .get_member(&[("grpc-timeout", "50m")])
        .await;
    assert_eq!(answer.code(), Code::DeadlineExceeded);
    assert_eq!(answer.reason(), "DEADLINE_EXCEEDED");
    // The service was stopped at an unknown point.
    assert_eq!(
        answer.metadata("may_have_executed").as_deref(),
        Some("true")
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_deadline_that_has_passed_already_starts_nothing() {
    let (server, asked) = stuck();
    let answer = start(server)
        .await
        .get_member(&[("grpc-timeout", "0n")])
        .await;
    assert_eq!(answer.code(), Code::DeadlineExceeded);
    assert_eq!(
        answer.metadata("may_have_executed").as_deref(),
        Some("false")
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_unreadable_deadline_is_refused_and_not_ignored() {
    let (server, asked) = stuck();
    let running = start(server).await;
    for value in ["1", "5s", "-1S", "123456789S", "soon"] {
        let answer = running.get_member(&[("grpc-timeout", value)]).await;
        assert_eq!(answer.code(), Code::InvalidArgument, "{value}");
        let violations = answer
            .status()
            .get_details_bad_request()
            .unwrap()
            .field_violations;
        assert_eq!(violations[0].field, "grpc-timeout", "{value}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_caller_without_a_deadline_gets_the_default_and_nobody_exceeds_the_maximum() {
    let short = Duration::from_millis(30);
    let answer = start(stuck().0.default_deadline(short))
        .await
        .get_member(&[])
        .await;
    assert_eq!(answer.code(), Code::DeadlineExceeded);
    let answer = start(stuck().0.max_deadline(short))
        .await
        .get_member(&[("grpc-timeout", "1H")])
        .await;
    assert_eq!(answer.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_service_is_told_to_be_done_before_the_caller_hangs_up() {
    let seen = Arc::new(Mutex::new(None));
    let seen_by_service = Arc::clone(&seen);
    let server = builder(move |context| {
        *seen_by_service.lock().unwrap() = context.deadline;
        Box::pin(async { Ok(member()) })
    });
    let before = Instant::now().into_std();
    let answer = start(server)
        .await
        .get_member(&[("grpc-timeout", "10S")])
        .await;
    let after = Instant::now().into_std();
    assert_eq!(answer.code(), Code::Ok);
    let deadline = seen.lock().unwrap().unwrap();
    assert!(deadline >= before + Duration::from_millis(9_900));
    assert!(deadline <= after + Duration::from_millis(9_900));
}

#[tokio::test]
async fn a_stream_has_a_bound_of_its_own() {
    let second = Duration::from_secs(1);
    // The stream, the caller's own bound, and whether the gateway ends it.
    for (stream, wanted) in [
        (second / 2, None),
        (second / 2, Some(300 * second)),
        (300 * second, Some(second)),
    ] {
        let mut journalled = account(MockMemberApi::new());
        journalled.changes = Some(Arc::new(Journal));
        let running = start(
            serving(journalled)
                .default_deadline(second / 20)
                .max_deadline(second / 20)
                // Nobody waits for the caller here.
                .stall(second / 20)
                .max_stream_deadline(stream),
        )
        .await;
        let mut request = Request::new(WatchChangeRequest {
            name: "accounts/demo/changes/order-7".to_owned(),
        });
        if let Some(wanted) = wanted {
            let seconds = format!("{}S", wanted.as_secs());
            let metadata = request.metadata_mut();
            metadata.insert("grpc-timeout", seconds.parse().unwrap());
        }
        let mut client = ChangeServiceClient::new(running.channel().await);
        let begun = Instant::now();
        let mut states = client.watch_change(request).await.unwrap().into_inner();
        assert!(states.message().await.unwrap().is_some());
        let end = states.message().await.unwrap_err();
        assert_eq!(end.code(), Code::DeadlineExceeded, "{wanted:?}");
        assert!(begun.elapsed() >= second / 2 - second / 20, "{wanted:?}");
    }
}
