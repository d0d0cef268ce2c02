//! What a private key does for a call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use kabao_api::{Error, Reason};
use kabao_auth::PrivateKey;
use kabao_models::AnyAnswer;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Unsigned;
use super::key::{RequestSigner, decrypt};
use crate::clock::Clock;
use crate::origin::Origin;

/// What a request is told to wait that found no place.
const PAUSE: Duration = Duration::from_millis(250);

/// Work for a thread of its own.
pub(super) trait Job: Send {
    /// Tells whether somebody still waits for it.
    fn is_wanted(&self) -> bool;

    /// Does it, and tells who waits.
    fn run(self: Box<Self>);

    /// Tells who waits that there was no place for it.
    fn refuse(self: Box<Self>);
}

/// A request that is to be signed, with all that it takes.
pub(super) struct Signature {
    signer: Arc<RequestSigner>,
    private_key: PrivateKey,
    clock: Arc<dyn Clock>,
    origin: Origin,
    method: Method,
    target: String,
    signed: Bytes,
    /// When nobody waits for it any more.
    deadline: Instant,
    reply: oneshot::Sender<Result<HeaderValue, Error>>,
}

impl Signature {
    pub(super) fn new(
        signer: &Arc<RequestSigner>,
        private_key: &PrivateKey,
        clock: &Arc<dyn Clock>,
        request: &Unsigned<'_>,
        deadline: Instant,
        reply: oneshot::Sender<Result<HeaderValue, Error>>,
    ) -> Self {
        Self {
            signer: Arc::clone(signer),
            private_key: private_key.clone(),
            clock: Arc::clone(clock),
            origin: request.origin.clone(),
            method: request.method.clone(),
            target: request.target.to_owned(),
            signed: request.signed.clone(),
            deadline,
            reply,
        }
    }
}

impl Job for Signature {
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed() && Instant::now() < self.deadline
    }

    fn run(self: Box<Self>) {
        let request = Unsigned {
            origin: &self.origin,
            method: &self.method,
            target: &self.target,
            signed: &self.signed,
        };
        let (key, clock) = (&self.private_key, self.clock.as_ref());
        let signed = self.signer.authorize_here(key, clock, &request);
        // Whoever has left does not hear it.
        let _ = self.reply.send(signed);
    }

    fn refuse(self: Box<Self>) {
        let error = Error::new(Reason::Overloaded, "too many requests wait for a signature");
        let _ = self.reply.send(Err(error.with_retry_after(PAUSE)));
    }
}

/// An answer whose fields came encrypted. It is there already, so it is never refused.
pub(super) struct Decryption {
    pub(super) answer: Box<dyn AnyAnswer>,
    pub(super) private_key: PrivateKey,
    pub(super) reply: oneshot::Sender<Box<dyn AnyAnswer>>,
}

impl Job for Decryption {
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(mut self: Box<Self>) {
        decrypt(self.answer.as_mut(), &self.private_key);
        let Self { answer, reply, .. } = *self;
        let _ = reply.send(answer);
    }

    fn refuse(self: Box<Self>) {
        self.run();
    }
}
