//! Threads that sign, so that nothing else waits behind a signature.

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use http::HeaderValue;
use kabao_api::{Error, Reason};
use kabao_auth::PrivateKey;
use kabao_models::AnyAnswer;
use tokio::sync::oneshot;

use super::job::{Decryption, Job, Signature};
use super::turns::{Queued, Turns};
use super::{RequestSigner, Unsigned};
use crate::bounds::caller_left;
use crate::call::Call;
use crate::clock::Clock;

/// So many requests wait for each thread at most: a quarter of a second of its work on a slow machine.
const WAITING_PER_THREAD: usize = 256;

/// Threads that sign the requests of several clients, in turn by client.
///
/// A signature takes a processor as long as a hundred answers to callers do, and so does the decryption of a field. A process that serves others hands
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
    turns: Turns<Box<dyn Job>>,
    clients: u64,
    running: usize,
    ends: bool,
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
    pub(super) async fn sign(
        &self,
        signer: &Arc<RequestSigner>,
        private_key: &PrivateKey,
        clock: &Arc<dyn Clock>,
        request: &Unsigned<'_>,
        call: &Call,
    ) -> Result<HeaderValue, Error> {
        let (reply, signed) = oneshot::channel();
        let deadline = call.bounds.deadline;
        let signature = Signature::new(signer, private_key, clock, request, deadline, reply);
        self.pool.push(self.number, Box::new(signature));
        match call.progress.unless_abandoned(signed).await {
            Some(Ok(result)) => result,
            Some(Err(_)) if call.bounds.remaining().is_zero() => Err(late_for(call)),
            Some(Err(_)) => Err(Error::new(
                Reason::Internal,
                "the request was not signed: whatever signs has panicked",
            )),
            None => Err(caller_left()),
        }
    }

    /// Has an answer decrypted.
    pub(super) async fn decrypt(
        &self,
        answer: Box<dyn AnyAnswer>,
        private_key: &PrivateKey,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let (reply, decrypted) = oneshot::channel();
        let decryption = Decryption {
            answer,
            private_key: private_key.clone(),
            reply,
        };
        self.pool.push(self.number, Box::new(decryption));
        decrypted.await.map_err(|_| {
            let message = "the answer was not decrypted: whatever decrypts has panicked";
            Error::new(Reason::Internal, message).mark_may_have_executed()
        })
    }

    /// How much waits for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.pool.shared.lock().turns.waiting(self.number)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.shared.lock().turns.leave(self.number);
    }
}

impl Pool {
    /// Queues a job. Without any thread it is done at once: better slowly than not at all.
    fn push(&self, client: u64, job: Box<dyn Job>) {
        let mut state = self.shared.lock();
        while state.running < self.threads.get() {
            let shared = Arc::clone(&self.shared);
            let name = format!("kabao-signing-{}", state.running);
            match thread::Builder::new()
                .name(name)
                .spawn(move || shared.serve())
            {
                Ok(_) => state.running += 1,
                Err(error) => {
                    tracing::warn!(%error, "a thread that signs could not be started");
                    break;
                }
            }
        }
        if state.running == 0 {
            drop(state);
            return job.run();
        }
        let refused = match state.turns.push(client, job) {
            Queued::Waits => None,
            Queued::InPlaceOf(other) | Queued::Refused(other) => Some(other),
        };
        drop(state);
        self.shared.wake.notify_one();
        if let Some(refused) = refused {
            refused.refuse();
        }
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
        while let Some(job) = self.next() {
            if job.is_wanted() {
                // A panic is told by the closed channel, and the thread goes on.
                let _ = catch_unwind(AssertUnwindSafe(|| job.run()));
            }
        }
    }

    /// Waits for the next job; `None` at the end.
    fn next(&self) -> Option<Box<dyn Job>> {
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

/// The error of whoever's time was up before there was a signature, wherever that is made.
pub(super) fn late_for(call: &Call) -> Error {
    call.bounds
        .timed_out("while the call waited for a signature")
}

#[cfg(test)]
mod tests;
