use std::cell::Cell;

use super::*;

/// A holder, how many fetches there were, and whether they work.
struct Bench {
    held: Held,
    fetches: Cell<u64>,
    works: Cell<bool>,
}

impl Bench {
    fn new() -> Self {
        Self {
            held: Held::new("ticket"),
            fetches: Cell::new(0),
            works: Cell::new(true),
        }
    }

    async fn get(&self) -> Result<String, Error> {
        let fetch = async {
            self.fetches.set(self.fetches.get() + 1);
            if !self.works.get() {
                return Err(Error::new(Reason::UpstreamUnavailable, "WeChat is away"));
            }
            Ok(Fetched {
                value: Secret::new(format!("T{}", self.fetches.get())),
                valid_for: Duration::from_secs(7200),
            })
        };
        let token = self.held.get(fetch).await?;
        Ok(token.value.expose().to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_alive_is_used_while_renewing_fails_and_no_call_waits_for_each_failure() {
    let bench = Bench::new();
    assert_eq!(bench.get().await.unwrap(), "T1");
    tokio::time::advance(Duration::from_secs(7000)).await;
    bench.works.set(false);
    for _ in 0..3 {
        assert_eq!(bench.get().await.unwrap(), "T1");
    }
    assert_eq!(bench.fetches.get(), 2, "one failure, then a pause");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bench.get().await.unwrap(), "T1");
    assert_eq!(bench.fetches.get(), 3);
    tokio::time::advance(Duration::from_secs(2)).await;
    bench.works.set(true);
    assert_eq!(bench.get().await.unwrap(), "T4");
}

#[tokio::test(start_paused = true)]
async fn repeated_failures_are_followed_by_growing_pauses_that_say_how_long() {
    let bench = Bench::new();
    bench.works.set(false);
    assert!(bench.get().await.is_err());
    assert!(bench.get().await.is_err());
    assert_eq!(bench.fetches.get(), 2, "the first may be repeated at once");
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        let before = bench.fetches.get();
        let error = bench.get().await.unwrap_err();
        assert_eq!(error.reason(), Reason::UpstreamUnavailable);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(pause)));
        assert!(error.is_retryable() && error.message().contains("WeChat is away"));
        assert_eq!(bench.fetches.get(), before, "nothing is sent");
        tokio::time::advance(Duration::from_secs(pause)).await;
        assert_eq!(bench.get().await.unwrap_err().retry_after(), None);
        assert_eq!(bench.fetches.get(), before + 1);
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    bench.works.set(true);
    assert!(bench.get().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_the_present_one_is_discarded() {
    let bench = Bench::new();
    bench.get().await.unwrap();
    let first = bench.held.get(std::future::pending()).await.unwrap();
    assert!(bench.held.discard(&first).await);
    assert_eq!(bench.get().await.unwrap(), "T2");
    assert!(!bench.held.discard(&first).await);
    assert!(bench.held.renews_at().is_some());
}
