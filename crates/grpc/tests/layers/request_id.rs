use kabao_api::{Error, Reason};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{builder, member, quiet, start};

#[tokio::test]
async fn the_callers_id_reaches_the_service_and_comes_back() {
    let server = builder(|context| {
        assert_eq!(context.call_id.as_str(), "order-4711");
        Box::pin(async { Ok(member()) })
    });
    let answer = start(server)
        .await
        .get_member(&[("x-request-id", "order-4711")])
        .await;
    assert_eq!(answer.code(), Code::Ok);
    assert_eq!(answer.headers["x-request-id"], "order-4711");
}

#[tokio::test]
async fn errors_carry_the_id_in_their_details() {
    let server =
        builder(|_| Box::pin(async { Err(Error::new(Reason::MemberNotFound, "no such member")) }));
    let answer = start(server)
        .await
        .get_member(&[("x-request-id", "order-4711")])
        .await;
    assert_eq!(answer.code(), Code::NotFound);
    assert_eq!(
        answer
            .status()
            .get_details_request_info()
            .unwrap()
            .request_id,
        "order-4711"
    );
    assert_eq!(answer.headers["x-request-id"], "order-4711");
}

#[tokio::test]
async fn an_id_that_is_missing_or_unfit_is_replaced() {
    let running = start(quiet()).await;
    let long = "x".repeat(65);
    let mut seen = Vec::new();
    for headers in [
        &[][..],
        &[("x-request-id", "two words")],
        &[("x-request-id", long.as_str())],
    ] {
        let answer = running.get_member(headers).await;
        let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        assert!(
            !id.is_empty() && id.len() <= 64 && !id.contains(' '),
            "{id}"
        );
        assert!(!seen.contains(&id));
        seen.push(id);
    }
}
