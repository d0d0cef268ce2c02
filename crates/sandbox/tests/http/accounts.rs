//! Accounts of one's own.

use kabao_auth::PrivateKey;
use kabao_sandbox::{AccountConfig, Running, Sandbox};
use serde_json::{Value, json};

use crate::client::{Client, connect, connector, control, exchange, get, start, start_with};

async fn add(running: &Running, body: Value) -> Value {
    let answer = control(running, "POST", "/accounts", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn card_list(brand_id: Option<&Value>) -> String {
    match brand_id {
        Some(id) => format!(
            "/v3/brand/partner/card-member/cards?brand_id={}&limit=10&offset=0",
            id.as_str().unwrap()
        ),
        None => "/v3/marketing/membercard-open/cards?limit=10&offset=0".to_owned(),
    }
}

#[tokio::test]
async fn an_added_account_works_at_once() {
    let running = start().await;
    let merchant = add(&running, json!({"name": "acme", "family": "merchant"})).await;
    assert_eq!(merchant["credentials"]["mchid"].as_str().unwrap().len(), 10);
    for pem in [
        "private_key_pem",
        "certificate_pem",
        "public_key_pem",
        "ca_pem",
    ] {
        let text = merchant[pem].as_str().unwrap();
        assert!(text.starts_with("-----BEGIN "), "{pem}");
    }
    assert_eq!(merchant["directory"], Value::Null);
    let client = Client::new(&running, "acme");
    let answer = client.send(get(&card_list(None))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    client.verify(&running, &answer).unwrap();
    assert_eq!(answer.json()["total_count"], 0);
    // Signed with what the control API answered, which a foreign client would use.
    let key = merchant["private_key_pem"].as_str().unwrap();
    let by_answer = Client::with_key(&running, running.account("acme").unwrap(), key);
    assert_eq!(by_answer.send(get("/v3/certificates")).await.status, 200);

    let brand = add(
        &running,
        json!({"name": "acme-brand", "family": "brand", "mchid": "1900000777"}),
    )
    .await;
    let client = Client::new(&running, "acme-brand");
    let answer = client
        .send(get(&card_list(Some(&brand["credentials"]["brand_id"]))))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    client.verify(&running, &answer).unwrap();

    let direct = add(
        &running,
        json!({"name": "acme-direct", "family": "brand-direct", "brand_id": "77001"}),
    )
    .await;
    assert_eq!(direct["credentials"]["mchid"], Value::Null);
    let client = Client::new(&running, "acme-direct");
    let serial = client.credentials.public_key_id.clone().unwrap();
    let answer = client
        .send(crate::client::Call {
            serial: Some(&serial),
            ..get("/brand/card-member/cards?limit=10&offset=0")
        })
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    client.verify(&running, &answer).unwrap();

    let official = add(
        &running,
        json!({"name": "acme-oa", "family": "official_account", "app_secret": "open-sesame"}),
    )
    .await;
    let appid = official["credentials"]["appid"].as_str().unwrap();
    let target =
        format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret=open-sesame");
    let stream = connect(&connector(&running), running.addr()).await;
    let answer = exchange(stream, "GET", &target, &[], b"").await.unwrap();
    assert!(answer.json()["access_token"].is_string(), "{answer:?}");

    let listed = control(&running, "GET", "/accounts?family=brand", &Value::Null)
        .await
        .json();
    let names: Vec<_> = listed["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(
        names,
        [
            "demo-brand",
            "demo-brand-direct",
            "acme-brand",
            "acme-direct"
        ]
    );
}

#[tokio::test]
async fn a_private_key_can_stay_with_its_owner() {
    let running = start().await;
    let pem = PrivateKey::generate_pem().unwrap();
    let key = pem.to_str().unwrap();
    let public = PrivateKey::from_pem(key).unwrap().public_key().to_pem();
    let added = add(&running, json!({"name": "acme", "family": "merchant", "mchid": "1900000200", "public_key_pem": public})).await;
    assert_eq!(added["private_key_pem"], Value::Null);
    let client = Client::with_key(&running, running.account("acme").unwrap(), key);
    let answer = client.send(get(&card_list(None))).await;
    client.verify(&running, &answer).unwrap();
    // The certificate that was just issued is as good as one from elsewhere.
    let certificate = added["certificate_pem"].clone();
    control(&running, "DELETE", "/accounts/acme", &Value::Null).await;
    assert_eq!(client.send(get(&card_list(None))).await.status, 401);
    let again = add(&running, json!({"name": "acme", "family": "merchant", "mchid": "1900000200", "certificate_pem": certificate})).await;
    assert_eq!(
        again["credentials"]["serial_no"],
        added["credentials"]["serial_no"]
    );
    let client = Client::with_key(&running, running.account("acme").unwrap(), key);
    assert_eq!(client.send(get(&card_list(None))).await.status, 200);
}

#[tokio::test]
async fn accounts_that_cannot_be_are_refused_by_member() {
    let running = start().await;
    for (body, text) in [
        (json!({}), "missing field `name`"),
        (json!({"name": "acme"}), "missing field `family`"),
        (
            json!({"name": "acme", "family": "bank"}),
            "unknown variant `bank`",
        ),
        (
            json!({"name": "Acme!", "family": "merchant"}),
            "lower-case letters",
        ),
        (
            json!({"name": "server", "family": "merchant"}),
            "is not `server`",
        ),
        (
            json!({"name": "demo-merchant", "family": "merchant"}),
            "used twice",
        ),
        (
            json!({"name": "acme", "family": "merchant", "mchid": "1900000109"}),
            "`demo-merchant` has this number already",
        ),
        (
            json!({"name": "acme", "family": "merchant", "mchid": "x"}),
            "mchid: must be 1 to 32 digits",
        ),
        (
            json!({"name": "acme", "family": "merchant", "brand_id": "1"}),
            "brand_id: accounts of this family have none",
        ),
        (
            json!({"name": "acme", "family": "merchant", "apiv3_key": "short"}),
            "APIv3 key",
        ),
        (
            json!({"name": "acme", "family": "merchant", "public_key_pem": "x"}),
            "public key",
        ),
        (
            json!({"name": "acme", "family": "merchant", "certificate_pem": "x"}),
            "certificate",
        ),
        (
            json!({"name": "acme", "family": "official_account", "appid": "wxd678efh567hg6787"}),
            "has this number already",
        ),
        (
            json!({"name": "acme", "family": "official_account", "mchid": "1"}),
            "mchid: accounts of this family have none",
        ),
    ] {
        let answer = control(&running, "POST", "/accounts", &body).await;
        assert_eq!(answer.status, 400, "{body}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(text), "{body}: {error}");
    }
    let stays = control(&running, "DELETE", "/accounts/demo-merchant", &Value::Null).await;
    assert_eq!(stays.status, 409, "{stays:?}");
    let unknown = control(&running, "DELETE", "/accounts/nobody", &Value::Null).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn added_accounts_have_a_folder_and_survive_a_restart_and_a_reset() {
    let directory = std::env::temp_dir().join(format!("kabao-accounts-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let run = || start_with(Sandbox::builder().directory(&directory));
    let running = run().await;
    let added = add(&running, json!({"name": "acme", "family": "merchant"})).await;
    let folder = directory.join("sandbox/acme");
    assert_eq!(added["directory"], json!(folder));
    for file in [
        "account.json",
        "apiclient_key.pem",
        "apiclient_cert.pem",
        "pub_key.pem",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let owned = AccountConfig::official_account("acme-oa", "wx77").with_app_secret("s");
    running.add_account(owned).await.unwrap();
    control(&running, "POST", "/reset", &json!({"keys": true})).await;
    let before = running.account("acme").unwrap();
    running.shutdown().await;

    let running = run().await;
    assert_eq!(running.account("acme").unwrap().serial_no, before.serial_no);
    let client = Client::new(&running, "acme");
    assert_eq!(client.send(get(&card_list(None))).await.status, 200);
    assert_eq!(
        running.account("acme-oa").unwrap().app_secret.as_deref(),
        Some("s")
    );
    let reset = control(&running, "POST", "/reset", &json!({"accounts": true})).await;
    assert_eq!(reset.status, 200, "{reset:?}");
    assert!(!folder.exists() && running.account("acme").is_none());
    running.shutdown().await;
    let running = run().await;
    assert_eq!(running.accounts().len(), 4);
    running.shutdown().await;
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_reset_brings_keys_back_on_request() {
    let running = start().await;
    let before = running.account("demo-merchant").unwrap();
    let client = Client::new(&running, "demo-merchant");
    for key in ["client_certificate", "public_key", "platform_certificate"] {
        let body = json!({"account": "demo-merchant", "key": key});
        assert_eq!(
            control(&running, "POST", "/keys/rotate", &body)
                .await
                .status,
            200
        );
    }
    let revoke = json!({"account": "demo-merchant", "serial_no": before.serial_no});
    assert_eq!(
        control(&running, "POST", "/keys/revoke", &revoke)
            .await
            .status,
        200
    );
    control(&running, "POST", "/reset", &Value::Null).await;
    assert_ne!(
        running.account("demo-merchant").unwrap().public_key_id,
        before.public_key_id
    );
    let reset = control(&running, "POST", "/reset", &json!({"keys": true})).await;
    assert_eq!(reset.status, 200, "{reset:?}");
    assert!(running.account("demo-merchant").unwrap() == before);
    let answer = client.send(get(&card_list(None))).await;
    client.verify(&running, &answer).unwrap();
    assert_eq!(running.platform_certificates("demo-merchant").len(), 1);
    let unknown = control(&running, "POST", "/reset", &json!({"key": true})).await;
    assert_eq!(
        (unknown.status, &unknown.json()["field"]),
        (400, &json!("key"))
    );
}
