use std::sync::atomic::{AtomicU32, Ordering};

use kabao_api::Reason;

use super::*;
use crate::testing::{Sent, answering, tokens, unsigned};

fn numbered(lifetime: u32) -> (Arc<dyn Transport>, Sent) {
    let count = AtomicU32::new(0);
    answering(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(unsigned(
            200,
            &format!(r#"{{"access_token":"T{number}","expires_in":{lifetime}}}"#),
        ))
    })
}

fn bodies(sent: &Sent) -> Vec<String> {
    sent.lock()
        .unwrap()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn many_callers_lead_to_one_fetch() {
    let (transport, sent) = numbered(7200);
    let tokens = tokens(&transport, TokenMode::Stable);
    let (a, b, c) = tokio::join!(tokens.token(), tokens.token(), tokens.token());
    assert!(
        [a, b, c]
            .into_iter()
            .all(|token| token.unwrap().value.expose() == "T1")
    );
    let body =
        r#"{"grant_type":"client_credential","appid":"wx0123456789abcdef","secret":"app-secret"}"#;
    assert_eq!(bodies(&sent), [body]);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends() {
    for (lifetime, renewed_after) in [(7200, 6960), (300, 225), (8, 6)] {
        let (transport, _) = numbered(lifetime);
        let tokens = tokens(&transport, TokenMode::Stable);
        tokens.token().await.unwrap();
        tokio::time::advance(Duration::from_secs(renewed_after - 1)).await;
        assert_eq!(
            tokens.token().await.unwrap().value.expose(),
            "T1",
            "{lifetime}"
        );
        tokio::time::advance(Duration::from_secs(1)).await;
        // Nobody waits for the next one while this one is alive.
        tokens.token().await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(
            tokens.token().await.unwrap().value.expose(),
            "T2",
            "{lifetime}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_does_not_drop_a_newer_token() {
    let (transport, sent) = numbered(7200);
    let tokens = tokens(&transport, TokenMode::Stable);
    let first = tokens.token().await.unwrap();
    tokens.refused(&first).await;
    let second = tokens.token().await.unwrap();
    tokens.refused(&first).await;
    assert_eq!(tokens.token().await.unwrap().generation, second.generation);
    assert_eq!(bodies(&sent).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_is_handed_out_again_is_refreshed_by_force_once_a_minute() {
    let (transport, sent) = answering(|request| {
        let forced = String::from_utf8_lossy(&request.body).contains(r#""force_refresh":true"#);
        let value = if forced { "NEW" } else { "OLD" };
        Ok(unsigned(
            200,
            &format!(r#"{{"access_token":"{value}","expires_in":7200}}"#),
        ))
    });
    let tokens = tokens(&transport, TokenMode::Stable);
    let old = tokens.token().await.unwrap();
    tokens.refused(&old).await;
    assert_eq!(tokens.token().await.unwrap().value.expose(), "NEW");
    assert_eq!(bodies(&sent).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_plain_mode_asks_by_query() {
    let (transport, sent) = numbered(7200);
    tokens(&transport, TokenMode::Plain).token().await.unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(
        (sent[0].method.as_str(), sent[0].target.as_str()),
        (
            "GET",
            "/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=app-secret"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn an_odd_answer_gives_no_token() {
    for body in [
        "[]",
        "{}",
        r#"{"access_token":"","expires_in":7200}"#,
        r#"{"access_token":"T","expires_in":-1}"#,
    ] {
        let (transport, _) = answering(move |_| Ok(unsigned(200, body)));
        let error = tokens(&transport, TokenMode::Stable)
            .token()
            .await
            .unwrap_err();
        assert_eq!(error.reason(), Reason::UpstreamMalformed, "{body}");
    }
}
