//! Threads that sign, so that nothing else waits behind a signature.

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use kabao_api::{Error, Reason};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::turns::{Queued, Turns};
use super::{RequestSigner, Unsigned};
use crate::bounds::caller_left;
use crate::clock::Clock;
use crate::origin::Origin;
use crate::pipeline::call::Call;

/// So many requests wait for each thread at most: a quarter of a second of its work on a slow machine.
const WAITING_PER_THREAD: usize = 256;
/// What a request is told to wait that found no place.
const PAUSE: Duration = Duration::from_millis(250);

/// Threads that sign the requests of several clients, in turn by client.
///
/// A signature takes a processor as long as a hundred answers to callers do. A process that serves others hands
/// the same value to the builders of all its accounts, so that its runtime stays free for whatever needs
/// no signature; clones are the same value. Without it, a client signs where it is called.
///
/// The threads start with the first signature and end with the last client.
#[derive(Clone)]
pub struct SigningThreads(Arc<Pool>);

struct Pool {
    shared: Arc<Shared>,
    threads: NonZeroUsize,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    turns: Turns<Waiting>,
    clients: u64,
    running: usize,
    ends: bool,
}

/// A request that is to be signed.
struct Waiting {
    order: Order,
    /// When nobody waits for it any more.
    deadline: Instant,
    reply: oneshot::Sender<Result<HeaderValue, Error>>,
}

impl SigningThreads {
    /// As many threads as there are processors, but one, which is left to everything else; at least one.
    pub fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(processors.saturating_sub(1));
        Self::with(threads.unwrap_or(NonZeroUsize::MIN))
    }

    /// So many threads.
    pub fn with(threads: NonZeroUsize) -> Self {
        let capacity = threads.get().saturating_mul(WAITING_PER_THREAD);
        Self(Arc::new(Pool {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    turns: Turns::new(capacity),
                    clients: 0,
                    running: 0,
                    ends: false,
                }),
                wake: Condvar::new(),
            }),
            threads,
        }))
    }

    /// Takes in one more client.
    pub(crate) fn seat(&self) -> Seat {
        let mut state = self.0.shared.lock();
        state.clients += 1;
        Seat {
            pool: Arc::clone(&self.0),
            number: state.clients,
        }
    }
}

impl Default for SigningThreads {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SigningThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningThreads")
            .field("threads", &self.0.threads)
            .finish_non_exhaustive()
    }
}

/// The place of one client.
pub(crate) struct Seat {
    pool: Arc<Pool>,
    number: u64,
}

impl Seat {
    /// Has a request signed. Whoever leaves meanwhile, or whose time is up, costs no signature.
    async fn sign(&self, order: Order, call: &Call) -> Result<HeaderValue, Error> {
        let (reply, signed) = oneshot::channel();
        let waiting = Waiting {
            order,
            deadline: call.bounds.deadline,
            reply,
        };
        if let Some(unserved) = self.pool.push(self.number, waiting) {
            // No thread could be started: better slowly than not at all.
            return unserved.order.sign();
        }
        match call.progress.unless_abandoned(signed).await {
            Some(Ok(result)) => result,
            Some(Err(_)) if call.bounds.remaining().is_zero() => Err(call
                .bounds
                .timed_out("while the call waited for a signature")),
            Some(Err(_)) => Err(Error::new(
                Reason::Internal,
                "the request was not signed: the thread that signs is gone",
            )),
            None => Err(caller_left()),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.shared.lock().turns.leave(self.number);
    }
}

impl Pool {
    /// Queues a request; it comes back if there is nobody to sign it.
    fn push(&self, client: u64, waiting: Waiting) -> Option<Waiting> {
        let mut state = self.shared.lock();
        while state.running < self.threads.get() {
            let shared = Arc::clone(&self.shared);
            let name = format!("kabao-signing-{}", state.running);
            match thread::Builder::new()
                .name(name)
                .spawn(move || shared.serve())
            {
                Ok(_) => state.running += 1,
                Err(error) if state.running == 0 => {
                    tracing::warn!(%error, "no thread that signs could be started");
                    return Some(waiting);
                }
                Err(_) => break,
            }
        }
        let refused = match state.turns.push(client, waiting) {
            Queued::Waits => None,
            Queued::InPlaceOf(other) | Queued::Refused(other) => Some(other),
        };
        drop(state);
        self.shared.wake.notify_one();
        if let Some(refused) = refused {
            let error = Error::new(Reason::Overloaded, "too many requests wait for a signature");
            let _ = refused.reply.send(Err(error.with_retry_after(PAUSE)));
        }
        None
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    /// What a thread does until the end.
    fn serve(&self) {
        while let Some(waiting) = self.next() {
            if waiting.reply.is_closed() || waiting.deadline <= Instant::now() {
                continue;
            }
            // A panic is told by the closed channel, and the thread goes on.
            let signed = catch_unwind(AssertUnwindSafe(|| waiting.order.sign()));
            if let Ok(signed) = signed {
                let _ = waiting.reply.send(signed);
            }
        }
    }

    /// Waits for the next request; `None` at the end.
    fn next(&self) -> Option<Waiting> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.turns.pop() {
                return Some(next);
            }
            if state.ends {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Every change leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the requests of a client are signed.
pub(crate) enum Signing {
    /// Where the client is called.
    Inline,
    /// On threads of their own.
    Threads(Seat),
}

impl Signing {
    /// Makes the `Authorization` header of a request.
    pub(crate) async fn authorize(
        &self,
        signer: &Arc<RequestSigner>,
        clock: &Arc<dyn Clock>,
        request: &Unsigned<'_>,
        call: &Call,
    ) -> Result<HeaderValue, Error> {
        match self {
            Self::Inline => signer.authorize(clock.as_ref(), request),
            Self::Threads(seat) => {
                let order = Order {
                    signer: Arc::clone(signer),
                    clock: Arc::clone(clock),
                    origin: request.origin.clone(),
                    method: request.method.clone(),
                    target: request.target.to_owned(),
                    signed: request.signed.clone(),
                };
                seat.sign(order, call).await
            }
        }
    }
}

/// A request that is to be signed, with all that it takes.
struct Order {
    signer: Arc<RequestSigner>,
    clock: Arc<dyn Clock>,
    origin: Origin,
    method: Method,
    target: String,
    signed: Bytes,
}

impl Order {
    fn sign(&self) -> Result<HeaderValue, Error> {
        let request = Unsigned {
            origin: &self.origin,
            method: &self.method,
            target: &self.target,
            signed: &self.signed,
        };
        self.signer.authorize(self.clock.as_ref(), &request)
    }
}

#[cfg(test)]
mod tests;
