use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// A holder, and a WeChat that takes a second for an answer.
struct Bench {
    held: Held,
    wechat: Arc<WeChat>,
}

#[derive(Default)]
struct WeChat {
    fetches: AtomicU64,
    /// Where fetches fail from now on.
    fault: std::sync::Mutex<Option<Reason>>,
}

impl WeChat {
    async fn fetch(self: Arc<Self>) -> Result<Fetched, Error> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(SECOND).await;
        match *self.fault.lock().unwrap() {
            Some(reason) => Err(Error::new(reason, "WeChat is away")),
            None => Ok(Fetched::now(
                Secret::new(format!("T{number}")),
                Duration::from_secs(7200),
            )),
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

impl Bench {
    fn new() -> Self {
        Self {
            held: Held::new("ticket"),
            wechat: Arc::default(),
        }
    }

    fn fault(&self, reason: Option<Reason>) {
        *self.wechat.fault.lock().unwrap() = reason;
    }

    fn fetches(&self) -> u64 {
        self.wechat.fetches.load(Ordering::SeqCst)
    }

    async fn token(&self) -> Result<Token, Error> {
        let wechat = Arc::clone(&self.wechat);
        self.held.get(|| wechat.fetch()).await
    }

    async fn get(&self) -> Result<String, Error> {
        Ok(self.token().await?.value.expose().to_owned())
    }

    /// What a caller hears that waits for nothing.
    async fn get_at_once(&self) -> Result<String, Error> {
        let asked = Instant::now();
        let got = self.get().await;
        assert_eq!(asked.elapsed(), Duration::ZERO);
        got
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_alive_is_used_while_the_next_one_is_fetched() {
    let bench = Bench::new();
    assert_eq!(bench.get().await.unwrap(), "T1");
    tokio::time::advance(Duration::from_secs(6960)).await;
    for _ in 0..3 {
        assert_eq!(bench.get_at_once().await.unwrap(), "T1");
    }
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(bench.get_at_once().await.unwrap(), "T2");
    assert_eq!(bench.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_alive_is_used_while_renewing_fails_and_no_call_waits_for_a_failure() {
    let bench = Bench::new();
    assert_eq!(bench.get().await.unwrap(), "T1");
    tokio::time::advance(Duration::from_secs(7000)).await;
    bench.fault(Some(Reason::UpstreamUnavailable));
    for (fetches, pause) in (2..).zip([1, 2, 4, 8]) {
        // It is fetched, which fails a second later, and nothing is fetched in the pause after that.
        for _ in 0..3 {
            assert_eq!(bench.get_at_once().await.unwrap(), "T1");
            tokio::task::yield_now().await;
            assert_eq!(bench.fetches(), fetches);
        }
        tokio::time::sleep(SECOND * pause).await;
        assert_eq!(bench.get_at_once().await.unwrap(), "T1");
        assert_eq!(bench.fetches(), fetches);
        tokio::time::sleep(SECOND).await;
    }
    bench.fault(None);
    assert_eq!(bench.get_at_once().await.unwrap(), "T1");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(bench.get_at_once().await.unwrap(), "T6");
}

#[tokio::test(start_paused = true)]
async fn a_failure_costs_one_fetch_a_pause_however_many_ask() {
    for reason in [Reason::UpstreamUnavailable, Reason::CredentialRejected] {
        let bench = Bench::new();
        bench.fault(Some(reason));
        for (pauses, pause) in (0..).zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            assert_eq!(bench.get().await.unwrap_err().reason(), reason);
            for _ in 0..50 {
                let refused = bench.get_at_once().await.unwrap_err();
                assert_eq!(refused.reason(), reason);
                assert_eq!(refused.message(), "WeChat is away");
                let wait = refused.is_retryable().then(|| SECOND * pause);
                assert_eq!(refused.retry_after(), wait);
            }
            assert_eq!(bench.fetches(), pauses + 1);
            tokio::time::advance(SECOND * pause).await;
        }
        bench.fault(None);
        assert!(bench.get().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_is_one_fetch_for_callers_that_leave() {
    let bench = Bench::new();
    for _ in 0..9 {
        let patience = Duration::from_millis(100);
        assert!(tokio::time::timeout(patience, bench.get()).await.is_err());
    }
    assert_eq!(bench.get().await.unwrap(), "T1");
    assert_eq!(bench.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_life_begins_when_it_was_fetched_and_not_when_somebody_looks() {
    let bench = Bench::new();
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, bench.get()).await.is_err());
    tokio::time::sleep(Duration::from_secs(7000)).await;
    assert_eq!(bench.get_at_once().await.unwrap(), "T1");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(bench.get_at_once().await.unwrap(), "T2");
    // The same with a failure: its pause is over.
    let bench = Bench::new();
    bench.fault(Some(Reason::UpstreamUnavailable));
    assert!(tokio::time::timeout(patience, bench.get()).await.is_err());
    tokio::time::sleep(3 * SECOND).await;
    bench.fault(None);
    assert_eq!(bench.get().await.unwrap(), "T2");
}

#[tokio::test(start_paused = true)]
async fn only_the_present_one_is_discarded() {
    let bench = Bench::new();
    let first = bench.token().await.unwrap();
    assert!(bench.held.discard(&first).await);
    assert_eq!(bench.get().await.unwrap(), "T2");
    assert!(!bench.held.discard(&first).await);
    assert!(bench.held.renews_at().is_some());
}

#[tokio::test(start_paused = true)]
async fn where_every_fresh_one_is_refused_one_is_fetched_a_pause() {
    let bench = Bench::new();
    let mut fetches = 0;
    for pause in [0, 1, 2, 4, 8] {
        let token = bench.token().await.unwrap();
        assert!(bench.held.discard(&token).await);
        fetches += 1;
        if pause > 0 {
            let refused = bench.get_at_once().await.unwrap_err();
            assert_eq!(refused.reason(), Reason::CredentialRejected);
        }
        assert_eq!(bench.fetches(), fetches);
        tokio::time::advance(SECOND * pause).await;
    }
    // One that lived is no part of the row.
    let token = bench.token().await.unwrap();
    tokio::time::advance(FRESH).await;
    assert!(bench.held.discard(&token).await);
    let token = bench.token().await.unwrap();
    assert!(bench.held.discard(&token).await);
    assert!(bench.token().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_that_worked_and_was_ended_is_replaced_at_once_however_often() {
    let bench = Bench::new();
    for fetches in 1..=6 {
        let token = bench.token().await.unwrap();
        assert_eq!(bench.fetches(), fetches);
        token.worked();
        assert!(bench.held.discard(&token).await);
    }
}
