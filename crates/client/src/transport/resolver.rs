//! Name resolution with grace: while names cannot be resolved, the last good addresses are used.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

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
    known: Arc<Mutex<HashMap<Name, Known>>>,
}

/// The last good answer.
struct Known {
    addresses: Vec<SocketAddr>,
    answered_at: Instant,
    asked_at: Instant,
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
            known: Arc::default(),
        }
    }

    /// Returns the addresses that are used if there is no answer, and whether it is not even asked for.
    fn fallback(&self, name: &Name, now: Instant) -> Option<(Vec<SocketAddr>, bool)> {
        let mut all = self.lock();
        let known = all.get_mut(name)?;
        if now.duration_since(known.answered_at) >= GRACE {
            all.remove(name);
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
        self.lock().insert(name, known);
    }

    /// Every change leaves the map whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let fallback = match self.fallback(&name, Instant::now()) {
            Some((addresses, true)) => {
                return Box::pin(std::future::ready(Ok(addresses.into_iter())));
            }
            Some((addresses, false)) => Some(addresses),
            None => None,
        };
        let asking = self.inner.call(name.clone());
        let resolver = self.clone();
        Box::pin(async move {
            let answer = match &fallback {
                None => asking.await,
                Some(_) => timeout(PATIENCE, asking)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            };
            let answer = answer.map(Iterator::collect::<Vec<_>>);
            match (answer, fallback) {
                (Ok(addresses), _) if !addresses.is_empty() => {
                    resolver.learn(name, &addresses);
                    Ok(addresses.into_iter())
                }
                (answer, Some(addresses)) => {
                    tracing::warn!(
                        host = name.as_str(),
                        error = answer.err().map(|error| error.to_string()),
                        "the name cannot be resolved; its last addresses are used"
                    );
                    Ok(addresses.into_iter())
                }
                (answer, None) => answer.map(Vec::into_iter),
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

        fn asked(&self) -> usize {
            self.script.asked.load(Ordering::SeqCst)
        }
    }

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
}
