//! Faults on request.

use std::time::Duration;

use kabao_auth::VerificationError;
use kabao_sandbox::{Fault, FaultRule};
use serde_json::json;

use crate::client::{Client, MEMBER, OFFICIAL_EXAMPLE, control, get, patch, start};

#[tokio::test]
async fn a_dropped_connection_acts_or_not_as_the_fault_says() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    for (applied, effects) in [(false, 0), (true, 1)] {
        let rule =
            FaultRule::next(Fault::DropConnection { applied }).on("merchant.user_cards.update");
        running.inject(rule).unwrap();
        assert!(
            client
                .try_send(patch(MEMBER, OFFICIAL_EXAMPLE))
                .await
                .is_none()
        );
        assert_eq!(running.ledger().len(), effects);
    }
    assert_eq!(
        client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await.status,
        204
    );
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn spoiled_signatures_do_not_verify_and_say_why() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    for fault in [
        Fault::TamperBody,
        Fault::BadSignature,
        Fault::SignTest,
        Fault::StaleTimestamp { seconds: 600 },
        Fault::StaleTimestamp { seconds: -600 },
        Fault::WrongSerial { serial: None },
        Fault::Unsigned,
        Fault::MissingHeader {
            name: "Wechatpay-Nonce".into(),
        },
    ] {
        running.inject(FaultRule::next(fault.clone())).unwrap();
        let answer = client.send(get(MEMBER)).await;
        assert_eq!(answer.status, 200, "{fault:?}");
        let verdict = client.verify(&running, &answer);
        match fault {
            Fault::StaleTimestamp { .. } => {
                assert!(
                    matches!(verdict, Err(VerificationError::StaleTimestamp)),
                    "{verdict:?}"
                );
            }
            Fault::SignTest => {
                assert_eq!(verdict, Err(VerificationError::Probe));
                let signature = answer.header("wechatpay-signature").unwrap();
                assert!(signature.starts_with("WECHATPAY/SIGNTEST/") && signature.len() == 344);
                assert!(verdict.is_err());
            }
            _ => assert!(verdict.is_err(), "{fault:?}"),
        }
    }
    client
        .verify(&running, &client.send(get(MEMBER)).await)
        .unwrap();
}

#[tokio::test]
async fn a_gateway_error_can_hide_an_applied_write() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let rule = json!({
        "path": "/v3/marketing/", "method": "PATCH",
        "fault": { "kind": "status", "status": 502, "body": "<html>502</html>", "applied": true },
    });
    assert_eq!(
        control(&running, "POST", "/faults", &rule).await.status,
        200
    );
    let answer = client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    assert_eq!((answer.status, answer.is_signed()), (502, false));
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn rate_limits_redirects_and_other_answers_come_as_ordered() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    running
        .inject(FaultRule::next(Fault::RateLimited {
            retry_after_seconds: Some(3),
        }))
        .unwrap();
    let limited = client.send(get(MEMBER)).await;
    assert_eq!(
        (limited.status, limited.code().as_str()),
        (429, "RATELIMIT_EXCEEDED")
    );
    assert_eq!(limited.header("retry-after"), Some("3"));
    client.verify(&running, &limited).unwrap();
    running
        .inject(FaultRule::next(Fault::Redirect {
            location: "https://evil.example/".into(),
        }))
        .unwrap();
    let redirected = client.send(get(MEMBER)).await;
    assert_eq!(
        (redirected.status, redirected.header("location")),
        (302, Some("https://evil.example/"))
    );
    running
        .inject(FaultRule::next(Fault::HugeBody { bytes: 100_000 }))
        .unwrap();
    assert_eq!(client.send(get(MEMBER)).await.body.len(), 100_000);
    running
        .inject(FaultRule::next(Fault::ContentType {
            value: "text/html".into(),
        }))
        .unwrap();
    assert_eq!(
        client.send(get(MEMBER)).await.header("content-type"),
        Some("text/html")
    );
    running
        .inject(FaultRule::next(Fault::TruncateBody))
        .unwrap();
    assert!(client.try_send(get(MEMBER)).await.is_none());
    running.inject(FaultRule::next(Fault::GarbageBody)).unwrap();
    let garbage = client.send(get(MEMBER)).await;
    client.verify(&running, &garbage).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
}

#[tokio::test]
async fn shutdown_ends_a_hanging_request_in_bounded_time() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    running
        .inject(FaultRule::next(Fault::Hang { applied: true }))
        .unwrap();
    let hanging = tokio::spawn(async move {
        client
            .try_send(patch(MEMBER, OFFICIAL_EXAMPLE))
            .await
            .is_none()
    });
    let applied = async {
        while running.ledger().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), applied)
        .await
        .unwrap();
    assert!(!hanging.is_finished());
    tokio::time::timeout(Duration::from_secs(20), running.shutdown())
        .await
        .unwrap();
    assert!(hanging.await.unwrap());
}

#[tokio::test]
async fn probes_come_as_often_as_the_settings_say() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let mut settings = running.settings();
    settings.answers.probes_per_thousand = 500;
    running.set_settings(settings);
    let mut probes = 0;
    for _ in 0..4 {
        let answer = client.send(get(MEMBER)).await;
        probes += usize::from(
            answer
                .header("wechatpay-signature")
                .unwrap()
                .starts_with("WECHATPAY/SIGNTEST/"),
        );
    }
    assert_eq!(probes, 2);
}
