use std::sync::Arc;
use std::time::Duration;

use kabao_api::{Reason, call};
use kabao_models::merchant::cards::UpdateCard;
use kabao_models::merchant::codes::DepositCodes;
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard};

use super::*;
use crate::testing::{
    NOW, Sent, answering, brand, context, key, merchant, scripted, signed, signed_with, unsigned,
};
use crate::transport::{HttpResponse, TransportError};

mod accepted;
mod answers;
mod breaker;
mod detached;
mod failover;
mod keys;
mod odd;
mod overload;
mod portions;
mod proxies;
mod quota;
mod sensitive;
mod signers;
mod subjects;
mod token_family;
mod watched;

const CARD: &str = r#"{"card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","level":"黄金会员","balance":9223372036854775807}"#;

fn read() -> Box<dyn AnyEndpoint> {
    Box::new(GetUserCard::new(
        "pbLatjvWOibDc5-TBnbUk1pD12o0",
        "478515832665",
    ))
}

/// A write that may act twice.
fn harmful() -> Box<dyn AnyEndpoint> {
    Box::new(DepositCodes::new("p1"))
}

/// A write of absolute values, without a request number.
fn write() -> Box<dyn AnyEndpoint> {
    Box::new(UpdateCard {
        title: Some("茶港会员卡".to_owned()),
        ..UpdateCard::new("p1")
    })
}

/// A write with one.
fn numbered() -> Box<dyn AnyEndpoint> {
    Box::new(UpdateUserCard {
        level: Some("黄金会员".to_owned()),
        ..UpdateUserCard::new("p1", "478515832665", "n1")
    })
}

fn count(sent: &Sent) -> usize {
    sent.lock().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_verified_answer_is_decoded_and_the_request_is_complete() {
    let (transport, sent) = scripted([Ok(signed(200, CARD))]);
    let pipeline = merchant(transport, Settings::default());
    let request = GetUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "a/b");
    let card = call(&pipeline, &context(), request).await.unwrap();
    assert_eq!(card.balance, Some(i64::MAX));

    let sent = sent.lock().unwrap();
    let request = &sent[0];
    assert_eq!(request.method, "GET");
    assert_eq!(
        request.target,
        "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o0/codes/a%2Fb"
    );
    let header = |name| request.headers.get(name).unwrap().to_str().unwrap();
    assert!(header("authorization").starts_with("WECHATPAY2-SHA256-RSA2048 mchid=\"1900000001\""));
    assert_eq!(
        header("wechatpay-serial"),
        key("wechatpay_public_key", "id")
    );
    assert_eq!(
        header("user-agent"),
        concat!("kabao/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        (header("accept"), header("accept-encoding")),
        ("application/json", "identity")
    );
    assert!(request.headers.get("content-type").is_none());
    assert!(request.headers["authorization"].is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_the_bound_is_not_asked_for_again() {
    for (request, reason) in [
        (read(), Reason::UpstreamTooLarge),
        (numbered(), Reason::OutcomeUnknown),
    ] {
        let (transport, sent) = answering(|_| Err(TransportError::TooLarge { limit: 1 }));
        let error = merchant(transport, Settings::default())
            .execute(&context(), request)
            .await
            .err()
            .unwrap();
        assert_eq!((error.reason(), count(&sent)), (reason, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_verified_answer_that_is_no_object_is_malformed() {
    for body in ["[]", "{", "7", "null", "<html>", r#""{}""#] {
        let body = body.to_owned();
        let (transport, _) = answering(move |_| Ok(signed(200, &body)));
        let error = merchant(transport, Settings::default())
            .execute(&context(), read())
            .await
            .err()
            .unwrap();
        assert_eq!(error.reason(), Reason::UpstreamMalformed);
    }
    let (transport, _) = answering(|_| Ok(signed(200, "[]")));
    let error = merchant(transport, Settings::default())
        .execute(&context(), write())
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason(), Reason::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_dropped_and_the_next_attempt_counts() {
    let mut probe = signed(204, "");
    let signature = probe.headers["wechatpay-signature"].to_str().unwrap();
    let wrong = format!("WECHATPAY/SIGNTEST/{}", &signature[19..]);
    probe
        .headers
        .insert("wechatpay-signature", wrong.parse().unwrap());
    let (transport, sent) = scripted([Ok(probe), Ok(signed(204, ""))]);
    merchant(transport, Settings::default())
        .execute(&context(), numbered())
        .await
        .map(drop)
        .unwrap();
    assert_eq!(count(&sent), 2);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_signed_anew_over_the_same_bytes() {
    let (transport, sent) = scripted([
        Err(TransportError::Timeout),
        Ok(unsigned(502, "")),
        Ok(signed(204, "")),
    ]);
    merchant(transport, Settings::default())
        .execute(&context(), numbered())
        .await
        .map(drop)
        .unwrap();
    let sent = sent.lock().unwrap();
    let proofs: std::collections::HashSet<_> = sent
        .iter()
        .map(|request| &request.headers["authorization"])
        .collect();
    assert_eq!(proofs.len(), 3);
    assert!(
        sent.iter()
            .all(|request| request.body == sent[0].body && request.target == sent[0].target)
    );
    assert!(
        std::str::from_utf8(&sent[0].body)
            .unwrap()
            .contains(r#""out_request_no":"n1""#)
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_repeated_write_is_not_a_clean_failure() {
    let refusal = r#"{"code":"ALREADY_EXISTS","message":"m"}"#;
    let (transport, sent) = scripted([Err(TransportError::Timeout), Ok(signed(400, refusal))]);
    let error = merchant(transport, Settings::default())
        .execute(&context(), numbered())
        .await
        .err()
        .unwrap();
    assert_eq!((error.reason(), count(&sent)), (Reason::OutcomeUnknown, 2));
    assert_eq!(error.upstream().unwrap().code, "ALREADY_EXISTS");
    assert!(error.may_have_executed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_what_wechat_said() {
    let body = r#"{"code":"PARAM_ERROR","message":"参数错误","detail":{"field":"/level","issue":"i","location":"body","value":"v"}}"#;
    let (transport, _) = scripted([Ok(signed(400, body))]);
    let error = merchant(transport, Settings::default())
        .execute(&context(), numbered())
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason(), Reason::FieldInvalid);
    assert_eq!(error.violations()[0].field, "level");
    let upstream = error.upstream().unwrap();
    assert_eq!(
        (upstream.http_status, upstream.message.as_str()),
        (400, "参数错误")
    );
    assert_eq!(
        upstream.request_id.as_deref(),
        Some("08F5B8C2B506102C18FDDFEEA30620BE-0")
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_says_how_long_to_wait() {
    let rows = [
        (None, 1),
        (Some("7"), 7),
        (Some("soon"), 1),
        (Some("86400"), 3600),
    ];
    for (header, seconds) in rows {
        let (transport, _) = answering(move |_| {
            let mut answer = signed(429, r#"{"code":"RATELIMIT_EXCEEDED","message":"m"}"#);
            if let Some(header) = header {
                answer
                    .headers
                    .insert("retry-after", header.parse().unwrap());
            }
            Ok(answer)
        });
        let error = merchant(transport, Settings::default())
            .execute(&context(), read())
            .await
            .err()
            .unwrap();
        assert_eq!(
            error.retry_after(),
            Some(Duration::from_secs(seconds)),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn nothing_is_sent_that_breaks_a_documented_limit() {
    let (transport, sent) = scripted([]);
    let request = UpdateUserCard {
        level: Some("一二三四五六".to_owned()),
        ..UpdateUserCard::new("p1", "1", "a b")
    };
    let error = merchant(transport, Settings::default())
        .execute(&context(), Box::new(request))
        .await
        .err()
        .unwrap();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(
        (error.reason(), fields),
        (Reason::FieldInvalid, vec!["level", "out_request_no"])
    );
    assert_eq!(count(&sent), 0);
}

#[tokio::test]
async fn an_operation_of_another_family_or_without_credential_is_refused_before_it_is_sent() {
    use kabao_models::brand::direct_cards::GetDirectCard;
    let (transport, sent) = scripted([]);
    let pipeline = brand(transport);
    let error = pipeline.execute(&context(), read()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::FamilyMismatch);
    let error = pipeline
        .execute(&context(), Box::new(GetDirectCard::new("p1")))
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason(), Reason::CredentialMissing);
    assert!(error.message().contains("brand certificate"), "{error}");
    assert_eq!(count(&sent), 0);
}
