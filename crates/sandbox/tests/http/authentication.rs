//! Routes, signatures of answers, keys.

use kabao_auth::{Certificate, PublicKey, VerificationError};
use serde_json::json;

use crate::client::{
    Call, Client, MEMBER, connect, connector, control, exchange, get, start, start_with,
};
use kabao_sandbox::Sandbox;

#[tokio::test]
async fn a_signed_request_gets_a_signed_answer_in_either_key_mode() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let public_key_id = client.credentials.public_key_id.clone().unwrap();
    let by_certificate = client.send(get(MEMBER)).await;
    assert_eq!(by_certificate.status, 200, "{by_certificate:?}");
    let serial = by_certificate.header("wechatpay-serial").unwrap();
    assert_eq!(serial.len(), 40);
    client.verify(&running, &by_certificate).unwrap();
    let by_public_key = client
        .send(Call {
            serial: Some(&public_key_id),
            ..get(MEMBER)
        })
        .await;
    assert_eq!(
        by_public_key.header("wechatpay-serial"),
        Some(public_key_id.as_str())
    );
    client.verify(&running, &by_public_key).unwrap();
    running.shutdown().await;
}

#[tokio::test]
async fn header_names_are_spelled_as_the_documents_do() {
    let running = start().await;
    let answer = Client::new(&running, "demo-merchant")
        .send(get(MEMBER))
        .await;
    for name in [
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Serial",
        "Wechatpay-Signature",
        "Wechatpay-Signature-Type",
        "Content-Type",
    ] {
        assert!(
            answer.headers.iter().any(|(spelled, _)| spelled == name),
            "{name}: {answer:?}"
        );
    }
    assert!(
        answer
            .header("request-id")
            .is_some_and(|id| id.ends_with("-0"))
    );
    assert_eq!(
        answer.header("wechatpay-signature-type"),
        Some("WECHATPAY2-SHA256-RSA2048")
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_have_no_body_and_no_signature() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    for (method, target, status) in [
        ("GET", "/v3/nothing", 404),
        ("PUT", MEMBER, 405),
        ("GET", "//evil", 404),
        ("POST", "/v3/certificates", 405),
    ] {
        let stream = connect(&connector(&running), running.addr()).await;
        let answer = exchange(stream, method, target, &[], b"").await.unwrap();
        assert_eq!(
            (answer.status, answer.body.len(), answer.is_signed()),
            (status, 0, false),
            "{target}"
        );
    }
    drop(client);
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_and_a_restored_one_works() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let account = json!({ "account": "demo-merchant" });
    assert_eq!(
        control(&running, "POST", "/keys/revoke", &account)
            .await
            .status,
        200
    );
    let refused = client.send(get(MEMBER)).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "SIGN_ERROR")
    );
    assert_eq!(refused.json()["message"], "商户证书已作废");
    assert!(!refused.is_signed());
    control(&running, "POST", "/keys/restore", &account).await;
    assert_eq!(client.send(get(MEMBER)).await.status, 200);
}

#[tokio::test]
async fn an_account_of_another_family_has_no_permission_and_the_answer_is_signed() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let answer = client
        .send(Call {
            language: Some("en"),
            ..get(MEMBER)
        })
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "NO_AUTH"));
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .contains("permission")
    );
    client.verify(&running, &answer).unwrap();
}

#[tokio::test]
async fn certificates_are_downloaded_encrypted_until_the_account_uses_the_public_key() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let answer = client.send(get("/v3/certificates")).await;
    assert_eq!(answer.status, 200);
    let entry = &answer.json()["data"][0];
    assert_eq!(
        entry["encrypt_certificate"]["algorithm"],
        "AEAD_AES_256_GCM"
    );
    assert_eq!(
        entry["serial_no"].as_str(),
        answer.header("wechatpay-serial")
    );
    assert!(
        entry["effective_time"]
            .as_str()
            .is_some_and(|time| time.ends_with("+08:00"))
    );
    let pem = &running.platform_certificates("demo-merchant")[0];
    assert_eq!(
        Certificate::from_pem(pem).unwrap().serial().to_string(),
        entry["serial_no"].as_str().unwrap()
    );
    let phase = json!({ "key_phase": "public_key" });
    assert_eq!(
        control(&running, "PATCH", "/accounts/demo-merchant", &phase)
            .await
            .status,
        200
    );
    let gone = client.send(get("/v3/certificates")).await;
    assert_eq!(
        (gone.status, gone.code().as_str()),
        (404, "RESOURCE_NOT_EXISTS")
    );
    assert_eq!(
        gone.header("wechatpay-serial"),
        client.credentials.public_key_id.as_deref()
    );
}

#[tokio::test]
async fn an_unknown_wechatpay_serial_is_refused_after_authentication() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let own = client.credentials.serial_no.clone().unwrap();
    let answer = client
        .send(Call {
            serial: Some(&own),
            ..get(MEMBER)
        })
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "PARAM_ERROR")
    );
    assert_eq!(
        answer.json()["message"],
        "平台证书序列号Wechatpay-Serial错误"
    );
    assert!(answer.is_signed());
}

#[tokio::test]
async fn keys_survive_a_restart_in_the_same_directory() {
    let directory = std::env::temp_dir().join(format!("kabao-sandbox-test-{}", std::process::id()));
    let first = start_with(Sandbox::builder().directory(&directory)).await;
    let before = first.account("demo-merchant").unwrap();
    let ca = first.ca_pem().to_owned();
    first.shutdown().await;
    let second = start_with(Sandbox::builder().directory(&directory)).await;
    let after = second.account("demo-merchant").unwrap();
    assert_eq!(
        (before.serial_no, before.public_key_pem),
        (after.serial_no, after.public_key_pem)
    );
    assert_eq!(
        (before.apiv3_key, ca.as_str()),
        (after.apiv3_key, second.ca_pem())
    );
    let folder = directory.join("sandbox/demo-merchant");
    let file: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("account.json")).unwrap())
            .unwrap();
    assert_eq!(file["mchid"], "1900000109");
    assert_eq!(file["base_url"], second.base_url());
    let pem = std::fs::read_to_string(folder.join("pub_key.pem")).unwrap();
    assert!(PublicKey::from_pem(&pem).is_ok());
    assert!(
        std::fs::read_to_string(folder.join("apiclient_key.pem"))
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for secret in ["apiclient_key.pem", "account.json"] {
            let mode = std::fs::metadata(folder.join(secret))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{secret}");
        }
    }
    let client = Client::new(&second, "demo-merchant");
    assert_eq!(client.send(get(MEMBER)).await.status, 200);
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_replaced_public_key_no_longer_verifies() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    control(
        &running,
        "PATCH",
        "/accounts/demo-merchant",
        &json!({ "key_phase": "public_key" }),
    )
    .await;
    client
        .verify(&running, &client.send(get(MEMBER)).await)
        .unwrap();
    let rotate = json!({ "account": "demo-merchant", "key": "public_key" });
    assert_eq!(
        control(&running, "POST", "/keys/rotate", &rotate)
            .await
            .status,
        200
    );
    let answer = client.send(get(MEMBER)).await;
    assert!(matches!(
        client.verify(&running, &answer),
        Err(VerificationError::UnknownKey(_))
    ));
    client_with_new_key(&running).await;
}

async fn client_with_new_key(running: &kabao_sandbox::Running) {
    let client = Client::new(running, "demo-merchant");
    let answer = client.send(get(MEMBER)).await;
    client.verify(running, &answer).unwrap();
}
