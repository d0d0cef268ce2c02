//! An account that hangs, and callers that are many.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::transport::{HttpRequest, Transport};

/// Answers the first request after 20 ms, and no other.
#[derive(Default)]
struct Hanging {
    sent: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// One request that is open.
struct Open<'h>(&'h Hanging);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Hanging {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        let _open = Open(self);
        if self.sent.fetch_add(1, Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Ok(signed(200, CARD));
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        Err(TransportError::Timeout)
    }
}

#[tokio::test(start_paused = true)]
async fn of_800_calls_a_second_to_an_account_that_hangs_almost_all_are_soon_refused() {
    // Callers that wait for half a second, and callers that wait for five.
    for patience in [500, 5000] {
        let hanging = Arc::new(Hanging::default());
        let transport: Arc<dyn Transport> = Arc::<Hanging>::clone(&hanging);
        let pipeline = merchant(transport, Settings::default());
        pipeline
            .execute(&context(), read())
            .await
            .map(drop)
            .unwrap();

        let begun = Instant::now();
        let calls = (0..8_000_u64).map(|number| {
            let pipeline = pipeline.clone();
            async move {
                tokio::time::sleep_until(begun + Duration::from_micros(number * 1250)).await;
                let asked = Instant::now();
                let deadline = asked + Duration::from_millis(patience);
                let context = context().with_deadline(deadline.into_std());
                let error = pipeline.execute(&context, read()).await.err().unwrap();
                assert!(!error.may_have_executed());
                (asked.elapsed(), error.reason())
            }
        });
        let ends = join_all(calls).await;
        let quick = |limit: u64| {
            let limit = Duration::from_millis(limit);
            ends.iter().filter(|(took, _)| *took <= limit).count()
        };
        let sent = hanging.sent.load(Ordering::SeqCst);
        assert!(hanging.most_open.load(Ordering::SeqCst) <= 64);
        assert!(quick(0) > 4_500, "{patience}: {} at once", quick(0));
        assert!(quick(101) > 7_000, "{patience}: {} soon", quick(101));
        assert!(sent < 300, "{patience}: {sent} signatures");
        // In the end hardly anything waits.
        let last = &ends[6_000..];
        let waited: Duration = last.iter().map(|(took, _)| *took).sum();
        let held = waited.as_secs_f64() / 2.5;
        assert!(held < 64.0, "{patience}: {held} calls held on average");
    }
}

/// How long the load lasts, and from when on it is looked at: until then the limit finds its place.
const SECONDS: u32 = 5;
const FROM: u32 = 2;

/// Serves so many requests at a time, each in 40 ms.
struct Narrow {
    places: tokio::sync::Semaphore,
}

#[async_trait]
impl Transport for Narrow {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        let _place = self.places.acquire().await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok(signed(200, CARD))
    }
}

#[tokio::test(start_paused = true)]
async fn at_five_times_what_wechat_can_take_nine_tenths_of_it_are_still_useful() {
    // Four places of 40 ms: 100 calls a second.
    for (patience, load) in [(500, 200), (500, 500), (5000, 500)] {
        let narrow = Arc::new(Narrow {
            places: tokio::sync::Semaphore::new(4),
        });
        let pipeline = merchant(narrow, Settings::default());
        let begun = Instant::now();
        let calls = (0..load * SECONDS).map(|number| {
            let pipeline = pipeline.clone();
            async move {
                let at = Duration::from_secs(1) * number / load;
                tokio::time::sleep_until(begun + at).await;
                let deadline = Instant::now() + Duration::from_millis(patience);
                let context = context().with_deadline(deadline.into_std());
                pipeline.execute(&context, read()).await.is_ok()
            }
        });
        let ends = join_all(calls).await;
        let rest = SECONDS - FROM;
        let looked_at = usize::try_from(load * rest).unwrap();
        let good = ends
            .iter()
            .rev()
            .take(looked_at)
            .filter(|good| **good)
            .count();
        let peak = usize::try_from(100 * rest).unwrap();
        assert!(good * 10 >= peak * 9, "{patience} {load}: {good} of {peak}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_to_repeat_a_call_takes_nobodys_turn() {
    let rate = || unsigned(429, r#"{"code":"RATELIMIT_EXCEEDED","message":"m"}"#);
    let answers = [Ok(rate()), Ok(signed(200, CARD)), Ok(signed(200, CARD))];
    let (transport, sent) = scripted(answers);
    let settings = Settings {
        max_concurrent_calls: 1,
        ..Settings::default()
    };
    let pipeline = merchant(transport, settings);
    let begun = Instant::now();
    let limited = tokio::spawn({
        let pipeline = pipeline.clone();
        async move { pipeline.execute(&context(), read()).await.map(drop) }
    });
    while count(&sent) == 0 {
        tokio::task::yield_now().await;
    }
    pipeline
        .execute(&context(), read())
        .await
        .map(drop)
        .unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    limited.await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_no_place_for_its_repeat_says_what_it_saw() {
    let transport = crate::testing::slow(Duration::from_secs(4), |request| {
        Ok(match request.method.as_str() {
            "GET" => unsigned(502, "<html>Bad Gateway</html>"),
            _ => signed(204, ""),
        })
    });
    let settings = Settings {
        max_concurrent_calls: 1,
        ..Settings::default()
    };
    let pipeline = merchant(transport, settings);
    let other = pipeline.clone();
    let (failed, slow) = (context(), context());
    let (failed, slow) = tokio::join!(pipeline.execute(&failed, read()), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        other.execute(&slow, write()).await
    });
    // The other call has its turn at four seconds and needs until eight; nobody waits for more than two.
    slow.map(drop).unwrap();
    assert!(failed.err().unwrap().message().contains("502"));
}
