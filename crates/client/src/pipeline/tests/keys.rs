//! Trust: no key, new keys, forged keys.

use kabao_auth::{Certificate, TrustedKey};

use super::*;
use crate::testing::{certificate_download, clock, credential, key};
use crate::transport::{HttpRequest, Transport};

fn with_certificates(transport: Arc<dyn Transport>, trusted: &[&str]) -> Pipeline {
    let clock = clock();
    let trusted = trusted.iter().map(|name| {
        TrustedKey::Certificate(Certificate::from_pem(key(name, "certificate_pem")).unwrap())
    });
    let merchant = credential("merchant", &transport, &clock, trusted);
    let credentials = Credentials {
        merchant: Some(Arc::new(merchant)),
        ..Credentials::default()
    };
    Pipeline::new(
        Family::Merchant,
        credentials,
        transport,
        clock,
        Settings::default(),
    )
}

fn by_current() -> HttpResponse {
    signed_with(
        "platform_current",
        key("platform_current", "serial_no"),
        NOW,
        200,
        CARD,
    )
}

fn is_download(request: &HttpRequest) -> bool {
    request.target == "/v3/certificates"
}

fn downloads(sent: &Sent) -> usize {
    sent.lock()
        .unwrap()
        .iter()
        .filter(|request| is_download(request))
        .count()
}

#[tokio::test(start_paused = true)]
async fn the_first_call_downloads_the_certificates_once_for_all() {
    let (transport, sent) = answering(|request| {
        Ok(if is_download(request) {
            certificate_download("two_certificates_bootstrap")
        } else {
            by_current()
        })
    });
    let pipeline = with_certificates(transport, &[]);
    let (context, other) = (context(), context());
    let (first, second) = tokio::join!(
        pipeline.execute(&context, read()),
        pipeline.execute(&other, read())
    );
    assert!(first.is_ok() && second.is_ok());
    assert_eq!((count(&sent), downloads(&sent)), (3, 1));
    // The newest certificate is named, and fields would be encrypted with it.
    let sent = sent.lock().unwrap();
    assert_eq!(
        sent[1].headers["wechatpay-serial"],
        key("platform_current", "serial_no")
    );
    assert!(sent[0].headers.get("wechatpay-serial").is_none());
}

#[tokio::test(start_paused = true)]
async fn without_a_trusted_key_nothing_is_sent() {
    let rows: [(fn() -> HttpResponse, Reason); 5] = [
        (
            || unsigned(404, r#"{"code":"RESOURCE_NOT_EXISTS","message":"m"}"#),
            Reason::KeyUnavailable,
        ),
        (|| unsigned(401, "{}"), Reason::CredentialRejected),
        (|| unsigned(500, "{}"), Reason::UpstreamUnavailable),
        (
            || certificate_download("response_signed_by_outsider"),
            Reason::KeyUnavailable,
        ),
        (|| unsigned(200, r#"{"data":[]}"#), Reason::KeyUnavailable),
    ];
    for (download, reason) in rows {
        let (transport, sent) = answering(move |_| Ok(download()));
        let pipeline = with_certificates(transport, &[]);
        let error = pipeline
            .execute(&context(), numbered())
            .await
            .err()
            .unwrap();
        assert_eq!(error.reason(), reason);
        assert!(!error.may_have_executed());
        assert_eq!(count(&sent), downloads(&sent), "only downloads were sent");
        // The next call does not download again at once.
        let before = count(&sent);
        let error = pipeline
            .execute(&context(), numbered())
            .await
            .err()
            .unwrap();
        assert_eq!(
            (error.reason(), count(&sent)),
            (Reason::KeyUnavailable, before)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_serial_is_looked_up_once_and_both_keys_hold() {
    let (transport, sent) = answering(|request| {
        Ok(if is_download(request) {
            certificate_download("two_certificates_signed_by_new")
        } else {
            by_current()
        })
    });
    let pipeline = with_certificates(transport, &["platform_previous"]);
    for _ in 0..3 {
        pipeline
            .execute(&context(), read())
            .await
            .map(drop)
            .unwrap();
    }
    assert_eq!((count(&sent), downloads(&sent)), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn forged_serials_lead_to_one_download_a_minute() {
    let forged = || {
        signed_with(
            "platform_unknown",
            key("platform_unknown", "serial_no"),
            NOW,
            200,
            CARD,
        )
    };
    let (transport, sent) = answering(move |request| {
        Ok(if is_download(request) {
            certificate_download("two_certificates_signed_by_new")
        } else {
            forged()
        })
    });
    let pipeline = with_certificates(transport, &["platform_previous"]);
    for _ in 0..5 {
        let error = pipeline.execute(&context(), read()).await.err().unwrap();
        assert_eq!(error.reason(), Reason::UpstreamUnverified);
    }
    assert_eq!(downloads(&sent), 1);
    tokio::time::advance(Duration::from_secs(61)).await;
    pipeline
        .execute(&context(), read())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(downloads(&sent), 2);
}

#[tokio::test(start_paused = true)]
async fn certificates_are_refreshed_on_a_timer_below_twelve_hours() {
    let (transport, sent) =
        answering(|_| Ok(certificate_download("two_certificates_signed_by_new")));
    let pipeline = with_certificates(transport, &["platform_previous"]);
    let maintained = pipeline.clone();
    let task = tokio::spawn(async move { maintained.maintain().await });
    tokio::time::sleep(Duration::from_secs(12 * 60 * 60)).await;
    assert_eq!(downloads(&sent), 1);
    let keys = pipeline
        .credentials()
        .merchant
        .as_ref()
        .unwrap()
        .keys
        .snapshot();
    assert!(
        keys.get(&key("platform_current", "serial_no").parse().unwrap())
            .is_some()
    );
    task.abort();
}
