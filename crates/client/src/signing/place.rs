//! Where the private keys of a client are used.

use std::sync::Arc;

use http::HeaderValue;
use kabao_api::Error;
use kabao_models::{AnyAnswer, Record, Sensitive};
use tokio::time::timeout_at;

use super::Unsigned;
use super::key::{Key, RequestSigner, decrypt};
use super::remote::Remote;
use super::threads::{Seat, late_for};
use crate::bounds::caller_left;
use crate::call::Call;
use crate::clock::Clock;

/// Where the private keys of a client are used, as far as they lie in this process.
pub(crate) enum Signing {
    /// Where the client is called.
    Inline,
    /// On threads of their own.
    Threads(Seat),
}

impl Signing {
    /// How much waits for a thread.
    pub(crate) fn queued(&self) -> usize {
        match self {
            Self::Inline => 0,
            Self::Threads(seat) => seat.waiting(),
        }
    }

    /// Makes the `Authorization` header of a request. Only a key of this process takes a thread.
    pub(crate) async fn authorize(
        &self,
        signer: &Arc<RequestSigner>,
        clock: &Arc<dyn Clock>,
        request: &Unsigned<'_>,
        call: &Call,
    ) -> Result<HeaderValue, Error> {
        match (signer.key(), self) {
            (Key::Here(key), Self::Inline) => signer.authorize_here(key, clock.as_ref(), request),
            (Key::Here(key), Self::Threads(seat)) => {
                seat.sign(signer, key, clock, request, call).await
            }
            (Key::Elsewhere(_), _) => {
                let signed = signer.authorize(clock.as_ref(), request);
                let signed = timeout_at(call.bounds.deadline, signed);
                match call.progress.unless_abandoned(signed).await {
                    Some(Ok(signed)) => signed,
                    Some(Err(_)) => Err(late_for(call)),
                    None => Err(caller_left()),
                }
            }
        }
    }

    /// Decrypts the fields of an answer that came encrypted, each of which takes as long as a signature: with the first
    /// key of `keys` that can.
    ///
    /// A field that none decrypts stays as it was received. A key that lies elsewhere and cannot be asked fails a read;
    /// a write has happened, so its answer is never refused for that.
    pub(crate) async fn decrypt(
        &self,
        mut answer: Box<dyn AnyAnswer>,
        keys: impl Iterator<Item = &Key>,
        call: &Call,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let mut failed: Option<(&Remote, Error)> = None;
        for key in keys {
            if !is_encrypted(answer.as_mut()) {
                return Ok(answer);
            }
            match (key, self) {
                (Key::Here(key), Self::Inline) => decrypt(answer.as_mut(), key),
                (Key::Here(key), Self::Threads(seat)) => answer = seat.decrypt(answer, key).await?,
                (Key::Elsewhere(remote), _) => {
                    let decrypted = remote.decrypt(answer.as_mut()).await;
                    if let Err(error) = decrypted {
                        failed = Some((remote, error));
                    }
                }
            }
        }
        match failed {
            // Another key may have decrypted what this one could not be asked about.
            Some((remote, error)) if remote.may_decrypt(answer.as_mut()) => {
                refuse_read(error, call).map(|()| answer)
            }
            _ => Ok(answer),
        }
    }
}

/// Decrypts the fields of a notification, where it is called: they are few, and nobody waits for them in a row.
///
/// A field that no key decrypts stays as it was received. A key that lies elsewhere and cannot be asked fails it, since
/// it comes again.
pub(crate) async fn decrypt_fields(
    notification: &mut dyn Record,
    keys: impl Iterator<Item = &Key>,
) -> Result<(), Error> {
    let mut failed: Option<(&Remote, Error)> = None;
    for key in keys {
        match key {
            Key::Here(key) => decrypt(notification, key),
            Key::Elsewhere(remote) => {
                if let Err(error) = remote.decrypt(notification).await {
                    failed = Some((remote, error));
                }
            }
        }
    }
    match failed {
        Some((remote, error)) if remote.may_decrypt(notification) => Err(error),
        _ => Ok(()),
    }
}

fn is_encrypted(answer: &mut dyn AnyAnswer) -> bool {
    let mut encrypted = false;
    answer.visit_sensitive(&mut |field| {
        encrypted |= matches!(field, Sensitive::Encrypted(_));
    });
    encrypted
}

fn refuse_read(error: Error, call: &Call) -> Result<(), Error> {
    if !call.sending.is_write() {
        return Err(error);
    }
    tracing::warn!(
        operation = call.sending.operation.id,
        account = %call.account,
        request_id = %call.id,
        reason = error.reason().as_str(),
        "fields of an answer stay encrypted: {}",
        error.message()
    );
    Ok(())
}
