//! Attempts of one call: sign, send, verify, classify, and again if that is right.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_auth::{VerificationError, verify};
use kabao_models::encode_component;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::answer::{self, Accepted};
use super::credentials::{Proof, SignedCredential};
use super::flight::Flight;
use super::hint;
use super::retry::{Decision, Facts, decide};
use super::{Job, Pipeline, Place};
use crate::bounds::caller_left;
use crate::call::Call;
use crate::failure::{Certainty, Failure, named, outcome_unknown};
use crate::observer::Discarded;
use crate::route::Leg;
use crate::signing::{Unsigned, add_proof, common_headers};
use crate::token::TokenSource;
use crate::transport::{HttpRequest, HttpResponse};

impl Pipeline {
    /// Reads end with their deadline, wherever they are, and with the method that needs them.
    pub(super) async fn attempt_read(
        &self,
        call: &Call,
        job: &Job,
        place: Place,
    ) -> Result<Accepted, Error> {
        let read = timeout_at(call.bounds.deadline, self.attempts(call, job, place));
        match call.progress.unless_abandoned(read).await {
            Some(Ok(done)) => done,
            Some(Err(_)) => Err(call.bounds.timed_out("before the answer came")),
            None => Err(caller_left()),
        }
    }

    /// A write that was sent runs on to its end. When the time of its caller is up, the caller hears
    /// at once what is known then.
    pub(super) async fn attempt_write(
        &self,
        call: &Call,
        job: &Job,
        place: Place,
    ) -> Result<Accepted, Error> {
        let mut attempts = pin!(self.attempts(call, job, place));
        if let Ok(done) = timeout_at(call.bounds.deadline, attempts.as_mut()).await {
            return done;
        }
        let late = if call.progress.abandon() {
            let late = call.bounds.timed_out("before the request was sent");
            match call.entry {
                // It is written down as one that may be sent, and if that cannot be taken back, it will be.
                Some(_) => late.mark_may_have_executed(),
                None => late,
            }
        } else {
            let late = call.bounds.timed_out("before the answer came");
            outcome_unknown(call.sending, late)
        };
        if late.reason() == Reason::OutcomeUnknown {
            self.released(call);
        }
        call.progress.release(named(late, call.sending.operation));
        attempts.await
    }

    async fn attempts(&self, call: &Call, job: &Job, mut place: Place) -> Result<Accepted, Error> {
        let retry = &self.0.settings.retry;
        let mut earlier = Certainty::NotExecuted;
        let mut paid = 0;
        let mut attempt = 1;
        let mut last: Option<Failure> = None;
        loop {
            if let Err(late) = call.bounds.require_time(retry.min_attempt) {
                let failure = last.unwrap_or_else(|| Failure::refused(late));
                return Err(failure.conclude(call.sending, earlier));
            }
            // What this call has seen itself says more than that the host is left alone since.
            if let Some(failure) = last.take_if(|_| job.proof.route().require().is_err()) {
                return Err(failure.conclude(call.sending, earlier));
            }
            let started = Instant::now();
            let failure = match self.attempt(call, job, &place).await {
                Ok(accepted) => {
                    if call.sending.is_write() {
                        call.progress.confirm();
                    }
                    job.proof.accepted(call.sending.operation);
                    self.0.limits.accepted(call, &job.proof);
                    self.0.budget.earn(paid);
                    log_success(call, attempt, started);
                    return Ok(accepted);
                }
                Err(failure) => failure,
            };
            log_failure(call, attempt, started, &failure);
            let now = self.0.clock.unix_seconds();
            job.proof
                .failed(call.sending.operation, &failure.error, now);
            let pace = || self.0.admission.pace(call.sending.operation);
            self.0.limits.failed(call, &job.proof, &failure, now, pace);
            match failure.certainty {
                Certainty::MaybeExecuted => earlier = Certainty::MaybeExecuted,
                Certainty::NotExecuted
                    if earlier == Certainty::NotExecuted && call.sending.is_write() =>
                {
                    call.progress.settle();
                }
                Certainty::NotExecuted => {}
            }
            let facts = Facts {
                sending: call.sending,
                attempt,
                failure: &failure,
                remaining: call.bounds.remaining(),
                jitter: self.0.clock.jitter(),
            };
            match decide(retry, &facts) {
                Decision::Repeat { delay, cost } if self.0.budget.pay(cost) => {
                    // Whoever waits takes nobody's turn.
                    drop(place);
                    tokio::time::sleep(delay).await;
                    let again = self.admit(call, &job.proof).await;
                    place = match again {
                        Ok(place) => place,
                        Err(_) => return Err(failure.conclude(call.sending, earlier)),
                    };
                    paid = cost;
                    attempt += 1;
                    last = Some(failure);
                }
                _ => return Err(failure.conclude(call.sending, earlier)),
            }
        }
    }

    /// One attempt at one host.
    pub(super) async fn attempt_at(
        &self,
        call: &Call,
        job: &Job,
        place: &Place,
        leg: Leg<'_>,
    ) -> Result<Accepted, Failure> {
        // Whoever has left costs no signature.
        if call.progress.is_abandoned() {
            return Err(Failure::refused(caller_left()));
        }
        let watch = self.watch_attempt(call.sending.operation, &leg);
        let span = watch.span();
        let mut flight = Flight::new(place, call.sending.operation, leg, watch);
        let sending = async {
            match &job.proof {
                Proof::Signature(credential) => {
                    self.attempt_signed(call, job, credential, &mut flight)
                        .await
                }
                Proof::Token(tokens) => {
                    self.attempt_with_token(call, job, tokens, &mut flight)
                        .await
                }
                Proof::Parameters(_) => {
                    let target = job.outgoing.target.clone();
                    self.send(call, job, target, None, &mut flight)
                        .await
                        .and_then(|answer| {
                            answer::unsigned_family(call.sending, &answer)
                                .map_err(|failed| failed.failure)
                        })
                }
            }
        };
        let result = sending.instrument(span).await;
        flight.judge(&result);
        result
    }

    async fn attempt_signed(
        &self,
        call: &Call,
        job: &Job,
        credential: &SignedCredential,
        flight: &mut Flight<'_>,
    ) -> Result<Accepted, Failure> {
        let outgoing = &job.outgoing;
        let unsigned = Unsigned {
            origin: flight.origin(),
            method: &outgoing.method,
            target: &outgoing.target,
            signed: &outgoing.signed,
        };
        let signer = credential.keyring.signing(self.0.clock.unix_seconds());
        let authorization = credential
            .signing
            .authorize(signer, &self.0.clock, &unsigned, call)
            .await
            .map_err(Failure::refused)?;
        let answer = self
            .send(
                call,
                job,
                outgoing.target.clone(),
                Some(authorization),
                flight,
            )
            .await?;

        let headers = answer::signature_headers(&answer);
        let now = self.0.clock.unix_seconds();
        if headers.is_unsigned() {
            self.discarded(call, Discarded::Unsigned);
            let failure = answer::unsigned(call.sending, &answer);
            return Err(hint::with_clock(failure, &answer, now));
        }
        let mut checked = verify(
            &headers,
            answer.body.clone(),
            &credential.keys.snapshot(),
            now,
        );
        if let Err(VerificationError::UnknownKey(id)) = &checked
            && let Some(keys) = credential.keys.look_for(id, now).await
        {
            checked = verify(&headers, answer.body.clone(), &keys, now);
        }
        match checked {
            Ok(body) => {
                let signature = headers.signature.unwrap_or_default();
                if !credential.replays.is_new(signature, now) {
                    self.discarded(call, Discarded::Replayed);
                    return Err(answer::replayed(&answer));
                }
                credential.keys.believed(body.key_id());
                answer::verified(call.sending, &answer, body)
            }
            Err(error) => {
                self.discarded(call, Discarded::from(&error));
                let unknown = match &error {
                    VerificationError::UnknownKey(id) => Some(id.clone()),
                    _ => None,
                };
                let failure = answer::unverified(&answer, error);
                let keys = &credential.keys;
                Err(match unknown {
                    Some(id) => {
                        hint::with_unknown_key(failure, &id, &keys.snapshot(), keys.downloads())
                    }
                    None => hint::with_clock(failure, &answer, now),
                })
            }
        }
    }

    /// A refused token is replaced once: WeChat checks it before it does anything, so even a write
    /// can be sent again.
    async fn attempt_with_token(
        &self,
        call: &Call,
        job: &Job,
        tokens: &Arc<TokenSource>,
        flight: &mut Flight<'_>,
    ) -> Result<Accepted, Failure> {
        let mut recovered = false;
        loop {
            // Until the pause after a failed fetch is over, a further attempt would only wait.
            let token = tokens.token().await.map_err(Failure::refused)?;
            let target = with_token(&job.outgoing.target, token.value.expose());
            let answer = self.send(call, job, target, None, flight).await?;
            let failed = match answer::unsigned_family(call.sending, &answer) {
                Ok(accepted) => {
                    token.worked();
                    return Ok(accepted);
                }
                Err(failed) => failed,
            };
            if !failed.token_refused {
                return Err(failed.failure);
            }
            tokens.refused(&token).await;
            if recovered {
                return Err(failed.failure);
            }
            recovered = true;
        }
    }

    /// The last moment to stop: keys and tokens may have taken a while.
    async fn send(
        &self,
        call: &Call,
        job: &Job,
        target: String,
        authorization: Option<http::HeaderValue>,
        flight: &mut Flight<'_>,
    ) -> Result<HttpResponse, Failure> {
        let outgoing = &job.outgoing;
        let mut headers =
            common_headers(outgoing.content_type.as_deref()).map_err(Failure::refused)?;
        if let Some(authorization) = authorization {
            add_proof(&mut headers, authorization, job.key.as_ref()).map_err(Failure::refused)?;
        }
        let request = HttpRequest {
            origin: flight.origin().clone(),
            method: outgoing.method.clone(),
            target,
            headers,
            body: outgoing.body.clone(),
            entry: call.entry.clone().filter(|_| call.sending.is_write()),
        };
        call.bounds
            .require_time(Duration::ZERO)
            .map_err(Failure::refused)?;
        let may_leave = match call.sending.is_write() {
            true => call.progress.begin(),
            false => !call.progress.is_abandoned(),
        };
        if !may_leave {
            return Err(Failure::refused(caller_left()));
        }
        if call.sending.is_write() && call.entry.as_ref().is_some_and(|entry| !entry.may_send()) {
            return Err(Failure::refused(taken_over()));
        }
        flight.leave();
        let answer = self.0.transport.send(request).await;
        flight.land(answer.as_ref().ok());
        tell_witness(call, answer.as_ref().ok());
        answer.map_err(Failure::transport)
    }
}

/// Says under which id WeChat knows the write.
fn tell_witness(call: &Call, answer: Option<&HttpResponse>) {
    let witness = call.witness.as_ref().filter(|_| call.sending.is_write());
    if let (Some(witness), Some(id)) = (witness, answer.and_then(answer::request_id)) {
        witness.answered(&id);
    }
}

/// Another process may have the change by now.
fn taken_over() -> Error {
    Error::new(
        Reason::Store,
        "the gateway has lost touch with its store, so that another replica may run the change",
    )
}

/// Appends the token to the query. The result is a secret.
fn with_token(target: &str, token: &str) -> String {
    let mut whole = String::with_capacity(target.len() + token.len() + 16);
    whole.push_str(target);
    whole.push(if target.contains('?') { '&' } else { '?' });
    whole.push_str("access_token=");
    encode_component(token, &mut whole);
    whole
}

fn log_success(call: &Call, attempt: u32, started: Instant) {
    tracing::debug!(
        operation = call.sending.operation.id,
        account = %call.account,
        request_id = %call.id,
        attempt,
        elapsed_ms = started.elapsed().as_millis(),
        "upstream call succeeded"
    );
}

/// A "no" of WeChat is business as usual; what keeps WeChat from answering is not.
fn log_failure(call: &Call, attempt: u32, started: Instant, failure: &Failure) {
    let upstream = failure.error.upstream();
    let refused = upstream.is_some_and(|upstream| !upstream.code.is_empty())
        && failure.repeat == crate::failure::Repeat::Never
        && failure.certainty == Certainty::NotExecuted
        && !matches!(
            failure.error.reason(),
            Reason::CredentialRejected | Reason::KeyUnavailable
        );
    macro_rules! log {
        ($level:ident, $text:literal) => {
            tracing::$level!(
                operation = call.sending.operation.id,
                account = %call.account,
                request_id = %call.id,
                attempt,
                reason = failure.error.reason().as_str(),
                status = upstream.map(|upstream| upstream.http_status),
                upstream_code = upstream.map(|upstream| upstream.code.as_str()),
                upstream_request_id = upstream.and_then(|upstream| upstream.request_id.as_deref()),
                remedy = failure.error.remedy(),
                may_have_executed = failure.certainty == Certainty::MaybeExecuted,
                elapsed_ms = started.elapsed().as_millis(),
                $text
            )
        };
    }
    if refused {
        log!(info, "WeChat refused the upstream call");
    } else {
        log!(warn, "upstream call failed");
    }
}
