//! Hosts that do not work are left alone.

use std::sync::Mutex;

use super::*;

/// A WeChat whose answers change.
struct WeChat {
    pipeline: Pipeline,
    sent: Sent,
    answer: Arc<Mutex<Answer>>,
}

type Answer = fn() -> Result<HttpResponse, TransportError>;

/// One attempt a call.
fn wechat() -> WeChat {
    let mut settings = Settings::default();
    settings.retry.max_attempts = 1;
    wechat_with(settings)
}

fn wechat_with(settings: Settings) -> WeChat {
    let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(|| Ok(signed(200, CARD))));
    let present = Arc::clone(&answer);
    let (transport, sent) = answering(move |_| present.lock().unwrap()());
    WeChat {
        pipeline: merchant(transport, settings),
        sent,
        answer,
    }
}

impl WeChat {
    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    async fn read(&self) -> Result<(), Error> {
        self.pipeline.execute(&context(), read()).await.map(drop)
    }
}

const DOWN: Answer = || Ok(unsigned(502, "<html>Bad Gateway</html>"));

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_and_nothing_is_sent_until_a_probe_is_answered() {
    let wechat = wechat();
    wechat.answers(DOWN);
    for _ in 0..5 {
        assert!(wechat.read().await.is_err());
    }
    for write in [false, true] {
        let request = if write { harmful() } else { read() };
        let refused = wechat.pipeline.execute(&context(), request).await;
        let refused = refused.err().unwrap();
        assert_eq!(refused.reason(), Reason::UpstreamUnavailable);
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
        assert!(refused.is_retryable() && !refused.may_have_executed());
    }
    assert_eq!(count(&wechat.sent), 5);

    // One probe a pause, and the pauses grow.
    for (probes, pause) in (6..).zip([1, 2, 4]) {
        tokio::time::advance(Duration::from_secs(pause)).await;
        for _ in 0..20 {
            assert!(wechat.read().await.is_err());
        }
        assert_eq!(count(&wechat.sent), probes);
    }
    wechat.answers(|| Ok(signed(200, CARD)));
    tokio::time::advance(Duration::from_secs(8)).await;
    for _ in 0..20 {
        wechat.read().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_of_what_counts() {
    const REFUSED: &str = r#"{"code":"RESOURCE_NOT_EXISTS","message":"m"}"#;
    let rows: [(&str, Answer, bool); 14] = [
        (
            "no connection",
            || Err(TransportError::Connect("x".into())),
            true,
        ),
        ("no TLS", || Err(TransportError::Tls("x".into())), true),
        (
            "slow connection",
            || Err(TransportError::ConnectTimeout),
            true,
        ),
        (
            "broken connection",
            || Err(TransportError::Broken("x".into())),
            true,
        ),
        ("silence", || Err(TransportError::Timeout), true),
        ("gateway", DOWN, true),
        (
            "signed 500",
            || Ok(signed(500, r#"{"code":"SYSTEM_ERROR","message":"m"}"#)),
            true,
        ),
        ("unsigned success", || Ok(unsigned(200, CARD)), true),
        ("unsigned 404", || Ok(unsigned(404, REFUSED)), true),
        ("refusal", || Ok(signed(404, REFUSED)), false),
        (
            "rate",
            || {
                Ok(signed(
                    429,
                    r#"{"code":"RATELIMIT_EXCEEDED","message":"m"}"#,
                ))
            },
            false,
        ),
        ("unsigned rate", || Ok(unsigned(429, "{}")), false),
        (
            "credentials",
            || Ok(unsigned(401, r#"{"code":"SIGN_ERROR","message":"m"}"#)),
            false,
        ),
        (
            "too large",
            || Err(TransportError::TooLarge { limit: 1 }),
            false,
        ),
    ];
    for (what, answer, counts) in rows {
        let wechat = wechat();
        wechat.answers(answer);
        for _ in 0..40 {
            assert!(wechat.read().await.is_err(), "{what}");
        }
        let expected = if counts { 5 } else { 40 };
        assert_eq!(count(&wechat.sent), expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_saw_the_host_fail_says_how_rather_than_that_it_is_left_alone() {
    let wechat = wechat_with(Settings::default());
    wechat.answers(DOWN);
    for (call, attempts) in [(1, 3), (2, 5)] {
        let error = wechat.read().await.unwrap_err();
        assert!(error.message().contains("502"), "{call}: {error}");
        assert_eq!(count(&wechat.sent), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_leave_a_host_that_hangs_open_it_too() {
    let transport = crate::testing::slow(Duration::from_secs(60), |_| Ok(signed(200, CARD)));
    let pipeline = merchant(transport, Settings::default());
    let within = |milliseconds| {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(milliseconds);
        context().with_deadline(deadline.into_std())
    };
    // Who hardly waits has seen nothing.
    for (patience, calls) in [(500, 20), (2500, 5)] {
        for _ in 0..calls {
            let error = pipeline.execute(&within(patience), read()).await.err();
            assert_eq!(error.unwrap().reason(), Reason::DeadlineExceeded);
        }
    }
    let refused = pipeline.execute(&within(2500), read()).await.err().unwrap();
    assert_eq!(refused.reason(), Reason::UpstreamUnavailable);
    assert!(refused.retry_after().is_some());
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_retries_add_a_twentieth_at_most_after_the_first_hundred_calls() {
    // With the breaker, and by the budget alone.
    for breaker in [true, false] {
        let mut settings = Settings::default();
        if !breaker {
            settings.breaker.failures_in_a_row = u32::MAX;
            settings.breaker.min_calls = u32::MAX;
        }
        for answer in [
            DOWN,
            || Err(TransportError::Timeout),
            || Ok(unsigned(429, "{}")),
        ] {
            let wechat = wechat_with(settings.clone());
            wechat.answers(answer);
            for _ in 0..100 {
                assert!(wechat.read().await.is_err());
            }
            let before = count(&wechat.sent);
            for _ in 0..400 {
                assert!(wechat.read().await.is_err());
            }
            let attempts = count(&wechat.sent) - before;
            assert!(attempts <= 420, "{attempts} attempts of 400 calls");
            assert!(before <= 100 + 100, "{before}");
        }
    }
}
