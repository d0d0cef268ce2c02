//! Faults on request.

use std::time::Duration;

use kabao_auth::VerificationError;
use kabao_sandbox::{Fault, FaultRule, RawEdit};
use serde_json::{Value, json};

use crate::client::{CARD, Client, MEMBER, OFFICIAL_EXAMPLE, control, get, patch, start};

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
async fn a_request_authenticates_once_whatever_a_fault_makes_of_its_answer() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let settings = json!({
        "authentication": { "repeated_nonce": "refuse" },
        "answers": { "sign_errors": false },
    });
    let changed = control(&running, "PATCH", "/settings", &settings).await;
    assert_eq!(changed.status, 200);
    let unknown = format!("{CARD}/codes/nobody");
    // The answer in whose place these come is a refusal, which leaves unsigned.
    for fault in [
        json!({"kind": "status", "status": 500, "code": "SYSTEM_ERROR", "applied": true, "signed": true}),
        json!({"kind": "replace_body", "status": 200, "body": "{}", "applied": true, "signed": true}),
    ] {
        let order = json!({ "fault": fault });
        assert_eq!(
            control(&running, "POST", "/faults", &order).await.status,
            200
        );
        let answer = client.send(get(&unknown)).await;
        client.verify(&running, &answer).unwrap();
    }
    let journal = control(&running, "GET", "/requests", &Value::Null)
        .await
        .json();
    for exchange in journal["requests"].as_array().unwrap() {
        assert_eq!(exchange["failed"], "rules", "{exchange}");
    }
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
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
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
    let applied = running.wait_until(|running| !running.ledger().is_empty());
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

/// Lets a fault wait that `POST /faults` describes.
async fn fault(running: &kabao_sandbox::Running, fault: Value) {
    let answer = control(running, "POST", "/faults", &json!({ "fault": fault })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn an_edited_answer_is_signed_after_the_edit_and_changed_nowhere_else() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let usual = client.send(get(MEMBER)).await.body;
    fault(
        &running,
        json!({"kind": "edit_json",
        "merge": {"user_card_status": 1, "level": null, "user_information": {"odd": [8.5]}},
        "raw": [
            {"path": "/balance", "value": "12.50"},
            {"path": "/user_information/common_field_list/0/name", "value": {"base64": "IhT/Ig=="}},
            {"path": "/new", "value": "123456789012345678901234567890"},
        ]}),
    )
    .await;
    let answer = client.send(get(MEMBER)).await;
    client.verify(&running, &answer).unwrap();
    assert_eq!(answer.status, 200);
    let mut expected = String::from_utf8(usual.clone()).unwrap();
    for (from, to) in [
        (
            r#""user_card_status":"EFFECTIVE""#,
            r#""user_card_status":1"#,
        ),
        (r#""level":"白银会员","#, ""),
        (r#"["红茶"]}]}"#, r#"["红茶"]}],"odd":[8.5]}"#),
        (r#""balance":888"#, r#""balance":12.50"#),
        (r#""USER_FORM_FLAG_MOBILE""#, "\"\u{14}\u{fffd}\""),
        (
            r#""bonus_value":600}"#,
            r#""bonus_value":600,"new":123456789012345678901234567890}"#,
        ),
    ] {
        assert!(expected.contains(from), "{expected}");
        expected = expected.replacen(from, to, 1);
    }
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);
    assert!(answer.body.contains(&0xff));
    assert_eq!(
        client.send(get(MEMBER)).await.body,
        usual,
        "one request was hit"
    );
}

#[tokio::test]
async fn an_edit_by_the_rust_api_needs_a_body_and_its_members() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let raw = |path: &str| Fault::EditJson {
        merge: None,
        raw: vec![RawEdit::new(path, "123456789012345678901234567890")],
    };
    running
        .inject(FaultRule::next(raw("/membership_number")))
        .unwrap();
    let answer = client.send(get(MEMBER)).await;
    client.verify(&running, &answer).unwrap();
    assert!(
        String::from_utf8_lossy(&answer.body)
            .contains(r#""membership_number":123456789012345678901234567890"#)
    );
    // A write whose answer has no body takes effect all the same.
    for (call, path, problem) in [
        (patch(MEMBER, OFFICIAL_EXAMPLE), "/a", "has no body"),
        (get(MEMBER), "/code/a", "there is no /code/a"),
    ] {
        running.inject(FaultRule::next(raw(path))).unwrap();
        let answer = client.send(call).await;
        assert_eq!((answer.status, answer.is_signed()), (500, false));
        let text = String::from_utf8(answer.body).unwrap();
        assert!(
            text.starts_with("edit_json: ") && text.contains(problem),
            "{text}"
        );
    }
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn a_replaced_answer_is_signed_and_applied_as_the_fault_says() {
    let running = start().await;
    // A nonce that counts once does not stand in the way of the signature.
    let mut settings = running.settings();
    settings.authentication.repeated_nonce = kabao_sandbox::settings::RepeatedNonce::Refuse;
    running.set_settings(settings);
    let client = Client::new(&running, "demo-merchant");
    for (applied, signed) in [(false, false), (false, true), (true, false), (true, true)] {
        let before = running.ledger().len();
        fault(
            &running,
            json!({"kind": "replace_body", "status": 202, "body": "{\"odd\": 1.0}",
                "headers": {"Retry-After": "7", "content-type": "text/x-odd"},
                "signed": signed, "applied": applied}),
        )
        .await;
        let change = format!(r#"{{"level":"{before}","out_request_no":"request_{before}"}}"#);
        let answer = client.send(patch(MEMBER, &change)).await;
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.is_signed()),
            (202, b"{\"odd\": 1.0}".as_slice(), signed),
            "{applied} {signed}"
        );
        assert_eq!(client.verify(&running, &answer).is_ok(), signed);
        assert_eq!(
            (answer.header("retry-after"), answer.header("content-type")),
            (Some("7"), Some("text/x-odd"))
        );
        assert_eq!(running.ledger().len() - before, usize::from(applied));
    }
    fault(
        &running,
        json!({"kind": "replace_body", "status": 204, "signed": true}),
    )
    .await;
    let empty = client.send(get(MEMBER)).await;
    client.verify(&running, &empty).unwrap();
    assert_eq!((empty.status, empty.body.len()), (204, 0));
}

#[tokio::test]
async fn faults_that_cannot_be_sent_are_refused_and_show_as_they_were_given() {
    let running = start().await;
    for (fault, problem) in [
        (json!({"kind": "edit_json"}), "merge, raw or both"),
        (
            json!({"kind": "edit_json", "raw": [{"path": "/a", "value": 1}]}),
            "a text with the bytes",
        ),
        (
            json!({"kind": "replace_body", "headers": {"Content-Length": "3"}}),
            "Content-Length",
        ),
        (json!({"kind": "replace_body", "text": ""}), "text"),
    ] {
        let answer = control(&running, "POST", "/faults", &json!({ "fault": fault })).await;
        assert_eq!(answer.status, 400, "{fault}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(problem), "{fault}: {error}");
    }
    let edit = json!({"kind": "edit_json", "merge": {"a": null},
        "raw": [{"path": "/b", "value": "1"}, {"path": "/c", "value": {"base64": "/w=="}}]});
    fault(&running, edit.clone()).await;
    let waiting = control(&running, "GET", "/faults", &Value::Null)
        .await
        .json();
    assert_eq!(waiting["faults"][0]["fault"], edit);
}
