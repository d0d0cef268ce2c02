//! Name resolution with grace: while names cannot be resolved, the last good addresses are used. Those that ask at once
//! for the same name ask once: however many accounts start, WeChat has few names, and resolvers drop what comes in bursts.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tokio::time::{Instant, timeout};
use tower_service::Service;

/// For how long addresses are used after the last good answer.
const GRACE: Duration = Duration::from_secs(10 * 60);
/// A name is asked for at most so often while there are addresses for it.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long an answer may take while there are addresses.
const PATIENCE: Duration = Duration::from_secs(1);

/// Resolves names, and remembers. Clones share what they know.
#[derive(Clone)]
pub(crate) struct GraceResolver<R = GaiResolver> {
    inner: R,
    names: Arc<Mutex<Names>>,
}

#[derive(Default)]
struct Names {
    known: HashMap<Name, Known>,
    asked: HashMap<Name, Asked>,
}

/// The last good answer.
struct Known {
    addresses: Vec<SocketAddr>,
    answered_at: Instant,
    asked_at: Instant,
}

/// A question that may be on its way, as long as somebody waits for it.
struct Asked {
    answer: WeakShared<Asking>,
    at: Instant,
}

type Asking = BoxFuture<'static, Answer>;

/// An error is one for all who have waited.
type Answer = Result<Vec<SocketAddr>, Arc<io::Error>>;

impl Names {
    /// Returns the question that is on its way, unless it has hung for so long that another one may fare better.
    fn on_its_way(&self, name: &Name, now: Instant) -> Option<Shared<Asking>> {
        let asked = self.asked.get(name)?;
        let is_young = now.duration_since(asked.at) < INTERVAL;
        let answer = asked.answer.upgrade().filter(|_| is_young)?;
        answer.peek().is_none().then_some(answer)
    }
}

impl Default for GraceResolver {
    fn default() -> Self {
        Self::new(GaiResolver::new())
    }
}

impl<R> GraceResolver<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            names: Arc::default(),
        }
    }

    /// Returns the addresses that are used if there is no answer, and whether it is not even asked for.
    fn fallback(&self, name: &Name, now: Instant) -> Option<(Vec<SocketAddr>, bool)> {
        let mut names = self.lock();
        let known = names.known.get_mut(name)?;
        if now.duration_since(known.answered_at) >= GRACE {
            names.known.remove(name);
            return None;
        }
        let was_just_asked = now.duration_since(known.asked_at) < INTERVAL;
        if !was_just_asked {
            known.asked_at = now;
        }
        Some((known.addresses.clone(), was_just_asked))
    }

    fn learn(&self, name: Name, addresses: &[SocketAddr]) {
        let now = Instant::now();
        let known = Known {
            addresses: addresses.to_vec(),
            answered_at: now,
            asked_at: now,
        };
        self.lock().known.insert(name, known);
    }

    /// Every change leaves the maps whole.
    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> GraceResolver<R>
where
    R: Service<Name, Error = io::Error> + Clone + Send + 'static,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send,
{
    /// Asks, unless somebody is asking already.
    fn ask(&mut self, name: Name, now: Instant) -> Shared<Asking> {
        let mut names = self.lock();
        if let Some(asking) = names.on_its_way(&name, now) {
            return asking;
        }
        let (mut inner, resolver) = (self.inner.clone(), self.clone());
        let asked = name.clone();
        let asking = async move {
            std::future::poll_fn(|context| inner.poll_ready(context)).await?;
            let addresses: Vec<_> = inner.call(asked.clone()).await?.collect();
            if !addresses.is_empty() {
                resolver.learn(asked, &addresses);
            }
            Ok(addresses)
        };
        let asking = asking.boxed().shared();
        if let Some(answer) = asking.downgrade() {
            names.asked.insert(name, Asked { answer, at: now });
        }
        asking
    }
}

type Addresses = std::vec::IntoIter<SocketAddr>;

impl<R> Service<Name> for GraceResolver<R>
where
    R: Service<Name, Error = io::Error> + Clone + Send + 'static,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send,
{
    type Response = Addresses;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Addresses>> + Send>>;

    /// A question waits for its turn itself.
    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let now = Instant::now();
        let fallback = match self.fallback(&name, now) {
            Some((addresses, true)) => {
                return Box::pin(std::future::ready(Ok(addresses.into_iter())));
            }
            Some((addresses, false)) => Some(addresses),
            None => None,
        };
        let asking = self.ask(name.clone(), now);
        Box::pin(async move {
            let answer = match &fallback {
                None => asking.await,
                Some(_) => timeout(PATIENCE, asking)
                    .await
                    .unwrap_or_else(|_| Err(Arc::new(io::ErrorKind::TimedOut.into()))),
            };
            match (answer, fallback) {
                (Ok(addresses), _) if !addresses.is_empty() => Ok(addresses.into_iter()),
                (answer, Some(addresses)) => {
                    tracing::warn!(
                        host = name.as_str(),
                        error = answer.err().map(|error| error.to_string()),
                        "the name cannot be resolved; its last addresses are used"
                    );
                    Ok(addresses.into_iter())
                }
                (answer, None) => {
                    let addresses = answer.map_err(|error| io::Error::new(error.kind(), error))?;
                    Ok(addresses.into_iter())
                }
            }
        })
    }
}

impl<R> fmt::Debug for GraceResolver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraceResolver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// Answers as told: with an address of this number, not at all, or with a failure.
    #[derive(Clone, Default)]
    struct Script {
        answer: Arc<Mutex<Answer>>,
        asked: Arc<AtomicUsize>,
    }

    #[derive(Clone, Copy, Default)]
    enum Answer {
        #[default]
        Failure,
        Silence,
        Nothing,
        Address(u8),
    }

    impl Service<Name> for Script {
        type Response = Addresses;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = io::Result<Addresses>> + Send>>;

        fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let answer = *self.answer.lock().unwrap();
            Box::pin(async move {
                match answer {
                    Answer::Failure => Err(io::Error::other("no such host")),
                    Answer::Silence => std::future::pending().await,
                    Answer::Nothing => Ok(Vec::new().into_iter()),
                    Answer::Address(last) => Ok(vec![address(last)].into_iter()),
                }
            })
        }
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 0))
    }

    struct Bench {
        resolver: GraceResolver<Script>,
        script: Script,
    }

    impl Bench {
        fn new() -> Self {
            let script = Script::default();
            Self {
                resolver: GraceResolver::new(script.clone()),
                script,
            }
        }

        async fn resolve(&mut self, answer: Answer) -> Option<SocketAddr> {
            *self.script.answer.lock().unwrap() = answer;
            let name = "api.mch.weixin.qq.com".parse().unwrap();
            self.resolver.call(name).await.ok()?.next()
        }

        /// So many that ask for a name at once.
        fn at_once(&mut self, number: usize, answer: Answer) -> Vec<Asking> {
            *self.script.answer.lock().unwrap() = answer;
            let name: Name = "api.mch.weixin.qq.com".parse().unwrap();
            let asking = (0..number).map(|_| self.resolver.call(name.clone()));
            asking.collect()
        }

        fn asked(&self) -> usize {
            self.script.asked.load(Ordering::SeqCst)
        }
    }

    type Asking = <GraceResolver<Script> as Service<Name>>::Future;

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_addresses_serve_for_ten_minutes_and_no_longer() {
        for fault in [Answer::Failure, Answer::Silence, Answer::Nothing] {
            let mut bench = Bench::new();
            assert_eq!(
                bench.resolve(Answer::Failure).await,
                None,
                "none were known"
            );
            assert_eq!(bench.resolve(Answer::Address(1)).await, Some(address(1)));
            for _ in 0..5 {
                pass(110).await;
                let begun = Instant::now();
                assert_eq!(bench.resolve(fault).await, Some(address(1)));
                assert!(begun.elapsed() <= PATIENCE);
            }
            pass(50).await;
            assert_eq!(bench.resolve(Answer::Failure).await, None);
            assert_eq!(bench.resolve(Answer::Address(2)).await, Some(address(2)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_addresses_are_taken_and_a_name_is_asked_for_once_a_second() {
        let mut bench = Bench::new();
        assert_eq!(bench.resolve(Answer::Address(1)).await, Some(address(1)));
        for _ in 0..100 {
            assert_eq!(bench.resolve(Answer::Address(2)).await, Some(address(1)));
        }
        assert_eq!(bench.asked(), 1);
        pass(1).await;
        assert_eq!(bench.resolve(Answer::Address(2)).await, Some(address(2)));
        pass(1).await;
        for _ in 0..100 {
            assert_eq!(bench.resolve(Answer::Failure).await, Some(address(2)));
        }
        assert_eq!(bench.asked(), 3, "no storm while it fails");
    }
    #[tokio::test(start_paused = true)]
    async fn those_that_ask_at_once_ask_once() {
        let mut bench = Bench::new();
        for refused in join_all(bench.at_once(100, Answer::Failure)).await {
            assert_eq!(refused.unwrap_err().to_string(), "no such host");
        }
        assert_eq!(bench.asked(), 1);
        // What has failed is not remembered.
        for addresses in join_all(bench.at_once(100, Answer::Address(1))).await {
            assert_eq!(addresses.unwrap().next(), Some(address(1)));
        }
        assert_eq!(bench.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_outlives_the_first_that_asked_and_is_given_up_with_the_last() {
        let mut bench = Bench::new();
        let mut asking = bench.at_once(2, Answer::Address(1));
        drop(asking.remove(0));
        let answer = asking.remove(0).await;
        assert_eq!(answer.unwrap().next(), Some(address(1)));
        assert_eq!(bench.asked(), 1);

        let mut bench = Bench::new();
        for asking in bench.at_once(2, Answer::Silence) {
            assert!(timeout(Duration::ZERO, asking).await.is_err());
        }
        assert_eq!(bench.resolve(Answer::Address(2)).await, Some(address(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_hangs_is_waited_for_by_nobody_who_comes_later() {
        let mut bench = Bench::new();
        let mut hanging = bench.at_once(1, Answer::Silence).remove(0);
        assert!(timeout(INTERVAL, &mut hanging).await.is_err());
        assert_eq!(bench.resolve(Answer::Address(1)).await, Some(address(1)));
        assert_eq!(bench.asked(), 2);
    }
}
