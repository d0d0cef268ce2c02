//! One call for identical reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Deadline};

use async_trait::async_trait;
use kabao_api::{CallContext, Error, Reason, Upstream};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, Operation, Scheme};
use tokio::time::{Instant, timeout_at};

use crate::flights::{Boarded, Flights, Key, Landed};
use crate::member_of;

/// What is told to whoever finds too many waiting.
const PAUSE: Duration = Duration::from_secs(1);

/// Stands around the pipeline of one account: identical reads in flight are one call.
///
/// - Reads are identical if operation and request are. Each caller keeps its own deadline; one that
///   leaves takes nothing from the others, and when the last one has left, the call ends.
/// - An answer is never older than the call that it belongs to, which began before some of those who
///   get it: at most two seconds before. A write of the member that has ended since, in this process,
///   sends whoever comes after it to a call of its own.
/// - Where answers are slow, no more than 256 callers of an account wait for others' reads; the next
///   are refused at once.
/// - Reads that are part of a write are never shared: what a new value is calculated from, and what
///   proves a write, is asked for anew.
pub struct Coalesced {
    inner: Arc<dyn Upstream>,
    flights: Arc<Flights>,
    joined: Joined,
}

/// How many reads were answered by the call of another one. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Joined(Arc<AtomicU64>);

impl Joined {
    /// Returns how many.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Coalesced {
    /// Puts it around a pipeline.
    pub fn new(inner: Arc<dyn Upstream>) -> Self {
        Self {
            inner,
            flights: Arc::default(),
            joined: Joined::default(),
        }
    }

    /// Counts what is shared with that of other accounts.
    #[must_use]
    pub fn counting(mut self, joined: &Joined) -> Self {
        self.joined = joined.clone();
        self
    }

    async fn share(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let key = Key::of(request.as_ref());
        let mut request = Some(request);
        loop {
            let start = || {
                // Whoever has asked before asks no more.
                if !context.take_expected()
                    && let Some(request) = request.as_deref()
                    && let Some(error) = self.inner.refusal(context, request)
                {
                    return Err(error);
                }
                let (inner, context) = (Arc::clone(&self.inner), context.clone().expected());
                let request = request.take();
                let member = request.as_deref().and_then(member_of);
                let read = async move {
                    match request {
                        Some(request) => inner.execute(&context, request).await,
                        None => Err(Error::new(Reason::Internal, "a read was started twice")),
                    }
                };
                Ok((member, read))
            };
            let (flight, seat) = match self.flights.board(&key, start) {
                Boarded::Own(flight) => (flight, None),
                Boarded::Joined(flight, seat) => {
                    self.joined.0.fetch_add(1, Ordering::Relaxed);
                    (flight, Some(seat))
                }
                Boarded::Full => return Err(crowded()),
                Boarded::Refused(error) => return Err(error),
            };
            let landed = in_time(context.deadline, flight.landed()).await?;
            drop(flight);
            let Some(landed) = landed else {
                return Err(Error::new(Reason::Internal, "a read came to no end"));
            };
            match landed.as_ref() {
                // Its caller had less time than this one has.
                Err(error) if seat.is_some() && error.reason() == Reason::DeadlineExceeded => {}
                _ => return own(landed),
            }
        }
    }
}

#[async_trait]
impl Upstream for Coalesced {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        if operation.effect == Effect::Write {
            let _written = Written {
                flights: &self.flights,
                member: member_of(request.as_ref()),
            };
            return self.inner.execute(context, request).await;
        }
        if is_alone(context, operation) {
            return self.inner.execute(context, request).await;
        }
        self.share(context, request).await
    }

    /// A read that can be joined begins nothing.
    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        let operation = request.operation();
        if operation.effect == Effect::Write || is_alone(context, operation) {
            return self.inner.refusal(context, request);
        }
        match self.flights.has(&Key::of(request)) {
            true => None,
            false => self.inner.refusal(context, request),
        }
    }
}

/// Tells whether a read is made for its caller alone: because it is part of a write, or its answer a credential.
fn is_alone(context: &CallContext, operation: &Operation) -> bool {
    let is_part_of_a_write = context.progress().is_followed() || context.entry().is_some();
    is_part_of_a_write || operation.scheme == Scheme::Credentials
}

/// Whatever became of a write, nobody who comes after it may be told what was read before.
struct Written<'a> {
    flights: &'a Flights,
    member: Option<String>,
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        self.flights.close(self.member.as_deref());
    }
}

fn crowded() -> Error {
    let message = "as many callers as may wait for slow answers to reads of this account";
    Error::new(Reason::Overloaded, message).with_retry_after(PAUSE)
}

async fn in_time<F: Future>(deadline: Option<Deadline>, future: F) -> Result<F::Output, Error> {
    let Some(deadline) = deadline else {
        return Ok(future.await);
    };
    timeout_at(Instant::from_std(deadline), future)
        .await
        .map_err(|_| {
            Error::new(
                Reason::DeadlineExceeded,
                "the deadline passed before the answer came",
            )
        })
}

/// The last one who was told takes the answer itself, the others copies.
fn own(landed: Arc<Landed>) -> Landed {
    match Arc::try_unwrap(landed) {
        Ok(landed) => landed,
        Err(shared) => match shared.as_ref() {
            Ok(answer) => Ok(answer.copied()),
            Err(error) => Err(error.copied()),
        },
    }
}
