//! Answers with a good signature that are about something else, and errors that are none.

use std::sync::Mutex;

use kabao_models::merchant::activities::TerminateActivity;
use kabao_models::merchant::user_cards::ImportUserCardByOpenid;

use super::*;
use crate::observer::{Discarded, MockObserver};

fn terminate() -> Box<dyn AnyEndpoint> {
    Box::new(TerminateActivity::new("a1"))
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_member_is_discarded_and_counted() {
    type Make = fn() -> Box<dyn AnyEndpoint>;
    let rows: [(Make, &str, Reason, &str); 3] = [
        (
            read,
            r#"{"card_id":"another","code":"478515832665"}"#,
            Reason::UpstreamUnverified,
            "another card_id",
        ),
        (
            read,
            r#"{"card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","code":"478515832666"}"#,
            Reason::UpstreamUnverified,
            "another code",
        ),
        (
            terminate,
            r#"{"activity_id":"478515832666"}"#,
            Reason::OutcomeUnknown,
            "another activity_id",
        ),
    ];
    for (request, body, reason, what) in rows {
        let (transport, _) = answering(move |_| Ok(signed(200, body)));
        let pipeline = merchant(transport, Settings::default());
        let counted = Arc::new(Mutex::new(Vec::new()));
        let count = Arc::clone(&counted);
        let mut observer = MockObserver::new();
        observer
            .expect_answer_discarded()
            .returning(move |_, operation, why| count.lock().unwrap().push((operation.id, why)));
        observer.expect_attempt_ended().return_const(());
        observer.expect_call_ended().times(1).return_const(());
        pipeline.observe(Arc::new(observer));
        let request = request();
        let operation = request.operation().id;
        let error = pipeline.execute(&context(), request).await.err().unwrap();
        assert_eq!(error.reason(), reason, "{body}");
        assert!(error.message().contains(what), "{error}");
        assert!(!error.to_string().contains("478515832666"), "{error}");
        assert_eq!(*counted.lock().unwrap(), [(operation, Discarded::Foreign)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_received_before_is_discarded_and_counted() {
    let kept = signed(200, CARD);
    let (transport, sent) = answering(move |_| Ok(kept.clone()));
    let pipeline = merchant(transport, Settings::default());
    let counted = Arc::new(Mutex::new(Vec::new()));
    let count = Arc::clone(&counted);
    let mut observer = MockObserver::new();
    observer
        .expect_answer_discarded()
        .returning(move |_, _, why| count.lock().unwrap().push(why));
    observer.expect_attempt_ended().return_const(());
    observer.expect_call_ended().return_const(());
    pipeline.observe(Arc::new(observer));
    assert!(pipeline.execute(&context(), read()).await.is_ok());
    let error = pipeline.execute(&context(), read()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::UpstreamUnverified);
    assert!(error.message().contains("received before"), "{error}");
    // The second one is asked for once more.
    assert_eq!(sent.lock().unwrap().len(), 3);
    assert_eq!(*counted.lock().unwrap(), [Discarded::Replayed; 2]);
}

#[tokio::test(start_paused = true)]
async fn every_answer_that_is_not_believed_is_counted_by_its_cause() {
    let mut probe = signed(200, CARD);
    let signature = probe.headers["wechatpay-signature"].to_str().unwrap();
    let wrong = format!("WECHATPAY/SIGNTEST/{}", &signature[19..]);
    probe
        .headers
        .insert("wechatpay-signature", wrong.parse().unwrap());
    let mut tampered = signed(200, CARD);
    tampered.body = CARD.replace("黄金", "白金").into();
    let stale = signed_with(
        "wechatpay_public_key",
        key("wechatpay_public_key", "id"),
        NOW - 300,
        200,
        CARD,
    );
    let rows = [
        (unsigned(200, CARD), Discarded::Unsigned),
        (probe, Discarded::Probe),
        (tampered, Discarded::WrongSignature),
        (stale, Discarded::Stale),
    ];
    for (answer, cause) in rows {
        let (transport, _) = answering(move |_| Ok(answer.clone()));
        let pipeline = merchant(transport, Settings::default());
        let mut observer = MockObserver::new();
        observer
            .expect_answer_discarded()
            .withf(move |_, _, why| *why == cause)
            .times(2)
            .return_const(());
        observer.expect_attempt_ended().return_const(());
        observer.expect_call_ended().times(1).return_const(());
        pipeline.observe(Arc::new(observer));
        let error = pipeline.execute(&context(), read()).await.err().unwrap();
        assert_eq!(error.reason(), Reason::UpstreamUnverified);
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_called_code_beside_a_message_is_no_error() {
    // The answer of an import is a code; the answer of a read has members of its own.
    let (transport, _) =
        answering(|_| Ok(signed(200, r#"{"code":"722317683772","message":"ok"}"#)));
    merchant(transport, Settings::default())
        .execute(
            &context(),
            Box::new(ImportUserCardByOpenid::new("p1", "o1", "n1")),
        )
        .await
        .map(drop)
        .unwrap();
    let (transport, _) = answering(|_| {
        let body = r#"{"card_id":"p1","code":"NO_AUTH","message":"ok"}"#;
        Ok(signed(200, body))
    });
    let request = kabao_models::merchant::cards::GetCard::new("p1");
    call(
        &merchant(transport, Settings::default()),
        &context(),
        request,
    )
    .await
    .unwrap();
}
