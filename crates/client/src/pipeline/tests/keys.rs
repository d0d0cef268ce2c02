//! Trust: no key, new keys, forged keys.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use kabao_auth::{Certificate, TrustedKey};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::advance;

use super::*;
use crate::pipeline::quota::Quotas;
use crate::testing::{account, certificate_download, clock, credential, key, slow};
use crate::transport::{HttpRequest, Transport, TransportError};

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
        account(),
        Family::Merchant,
        credentials,
        transport,
        clock,
        Settings::default(),
        &Quotas::default(),
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
        // The next call does not download again at once, and says the same.
        let before = count(&sent);
        let again = pipeline
            .execute(&context(), numbered())
            .await
            .err()
            .unwrap();
        assert_eq!((again.reason(), count(&sent)), (reason, before));
        assert_eq!(again.to_string(), error.to_string());
        assert_eq!(again.is_retryable(), error.is_retryable());
        assert_eq!(again.retry_after().is_some(), error.is_retryable());
        // After the pause it is tried again, once, and the next pause is longer.
        for pause in [1, 2, 4] {
            let before = count(&sent);
            advance(Duration::from_secs(pause)).await;
            for _ in 0..20 {
                assert!(pipeline.execute(&context(), numbered()).await.is_err());
            }
            assert_eq!(count(&sent), before + 1, "{pause}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_that_hangs_is_one_download_for_callers_that_leave() {
    let downloads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&downloads);
    let transport = slow(Duration::from_secs(5), move |request| {
        Ok(match is_download(request) {
            true => {
                count.fetch_add(1, Ordering::SeqCst);
                certificate_download("two_certificates_bootstrap")
            }
            false => by_current(),
        })
    });
    let pipeline = with_certificates(transport, &[]);
    for _ in 0..9 {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(300);
        let context = context().with_deadline(deadline.into_std());
        let error = pipeline.execute(&context, read()).await.err().unwrap();
        assert_eq!(error.reason(), Reason::DeadlineExceeded);
    }
    assert!(pipeline.execute(&context(), read()).await.is_ok());
    assert_eq!(downloads.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_merchant_without_certificates_is_told_what_to_configure() {
    let (transport, _) = answering(|_| {
        Ok(unsigned(
            404,
            r#"{"code":"RESOURCE_NOT_EXISTS","message":"m"}"#,
        ))
    });
    let pipeline = with_certificates(transport, &[]);
    for _ in 0..3 {
        let error = pipeline
            .execute(&context(), numbered())
            .await
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "WeChat Pay has no platform certificate for this merchant; configure the WeChat Pay public key"
        );
    }
    let states = pipeline.credentials().states(NOW);
    let problem = states[0].problem.as_ref().unwrap();
    assert_eq!(problem.reason, Reason::KeyUnavailable);
    assert!(
        problem
            .message
            .contains("configure the WeChat Pay public key")
    );
}

#[tokio::test(start_paused = true)]
async fn a_rejected_certificate_is_shown_until_wechat_takes_it_again() {
    let bad = AtomicBool::new(true);
    let bad = Arc::new(bad);
    let answers = Arc::clone(&bad);
    let (transport, _) = answering(move |_| {
        Ok(if answers.load(Ordering::SeqCst) {
            unsigned(
                401,
                r#"{"code":"SIGN_ERROR","message":"商户证书序列号有误。请使用签名私钥匹配的证书序列号"}"#,
            )
        } else {
            signed(200, CARD)
        })
    });
    let pipeline = merchant(transport, Settings::default());
    let error = pipeline.execute(&context(), read()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::CredentialRejected);
    assert!(
        error
            .remedy()
            .is_some_and(|remedy| remedy.contains("serial number"))
    );
    let problem = |pipeline: &Pipeline| pipeline.credentials().states(NOW)[0].problem.clone();
    let found = problem(&pipeline).unwrap();
    assert_eq!(found.reason, Reason::CredentialRejected);
    assert_eq!(found.message, error.to_string());
    bad.store(false, Ordering::SeqCst);
    pipeline.execute(&context(), read()).await.unwrap();
    assert_eq!(problem(&pipeline), None);
}

#[tokio::test(start_paused = true)]
async fn the_requests_own_values_never_reach_an_error() {
    let words = "{\"code\":\"INVALID_REQUEST\",\"message\":\"会员A-1无效，等级黄金\",\"detail\":{\"field\":\"code\",\"issue\":\"A-1 is wrong\",\"location\":\"url\"}}";
    let (transport, _) = answering(move |_| Ok(signed(400, words)));
    let request = GetUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "A-1");
    let error = merchant(transport, Settings::default())
        .execute(&context(), Box::new(request))
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "WeChat refused the request (INVALID_REQUEST): 会员***无效，等级黄金 (*** is wrong)"
    );
    assert_eq!(
        error.violations()[0].to_string(),
        "code is refused by WeChat: *** is wrong"
    );
    let upstream = error.upstream().unwrap();
    assert_eq!(upstream.message, "会员***无效，等级黄金");
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
    for _ in 0..2 {
        let error = pipeline.execute(&context(), read()).await.err().unwrap();
        assert_eq!(error.reason(), Reason::UpstreamUnverified);
    }
    assert_eq!(downloads(&sent), 1);
    advance(Duration::from_secs(61)).await;
    pipeline
        .execute(&context(), read())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(downloads(&sent), 2);
}

/// Lets a download through for each permit, and everything else at once.
struct Gated {
    inner: Arc<dyn Transport>,
    permits: Arc<Semaphore>,
}

#[async_trait]
impl Transport for Gated {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if is_download(&request) {
            self.permits.acquire().await.unwrap().forget();
        }
        self.inner.send(request).await
    }
}

/// Calls, and lets the tasks beside the call go as far as they can.
async fn call(pipeline: &Pipeline) {
    let answer = pipeline.execute(&context(), read()).await;
    answer.map(drop).unwrap();
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn old_certificates_are_refreshed_once_and_no_call_waits_for_it() {
    let (inner, sent) = answering(|request| {
        Ok(if is_download(request) {
            certificate_download("two_certificates_bootstrap")
        } else {
            by_current()
        })
    });
    let permits = Arc::new(Semaphore::new(1));
    let gated = Gated {
        inner,
        permits: Arc::clone(&permits),
    };
    let pipeline = with_certificates(Arc::new(gated), &[]);
    let refresh = Settings::default().certificate_refresh;
    call(&pipeline).await;
    advance(refresh - Duration::from_secs(1)).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 1);

    advance(Duration::from_secs(1)).await;
    for _ in 0..3 {
        call(&pipeline).await;
    }
    assert_eq!((count(&sent), downloads(&sent)), (6, 1), "it is stuck");
    permits.add_permits(10);
    call(&pipeline).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 2);

    // Its age counts from then on.
    advance(refresh - Duration::from_secs(1)).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 2);
    advance(Duration::from_secs(1)).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_is_tried_again_later_and_the_old_certificates_go_on() {
    let works = Arc::new(AtomicBool::new(true));
    let answers = Arc::clone(&works);
    let (transport, sent) = answering(move |request| {
        Ok(
            match (is_download(request), answers.load(Ordering::SeqCst)) {
                (false, _) => by_current(),
                (true, true) => certificate_download("two_certificates_bootstrap"),
                (true, false) => unsigned(404, "{}"),
            },
        )
    });
    let pipeline = with_certificates(transport, &[]);
    call(&pipeline).await;
    works.store(false, Ordering::SeqCst);
    advance(Settings::default().certificate_refresh).await;
    for _ in 0..3 {
        call(&pipeline).await;
    }
    assert_eq!(downloads(&sent), 2);
    advance(Duration::from_secs(299)).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 2);

    works.store(true, Ordering::SeqCst);
    advance(Duration::from_secs(1)).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 3);
    advance(Duration::from_secs(300)).await;
    call(&pipeline).await;
    assert_eq!(downloads(&sent), 3);
}

#[tokio::test(start_paused = true)]
async fn a_public_key_needs_no_refresh() {
    let (transport, sent) = answering(|_| Ok(signed(200, CARD)));
    let pipeline = merchant(transport, Settings::default());
    for _ in 0..2 {
        call(&pipeline).await;
        advance(Duration::from_secs(86_400)).await;
    }
    assert_eq!((count(&sent), downloads(&sent)), (2, 0));
}
