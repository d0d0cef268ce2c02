use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{builder, frame, member, start};

#[tokio::test]
async fn what_comes_on_top_is_refused_at_once_with_a_delay() {
    let entered = Arc::new(Notify::new());
    let leave = Arc::new(Semaphore::new(0));
    let (enter, wait) = (Arc::clone(&entered), Arc::clone(&leave));
    let server = builder(move |_| {
        enter.notify_one();
        let wait = Arc::clone(&wait);
        Box::pin(async move {
            let _ = wait.acquire().await;
            Ok(member())
        })
    });
    let running = Arc::new(start(server.max_calls(1)).await);

    let busy = Arc::clone(&running);
    let first = tokio::spawn(async move { busy.get_member(&[]).await });
    entered.notified().await;

    let refused = running.get_member(&[]).await;
    assert_eq!(
        (refused.code(), refused.reason().as_str()),
        (Code::ResourceExhausted, "OVERLOADED")
    );
    assert_eq!(refused.metadata("retryable").as_deref(), Some("true"));
    let delay = refused
        .status()
        .get_details_retry_info()
        .unwrap()
        .retry_delay
        .unwrap();
    assert!(delay > Duration::ZERO);
    assert!(refused.status().get_details_quota_failure().is_some());

    // Health is answered all the same.
    let health = running
        .send(running.request("/grpc.health.v1.Health/Check"), frame(&[]))
        .await;
    assert_eq!(health.code(), Code::Ok);

    // The place is free again as soon as the first call is answered.
    leave.add_permits(2);
    assert_eq!(first.await.unwrap().code(), Code::Ok);
    assert_eq!(running.get_member(&[]).await.code(), Code::Ok);
}

/// Tells when a call is dropped.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_frees_its_place() {
    let (entered, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, go) = (Arc::clone(&entered), Arc::clone(&gone));
    let server = builder(move |context| {
        let guard = OnDrop(Arc::clone(&go));
        enter.notify_one();
        let stays = context.call_id.as_str() == "stays";
        Box::pin(async move {
            let _guard = guard;
            if stays {
                std::future::pending().await
            } else {
                Ok(member())
            }
        })
    });
    let running = Arc::new(start(server.max_calls(1)).await);
    let caller = Arc::clone(&running);
    let first = tokio::spawn(async move { caller.get_member(&[("x-request-id", "stays")]).await });
    entered.notified().await;
    first.abort();
    gone.notified().await;
    assert_eq!(running.get_member(&[]).await.code(), Code::Ok);
}
