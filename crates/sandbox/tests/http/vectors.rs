//! The shared vectors: what the service accepts and refuses, and how.

use kabao_sandbox::{AccountConfig, KeyMaterial, Running, Sandbox};
use serde_json::Value;

use crate::client::{Answer, Client, connect, connector, control, exchange, get, start_with};

/// Reads the vectors that the authentication crate is tested with; `KABAO_AUTH_VECTORS` names
/// another file of the same form.
fn vectors() -> Value {
    let path = std::env::var("KABAO_AUTH_VECTORS").unwrap_or_else(|_| {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../auth/tests/data/auth_vectors.json"
        )
        .to_owned()
    });
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Starts a sandbox that knows the merchant of the vectors, once in each family of `/v3/`.
async fn start(vectors: &Value) -> Running {
    let keys = &vectors["keys"];
    let (merchant, platform, public) = (
        &keys["merchant"],
        &keys["platform_current"],
        &keys["wechatpay_public_key"],
    );
    let material = KeyMaterial {
        client_key: Some(text(&merchant["private_key_pem"])),
        client_certificate: text(&merchant["certificate_pem"]),
        platform_key: text(&platform["private_key_pem"]),
        platform_certificate: text(&platform["certificate_pem"]),
        public_key_id: text(&public["id"]),
        public_key_private: text(&public["private_key_pem"]),
    };
    let mchid = text(&merchant["mchid"]);
    let apiv3_key = text(&vectors["apiv3_key"]);
    start_with(
        Sandbox::builder()
            .account(
                AccountConfig::merchant("vectors-merchant", &mchid)
                    .with_keys(material.clone())
                    .with_apiv3_key(&apiv3_key),
            )
            .account(
                AccountConfig::brand("vectors-brand", &mchid, "1077")
                    .with_keys(material)
                    .with_apiv3_key(&apiv3_key),
            ),
    )
    .await
}

async fn send(running: &Running, case: &Value) -> Answer {
    let headers: Vec<_> = case["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let stream = connect(&connector(running), running.addr()).await;
    let body = body(case);
    exchange(
        stream,
        case["method"].as_str().unwrap(),
        case["target"].as_str().unwrap(),
        &headers,
        &body,
    )
    .await
    .unwrap()
}

/// Decodes `body_base64` without a library of its own.
fn body(case: &Value) -> Vec<u8> {
    let mut bits = 0_u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    for digit in case["body_base64"].as_str().unwrap().bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn requests_are_accepted_and_refused_as_the_vectors_say() {
    let vectors = vectors();
    let running = start(&vectors).await;
    for case in vectors["server_authentication"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let answer = send(&running, case).await;
        if case["expect"] == "ok" {
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            assert!(answer.is_signed(), "{name}");
            continue;
        }
        let error = answer.json();
        assert_eq!(
            u64::from(answer.status),
            case["http_status"].as_u64().unwrap(),
            "{name}: {error}"
        );
        assert_eq!(error["code"], case["expect"], "{name}");
        assert_eq!(error["message"], case["message_zh"], "{name}");
        assert!(
            !answer.is_signed(),
            "{name}: what fails before or in authentication leaves unsigned"
        );
        if let Some(information) = case.get("sign_information") {
            assert_eq!(&error["detail"]["sign_information"], information, "{name}");
            assert_eq!(
                error["detail"]["detail"]["issue"], "sign not match",
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn encrypted_fields_are_accepted_and_refused_as_the_vectors_say() {
    let vectors = vectors();
    let running = start(&vectors).await;
    for case in vectors["server_sensitive_fields"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let answer = send(&running, case).await;
        let error = answer.json();
        assert!(answer.is_signed(), "{name}: {answer:?}");
        if case["expect"] == "ok" {
            // The vectors' card does not exist here: what counts is that the fields passed.
            assert_eq!(
                (answer.status, &error["code"]),
                (404, &Value::from("NOT_FOUND")),
                "{name}: {error}"
            );
        } else {
            assert_eq!(
                u64::from(answer.status),
                case["http_status"].as_u64().unwrap(),
                "{name}: {error}"
            );
            assert_eq!(error["code"], case["expect"], "{name}");
            assert_eq!(error["message"], case["message_zh"], "{name}");
        }
    }
}

#[tokio::test]
async fn a_download_without_certificates_is_the_error_of_the_vectors() {
    let vectors = vectors();
    let running = start(&vectors).await;
    let phase = serde_json::json!({ "key_phase": "public_key" });
    let path = "/accounts/demo-merchant";
    assert_eq!(control(&running, "PATCH", path, &phase).await.status, 200);
    let client = Client::new(&running, "demo-merchant");
    let cases = vectors["certificates_download"].as_array().unwrap();
    let errors = cases
        .iter()
        .filter(|case| case["status"] == 404 && case["expect"] == "RESOURCE_NOT_EXISTS");
    let mut compared = 0;
    for case in errors {
        let answer = client.send(get(&text(&case["request"]["target"]))).await;
        client.verify(&running, &answer).unwrap();
        let expected: Value = serde_json::from_slice(&body(case)).unwrap();
        assert_eq!((answer.status, answer.json()), (404, expected));
        compared += 1;
    }
    assert!(compared > 0);
}
