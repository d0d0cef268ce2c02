//! The request journal, and filters of the control API.

use kabao_sandbox::{Check, ExchangeFilter, ExchangeOutcome, Fault, FaultRule, Running};
use serde_json::{Value, json};

use crate::client::{
    Client, MEMBER, NOW, OFFICIAL_EXAMPLE, connect, connector, control, exchange, get, patch, start,
};

async fn requests(running: &Running, query: &str) -> Value {
    let answer = control(running, "GET", &format!("/requests{query}"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()
}

async fn bearer(running: &Running) -> u16 {
    let headers = [
        ("Accept", "application/json"),
        ("User-Agent", "x"),
        ("Authorization", "Bearer hush"),
    ];
    let stream = connect(&connector(running), running.addr()).await;
    let answer = exchange(stream, "GET", MEMBER, &headers, b"")
        .await
        .unwrap();
    assert_eq!(
        answer.json()["message"],
        "Http头Authorization认证类型不正确",
        "{answer:?}"
    );
    answer.status
}

#[tokio::test]
async fn every_exchange_is_kept_with_its_checks_and_its_outcome() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    assert_eq!(
        client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await.status,
        204
    );
    assert_eq!(
        client
            .send(patch(MEMBER, r#"{"balance_information":5}"#))
            .await
            .status,
        400
    );
    assert_eq!(bearer(&running).await, 401);
    assert_eq!(client.send(get("/v3/nothing")).await.status, 404);
    running
        .inject(FaultRule::next(Fault::DropConnection { applied: false }))
        .unwrap();
    assert!(client.try_send(get(MEMBER)).await.is_none());

    let all = requests(&running, "").await;
    let all = all["requests"].as_array().unwrap();
    let shown = |name: &str| all.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(shown("id"), [1, 2, 3, 4, 5]);
    assert_eq!(
        shown("outcome"),
        ["ok", "refused", "refused", "refused", "unanswered"]
    );
    assert_eq!(
        shown("status"),
        [json!(204), json!(400), json!(401), json!(404), Value::Null]
    );
    assert_eq!(
        shown("code"),
        [
            Value::Null,
            json!("PARAM_ERROR"),
            json!("SIGN_ERROR"),
            Value::Null,
            Value::Null
        ]
    );
    assert_eq!(
        shown("failed"),
        [
            Value::Null,
            json!("body"),
            json!("scheme"),
            json!("path"),
            Value::Null
        ]
    );
    assert_eq!(
        shown("account"),
        [
            json!("demo-merchant"),
            json!("demo-merchant"),
            Value::Null,
            Value::Null,
            json!("demo-merchant")
        ]
    );
    assert_eq!(shown("fault")[4], "drop_connection");
    assert_eq!(
        all[0]["passed"],
        json!([
            "path",
            "method",
            "client_headers",
            "scheme",
            "authorization",
            "timestamp",
            "serial_number",
            "signature",
            "body",
            "encrypted_fields",
            "parameters",
            "permission",
            "rate",
            "rules"
        ])
    );
    assert_eq!(
        all[1]["complaints"],
        json!([{"field": "/balance_information", "issue": "must be an object"}])
    );
    assert!(
        all.iter().all(|one| one["request"].is_null()),
        "bodies come on request"
    );
    assert_eq!(all[0]["at"], "2026-01-01T08:00:00+08:00");
}

#[tokio::test]
async fn exchanges_are_filtered_and_paged() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    for _ in 0..3 {
        client.send(get(MEMBER)).await;
    }
    client.send(patch(MEMBER, "{}")).await;
    bearer(&running).await;
    running.advance(60);
    client.send(get(MEMBER)).await;
    let ids = async |query: &str| -> Vec<u64> {
        let found = requests(&running, query).await;
        let found = found["requests"].as_array().unwrap().clone();
        found
            .iter()
            .map(|one| one["id"].as_u64().unwrap())
            .collect()
    };
    let since = NOW + 60;
    for (query, expected) in [
        (
            "?operation=merchant.user_cards.get&account=demo-merchant",
            vec![1, 2, 3, 6],
        ),
        ("?account=demo-brand", vec![]),
        ("?outcome=refused", vec![4, 5]),
        ("?outcome=401", vec![5]),
        ("?outcome=SIGN_ERROR", vec![5]),
        ("?outcome=unanswered", vec![]),
        (&format!("?since={since}"), vec![6]),
        ("?since=2026-01-01T00:01:00Z", vec![6]),
        ("?limit=2", vec![5, 6]),
        ("?limit=2&cursor=0", vec![1, 2]),
        ("?limit=2&cursor=2", vec![3, 4]),
        ("?cursor=6", vec![]),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    let page = requests(&running, "?limit=2&cursor=2").await;
    assert_eq!((&page["cursor"], &page["left_out"]), (&json!(4), &json!(2)));
    assert_eq!(
        control(&running, "DELETE", "/requests", &Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(ids("").await, Vec::<u64>::new());
    client.send(get(MEMBER)).await;
    assert_eq!(ids("").await, [7], "numbers go on");
}

#[tokio::test]
async fn bodies_come_on_request_and_secrets_never() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    let secret = running.account("demo-official-account").unwrap();
    let (appid, secret) = (secret.appid.unwrap(), secret.app_secret.unwrap());
    let body =
        json!({"grant_type": "client_credential", "appid": appid, "secret": secret}).to_string();
    let stream = connect(&connector(&running), running.addr()).await;
    let token = exchange(
        stream,
        "POST",
        "/cgi-bin/stable_token",
        &[],
        body.as_bytes(),
    )
    .await
    .unwrap();
    let token = token.json()["access_token"].as_str().unwrap().to_owned();
    let target = format!("/card/get?access_token={token}");
    let stream = connect(&connector(&running), running.addr()).await;
    exchange(stream, "POST", &target, &[], br#"{"card_id":[7]}"#)
        .await
        .unwrap();

    let all = requests(&running, "?bodies=true").await;
    let text = all.to_string();
    for hidden in [secret.as_str(), token.as_str(), "signature=\\\""] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let all = all["requests"].as_array().unwrap();
    assert_eq!(all[0]["request"]["body"], OFFICIAL_EXAMPLE);
    assert_eq!(
        all[0]["request"]["headers"]["authorization"],
        "WECHATPAY2-SHA256-RSA2048 [redacted]"
    );
    assert_eq!(all[0]["answer"]["body_bytes"], 0);
    assert!(all[0]["answer"]["headers"]["wechatpay-signature"].is_string());
    assert_eq!(all[1]["account"], "demo-official-account");
    assert_eq!(
        (&all[2]["code"], &all[2]["failed"]),
        (&json!("47001"), &json!("body"))
    );
    assert_eq!(
        all[2]["complaints"],
        json!([{"field": "/card_id", "issue": "must be a text"}])
    );
    let errmsg = all[2]["message"].as_str().unwrap();
    assert!(
        errmsg.starts_with("data format error hint: /card_id must be a text rid: "),
        "{errmsg}"
    );
    assert_eq!(all[2]["query"], "access_token=[redacted]");

    let found = running.requests(&ExchangeFilter {
        outcome: Some("47001".into()),
        ..ExchangeFilter::default()
    });
    assert_eq!(
        (found.len(), found[0].outcome),
        (1, ExchangeOutcome::Refused)
    );
    assert_eq!(found[0].failed, Some(Check::Body));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_noted_and_refused() {
    let running = start().await;
    let mut settings = running.settings();
    settings.authentication.max_body_bytes = 10;
    running.set_settings(settings);
    let client = Client::new(&running, "demo-merchant");
    assert_eq!(
        client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await.status,
        413
    );
    let found = requests(&running, "?outcome=413&account=demo-merchant").await;
    assert_eq!(found["requests"][0]["failed"], "size", "{found}");
}

#[tokio::test]
async fn every_parameter_of_every_endpoint_acts_or_is_refused() {
    let running = start().await;
    let endpoints = [
        "/healthz",
        "/state",
        "/ledger",
        "/requests",
        "/clock",
        "/settings",
        "/faults",
        "/accounts",
        "/accounts/demo-merchant",
    ];
    for path in endpoints {
        assert_eq!(
            control(&running, "GET", path, &Value::Null).await.status,
            200,
            "{path}"
        );
        let wrong = control(&running, "GET", &format!("{path}?acount=x"), &Value::Null).await;
        let error = wrong.json();
        assert_eq!(
            (wrong.status, &error["field"]),
            (400, &json!("acount")),
            "{path}: {error}"
        );
        let body = control(&running, "GET", path, &json!({"account": "x"})).await;
        assert_eq!(body.status, 400, "{path}: nobody would read the body");
    }
    for (method, path, field) in [
        ("POST", "/reset?keys=true", "keys"),
        ("DELETE", "/faults?account=demo-merchant", "account"),
        (
            "GET",
            "/requests?account=demo-merchant&account=x",
            "account",
        ),
        ("GET", "/requests?outcome=perhaps", "outcome"),
        ("GET", "/requests?operation=nothing", "operation"),
        ("GET", "/requests?since=yesterday", "since"),
        ("GET", "/requests?limit=0", "limit"),
        ("GET", "/requests?bodies=1", "bodies"),
        ("GET", "/ledger?operation=nothing", "operation"),
        ("GET", "/state?family=bank", "family"),
    ] {
        let answer = control(&running, method, path, &Value::Null).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (400, &json!(field)),
            "{path}"
        );
    }
    for path in ["/requests?account=nobody", "/ledger?account=nobody"] {
        assert_eq!(
            control(&running, "GET", path, &Value::Null).await.status,
            404,
            "{path}"
        );
    }
    let brand = control(&running, "GET", "/state?family=brand", &Value::Null)
        .await
        .json();
    assert!(brand["brand"].is_object() && brand["merchant"].is_null());
    let delete = control(
        &running,
        "DELETE",
        "/faults",
        &json!({"account": "demo-merchant"}),
    )
    .await;
    assert_eq!(delete.status, 400, "all faults would go");
}

#[tokio::test]
async fn the_ledger_is_filtered_too() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    running.advance(60);
    let body = json!({"account": "demo-brand", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "openid": "obLatjnew"});
    let claimed = control(&running, "POST", "/cards/claim", &body).await;
    assert_eq!(claimed.status, 200, "{claimed:?}");
    let count = async |query: &str| {
        let found = control(&running, "GET", &format!("/ledger{query}"), &Value::Null)
            .await
            .json();
        found["entries"].as_array().unwrap().len()
    };
    let all = count("").await;
    assert!(all >= 2);
    assert_eq!(count("?account=demo-merchant").await, 1);
    assert_eq!(count("?operation=merchant.user_cards.update").await, 1);
    assert_eq!(count("?operation=control.cards.claim").await, all - 1);
    assert_eq!(count(&format!("?since={}", NOW + 1)).await, all - 1);
    assert_eq!(count("?limit=1&cursor=0").await, 1);
}
