use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Code;

use crate::support::{builder, member, start};

#[tokio::test]
async fn a_panic_is_internal_with_a_reason_and_the_server_lives_on() {
    let first = AtomicBool::new(true);
    let server = builder(move |_| {
        let panics = first.swap(false, Ordering::SeqCst);
        Box::pin(async move {
            assert!(!panics, "a bug with openid obLatjnx9gnqzS4myYGmLZ7LgLBA");
            Ok(member())
        })
    });
    let running = start(server).await;
    let answer = running.get_member(&[("x-request-id", "req-7")]).await;
    assert_eq!(answer.code(), Code::Internal);
    assert_eq!(answer.reason(), "PANIC");
    assert_eq!(
        answer.metadata("may_have_executed").as_deref(),
        Some("true")
    );
    assert_eq!(answer.headers["x-request-id"], "req-7");
    assert!(!format!("{:?}", answer.status()).contains("obLat"));
    assert_eq!(running.get_member(&[]).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_panic_before_the_first_await_is_caught_too() {
    let server = builder(|_| panic!("a bug"));
    let answer = start(server).await.get_member(&[]).await;
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::Internal, "PANIC")
    );
}
