use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use super::*;
use crate::clock::{Clock, MockClock};
use crate::testing::{Memory, NOW, Sent, answering, hosts, route, unsigned};
use crate::transport::Transport;

/// The place of the token in the store.
fn at() -> String {
    place(&hosts().main, "wx0123456789abcdef", TokenMode::Stable)
}

/// Several processes with one store, and a WeChat that gives a new token from five minutes before the end of the old
/// one, or when it is forced to.
struct Bench {
    replicas: Vec<Arc<TokenSource>>,
    memory: Arc<Memory>,
    sent: Sent,
    /// Seconds since the begin.
    elapsed: Arc<AtomicI64>,
}

impl Bench {
    fn new(count: usize) -> Self {
        let elapsed = Arc::new(AtomicI64::new(0));
        let moment = Arc::clone(&elapsed);
        let issued = std::sync::Mutex::new((0_u32, i64::MIN));
        let (transport, sent) = answering(move |request| {
            let forced = String::from_utf8_lossy(&request.body).contains("force_refresh");
            let now = moment.load(Ordering::SeqCst);
            let mut issued = issued.lock().unwrap();
            let ends = issued.1.saturating_add(7200);
            if forced || ends.saturating_sub(now) < 300 {
                *issued = (issued.0 + 1, now);
            }
            let left = issued.1 + 7200 - now;
            Ok(unsigned(
                200,
                &format!(r#"{{"access_token":"T{}","expires_in":{left}}}"#, issued.0),
            ))
        });
        let memory = Arc::new(Memory::default());
        let mut bench = Self {
            replicas: Vec::new(),
            memory,
            sent,
            elapsed,
        };
        for index in 0..count {
            bench.join(&transport, u32::try_from(index).unwrap() * 300);
        }
        bench
    }

    fn join(&mut self, transport: &Arc<dyn Transport>, jitter: u32) {
        let mut clock = MockClock::new();
        let elapsed = Arc::clone(&self.elapsed);
        clock
            .expect_unix_seconds()
            .returning(move || NOW + elapsed.load(Ordering::SeqCst));
        clock.expect_jitter().returning(move || jitter);
        let source = replica(transport, Arc::new(clock));
        source.shelf().use_store(Arc::<Memory>::clone(&self.memory));
        self.replicas.push(source);
    }

    async fn advance(&self, seconds: i64) {
        self.elapsed.fetch_add(seconds, Ordering::SeqCst);
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap());
        tokio::time::advance(seconds).await;
    }

    fn fetches(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    async fn token(&self, index: usize) -> String {
        let token = self.replicas[index].token().await.unwrap();
        token.value.expose().to_owned()
    }

    /// The tokens of all, after everything that goes on beside has ended.
    async fn tokens(&self) -> Vec<String> {
        let mut tokens = Vec::new();
        for index in 0..self.replicas.len() {
            self.token(index).await;
        }
        settle().await;
        // Longer than anybody waits between two looks.
        self.advance(1).await;
        settle().await;
        for index in 0..self.replicas.len() {
            tokens.push(self.token(index).await);
        }
        tokens
    }
}

/// Lets what goes on beside go as far as it can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn replica(transport: &Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Arc<TokenSource> {
    Arc::new(TokenSource::new(
        Arc::clone(transport),
        hosts(),
        route(&hosts()),
        "wx0123456789abcdef".to_owned(),
        "app-secret".into(),
        TokenMode::Stable,
        clock,
    ))
}

#[tokio::test(start_paused = true)]
async fn three_processes_fetch_one_token_per_expiry() {
    let bench = Bench::new(3);
    let mut fetched = 0;
    for round in 1..=5 {
        assert_eq!(
            bench.tokens().await,
            vec![format!("T{round}"); 3],
            "all have one"
        );
        fetched += 1;
        assert_eq!(bench.fetches(), fetched, "one fetch per expiry");
        // Each renews it by itself, at moments of their own, and finds what the first one has fetched.
        bench.advance(6930).await;
        for _ in 0..90 {
            for index in 0..3 {
                bench.token(index).await;
            }
            bench.advance(1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_callers_of_three_processes_at_once_lead_to_one_fetch() {
    let bench = Bench::new(3);
    let callers = (0..30).map(|number| {
        let source = Arc::clone(&bench.replicas[number % 3]);
        tokio::spawn(async move { source.token().await.unwrap().value.expose().to_owned() })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.unwrap(), "T1");
    }
    assert_eq!(bench.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_living_token_asks_neither_wechat_nor_the_store() {
    let bench = Bench::new(1);
    bench.token(0).await;
    bench.memory.until_released(&at()).await;
    let (questions, fetches) = (bench.memory.questions(), bench.fetches());
    for _ in 0..50 {
        bench.token(0).await;
        bench.advance(60).await;
    }
    assert_eq!(
        (bench.memory.questions(), bench.fetches()),
        (questions, fetches)
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_the_token_of_the_store_and_renews_it_in_time() {
    let mut bench = Bench::new(1);
    bench.token(0).await;
    bench.memory.until_released(&at()).await;
    bench.advance(3600).await;
    let dead: Arc<dyn Transport> = answering(|_| panic!("nothing is fetched")).0;
    bench.join(&dead, 0);
    let restored = bench.replicas[1].token().await.unwrap();
    assert_eq!(restored.value.expose(), "T1");
    assert_eq!(restored.valid_for(), Duration::from_secs(3600));
    let renews = bench.replicas[1].look().renews_in.unwrap();
    assert_eq!(renews, Duration::from_secs(3600 - 240));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_refreshed_by_one_and_read_by_the_others() {
    let bench = Bench::new(3);
    bench.tokens().await;
    let mut held = Vec::new();
    for replica in &bench.replicas {
        let token = replica.token().await.unwrap();
        token.worked();
        held.push(token);
    }
    // WeChat has ended the token, and all three learn it at once.
    for (replica, token) in bench.replicas.iter().zip(&held) {
        replica.refused(token).await;
    }
    let before = bench.fetches();
    let (a, b, c) = tokio::join!(bench.token(0), bench.token(1), bench.token(2));
    assert_eq!([a, b, c], ["T2"; 3]);
    // It hands out the old one until it is forced to give another.
    assert_eq!(bench.fetches(), before + 2);
    // Whoever hears a late refusal of the old one has a newer one already.
    for (replica, token) in bench.replicas.iter().zip(&held) {
        replica.refused(token).await;
        assert_eq!(replica.token().await.unwrap().value.expose(), "T2");
    }
    assert_eq!(bench.fetches(), before + 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_learns_late_of_a_refusal_reads_what_was_fetched_meanwhile() {
    let bench = Bench::new(2);
    bench.tokens().await;
    let old = bench.replicas[1].token().await.unwrap();
    let first = bench.replicas[0].token().await.unwrap();
    bench.replicas[0].refused(&first).await;
    assert_eq!(bench.token(0).await, "T2");
    bench.memory.until_released(&at()).await;
    let before = bench.fetches();
    bench.replicas[1].refused(&old).await;
    assert_eq!(bench.token(1).await, "T2");
    assert_eq!(bench.fetches(), before);
}

#[tokio::test(start_paused = true)]
async fn an_older_token_of_the_store_is_never_taken_for_one_that_was_refused() {
    let bench = Bench::new(1);
    let source = &bench.replicas[0];
    for round in 1..=4 {
        let token = source.token().await.unwrap();
        assert_eq!(token.value.expose(), format!("T{round}"));
        token.worked();
        // WeChat ends it before it lies in the store, where the one before still is.
        source.refused(&token).await;
        bench.advance(61).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_goes_on_with_its_token_and_fetches_for_itself() {
    let bench = Bench::new(2);
    bench.tokens().await;
    bench.memory.set_broken(true);
    for (_, expected) in [(1, "T1"), (2, "T1")] {
        assert_eq!(bench.tokens().await, [expected; 2]);
    }
    assert_eq!(bench.fetches(), 1);
    bench.advance(6990).await;
    assert_eq!(bench.tokens().await, ["T2"; 2]);
    assert_eq!(bench.fetches(), 3);
    bench.memory.set_broken(false);
    bench.advance(6990).await;
    assert_eq!(bench.tokens().await, ["T3"; 2]);
    assert_eq!(bench.fetches(), 4, "one for both again");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_hangs_with_the_right_holds_up_the_others_for_a_moment_only() {
    let bench = Bench::new(1);
    bench.memory.hold(&at());
    let begin = Instant::now();
    assert_eq!(bench.token(0).await, "T1");
    let waited = begin.elapsed();
    assert!(
        waited >= PATIENCE && waited < PATIENCE + 2 * LOOK,
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_gives_the_right_to_the_next_one() {
    let fails = Arc::new(AtomicU32::new(1));
    let rest = Arc::clone(&fails);
    let (transport, _) = answering(move |_| {
        let fails = rest.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
        Ok(match fails {
            Ok(_) => unsigned(500, ""),
            Err(_) => unsigned(200, r#"{"access_token":"T","expires_in":7200}"#),
        })
    });
    let mut bench = Bench::new(0);
    bench.join(&transport, 0);
    bench.join(&transport, 0);
    assert!(bench.replicas[0].token().await.is_err());
    bench.memory.until_released(&at()).await;
    assert_eq!(bench.token(1).await, "T");
    bench.advance(2).await;
    assert_eq!(bench.token(0).await, "T");
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_the_store_beyond_its_life_is_not_taken() {
    for (fetched_at, lifetime, expected) in [
        (NOW, 7200, "OLD"),
        (NOW - 6900, 7200, "OLD"),
        (NOW - 6960, 7200, "T1"),
        (NOW - 8000, 7200, "T1"),
        // A process whose clock is ahead: never older than it can be.
        (NOW + 600, 7200, "OLD"),
        (i64::MIN, 7200, "T1"),
        (NOW, 0, "T1"),
    ] {
        let bench = Bench::new(1);
        let payload = format!(
            r#"{{"version":1,"content":{{"value":"OLD","fetched_at":{fetched_at},"lifetime":{lifetime}}}}}"#
        );
        bench.memory.set(&at(), payload.as_bytes());
        assert_eq!(bench.token(0).await, expected, "{fetched_at} {lifetime}");
    }
}
