//! Official accounts: tokens and error codes.

use kabao_models::official_account::member::{GetUserInfo, UpdateUser};

use super::*;
use crate::testing::official_account;
use crate::transport::HttpRequest;

const MEMBER: &str =
    r#"{"errcode":0,"errmsg":"ok","bonus":120,"user_card_status":"NORMAL","has_active":true}"#;

fn is_token(request: &HttpRequest) -> bool {
    request.target.starts_with("/cgi-bin/")
}

fn get() -> Box<dyn AnyEndpoint> {
    Box::new(GetUserInfo::new(
        "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
        "916679873278",
    ))
}

fn update() -> Box<dyn AnyEndpoint> {
    Box::new(UpdateUser {
        bonus: Some(100),
        ..UpdateUser::new("916679873278", "ph_gmt7cUVrlRk8swPwx7aDyF-pg")
    })
}

/// Gives tokens `T1`, `T2`, ... and answers calls by their token.
fn wechat(answer: impl Fn(&str) -> HttpResponse + Send + Sync + 'static) -> (Pipeline, Sent) {
    let tokens = std::sync::atomic::AtomicU32::new(0);
    let (transport, sent) = answering(move |request| {
        Ok(if is_token(request) {
            let number = tokens.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            unsigned(
                200,
                &format!(r#"{{"access_token":"T{number}","expires_in":7200}}"#),
            )
        } else {
            let (_, token) = request.target.split_once("access_token=").unwrap();
            answer(token)
        })
    });
    (official_account(transport), sent)
}

fn targets(sent: &Sent) -> Vec<String> {
    sent.lock()
        .unwrap()
        .iter()
        .map(|request| request.target.clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_token_serves_all_calls_and_is_no_part_of_the_body() {
    let (pipeline, sent) = wechat(|_| unsigned(200, MEMBER));
    for _ in 0..3 {
        pipeline.execute(&context(), get()).await.map(drop).unwrap();
    }
    let call = "/card/membercard/userinfo/get?access_token=T1";
    assert_eq!(targets(&sent), ["/cgi-bin/stable_token", call, call, call]);
    assert!(
        sent.lock().unwrap()[1]
            .headers
            .get("authorization")
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_even_for_a_write() {
    for errcode in [40001, 40014, 42001] {
        let body = format!(r#"{{"errcode":{errcode},"errmsg":"invalid credential rid: 1-2-3"}}"#);
        let (pipeline, sent) =
            wechat(move |token| unsigned(200, if token == "T1" { &body } else { MEMBER }));
        pipeline
            .execute(&context(), update())
            .await
            .map(drop)
            .unwrap();
        assert_eq!(targets(&sent).len(), 4, "{errcode}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_the_answer_and_nothing_was_done() {
    let (pipeline, sent) =
        wechat(|_| unsigned(200, r#"{"errcode":40001,"errmsg":"invalid credential"}"#));
    let error = pipeline.execute(&context(), update()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::CredentialRejected);
    assert!(!error.may_have_executed());
    assert_eq!(targets(&sent).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn error_codes_become_reasons() {
    use Reason::*;
    type Answer = fn(&str) -> HttpResponse;
    let rows: [(Answer, Reason, Reason); 14] = [
        (
            |_| unsigned(200, r#"{"errcode":40056,"errmsg":"invalid serial code"}"#),
            MemberNotFound,
            MemberNotFound,
        ),
        (
            |_| unsigned(200, r#"{"errcode":45009,"errmsg":"reach max"}"#),
            UpstreamRateLimited,
            UpstreamRateLimited,
        ),
        (
            |_| unsigned(200, r#"{"errcode":-1,"errmsg":"system busy"}"#),
            UpstreamUnavailable,
            OutcomeUnknown,
        ),
        (
            |_| unsigned(200, r#"{"errcode":48001,"errmsg":"unauthorized"}"#),
            UpstreamPermissionDenied,
            UpstreamPermissionDenied,
        ),
        (
            |_| unsigned(200, "<html>"),
            UpstreamMalformed,
            OutcomeUnknown,
        ),
        (
            |_| unsigned(502, "<html>"),
            UpstreamUnavailable,
            OutcomeUnknown,
        ),
        (|_| unsigned(404, ""), UpstreamMalformed, OutcomeUnknown),
        (|_| unsigned(429, ""), UpstreamRateLimited, OutcomeUnknown),
        (|_| unsigned(200, "{}"), UpstreamMalformed, OutcomeUnknown),
        (
            |_| unsigned(200, r#"{"status":"error","detail":"login required"}"#),
            UpstreamMalformed,
            OutcomeUnknown,
        ),
        (
            |_| unsigned(200, r#"{"errcode":null,"result_bonus":510}"#),
            UpstreamMalformed,
            OutcomeUnknown,
        ),
        (
            |_| unsigned(200, r#"{"errcode":"ok","bonus":510}"#),
            UpstreamMalformed,
            OutcomeUnknown,
        ),
        (|_| unsigned(200, "[]"), UpstreamMalformed, OutcomeUnknown),
        (|_| unsigned(302, ""), UpstreamMalformed, OutcomeUnknown),
    ];
    for (answer, of_read, of_write) in rows {
        let (pipeline, _) = wechat(answer);
        let error = pipeline.execute(&context(), get()).await.err().unwrap();
        assert_eq!(error.reason(), of_read);
        let error = pipeline.execute(&context(), update()).await.err().unwrap();
        assert_eq!(error.reason(), of_write);
    }
}

#[tokio::test(start_paused = true)]
async fn an_errcode_may_be_left_out_only_where_the_documents_say_so() {
    use kabao_models::official_account::datacube::GetMemberCardInfo;
    let report = || {
        Box::new(GetMemberCardInfo {
            begin_date: Some("2026-03-01".to_owned()),
            end_date: Some("2026-03-02".to_owned()),
            cond_source: Some(1),
            ..GetMemberCardInfo::default()
        })
    };
    let (pipeline, _) = wechat(|_| unsigned(200, r#"{"list":[]}"#));
    pipeline
        .execute(&context(), report())
        .await
        .map(drop)
        .unwrap();
    for body in ["{}", r#"{"list":null}"#, r#"{"status":"ok"}"#] {
        let (pipeline, _) = wechat(move |_| unsigned(200, body));
        let error = pipeline.execute(&context(), report()).await.err().unwrap();
        assert_eq!(error.reason(), Reason::UpstreamMalformed, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_addition_is_not_sent_again_and_an_absolute_value_is() {
    let add = || {
        Box::new(UpdateUser {
            add_bonus: Some(10),
            ..UpdateUser::new("916679873278", "ph_gmt7cUVrlRk8swPwx7aDyF-pg")
        })
    };
    let calls = |sent: &Sent| targets(sent).len() - 1;
    let (pipeline, sent) = wechat(|_| unsigned(502, ""));
    let error = pipeline.execute(&context(), add()).await.err().unwrap();
    assert_eq!((error.reason(), calls(&sent)), (Reason::OutcomeUnknown, 1));
    assert!(!error.is_retryable());
    let (pipeline, sent) = wechat(|_| unsigned(502, ""));
    let error = pipeline.execute(&context(), update()).await.err().unwrap();
    assert_eq!((error.reason(), calls(&sent)), (Reason::OutcomeUnknown, 3));
    assert!(error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_app_secret_is_a_rejected_credential_and_the_call_is_not_sent() {
    let (transport, sent) = answering(|_| {
        Ok(unsigned(
            200,
            r#"{"errcode":40125,"errmsg":"invalid appsecret"}"#,
        ))
    });
    let error = official_account(transport)
        .execute(&context(), update())
        .await
        .err()
        .unwrap();
    assert_eq!(
        (error.reason(), error.operation()),
        (
            Reason::CredentialRejected,
            Some("official_account.stable_token.get")
        )
    );
    assert!(!error.may_have_executed());
    assert_eq!(targets(&sent), ["/cgi-bin/stable_token"]);
}

#[tokio::test(start_paused = true)]
async fn neither_token_nor_secret_is_in_an_error() {
    let (pipeline, _) = wechat(|_| unsigned(200, r#"{"errcode":40001,"errmsg":"T2 app-secret"}"#));
    let error = pipeline.execute(&context(), update()).await.err().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("T2") && !shown.contains("app-secret"),
        "{shown}"
    );
}
