//! The path of one call, from a request type to a decoded answer: the same ordered list for every
//! operation of every family. Read [`Pipeline::run`] first.

mod admission;
pub(crate) mod answer;
mod attempts;
pub(crate) mod credentials;
mod failover;
mod flight;
mod hint;
pub(crate) mod quota;
pub(crate) mod retry;
mod vitals;
mod warm_up;
mod watch;

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use kabao_api::{AccountId, CallContext, Error, Family, Reason, Upstream};
use kabao_auth::KeyId;
use kabao_models::{AnyAnswer, AnyEndpoint, DecodeError, Decoded, Deviation, Outgoing, Scheme};
use tokio::time::timeout_at;

use self::admission::{Admission, Permit};
use self::answer::Accepted;
use self::credentials::{Credentials, Proof};
use self::quota::{Limits, Quotas, Turn, last_turn};
use self::retry::Budget;
use crate::bounds::Bounds;
use crate::call::{Call, Sending};
use crate::clock::Clock;
use crate::failure;
use crate::observer::{Discarded, Observer};
use crate::settings::Settings;
use crate::transport::Transport;

/// Executes operations with the credentials of one account. Clones share everything.
#[derive(Clone)]
pub(crate) struct Pipeline(Arc<Inner>);

/// What a pipeline is made of.
pub(crate) struct Inner {
    account: AccountId,
    family: Family,
    credentials: Credentials,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    limits: Limits,
    admission: Admission,
    budget: Budget,
    observer: OnceLock<Arc<dyn Observer>>,
}

/// What an attempt needs to leave: a turn within WeChat's limit of calls, and a permit among the account's own.
struct Place {
    turn: Turn,
    permit: Permit,
}

/// One call, ready to be sent as often as needed.
struct Job {
    proof: Proof,
    outgoing: Outgoing,
    /// The key named in `Wechatpay-Serial`, which is also the one that fields are encrypted with.
    key: Option<KeyId>,
}

impl Pipeline {
    pub(crate) fn new(
        account: AccountId,
        family: Family,
        credentials: Credentials,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        quotas: &Quotas,
    ) -> Self {
        let limits = quotas.limits(&credentials, settings.max_queued_calls);
        let admission = Admission::new(account.clone(), &settings);
        let budget = Budget::new(settings.retry.budget);
        Self(Arc::new(Inner {
            account,
            family,
            credentials,
            transport,
            clock,
            settings,
            limits,
            admission,
            budget,
            observer: OnceLock::new(),
        }))
    }

    /// Tells `observer` from now on; the first one stays.
    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        let _ = self.0.observer.set(observer);
    }

    fn discarded(&self, call: &Call, why: Discarded) {
        if let Some(observer) = self.0.observer.get() {
            observer.answer_discarded(&call.account, call.sending.operation, why);
        }
    }

    fn released(&self, call: &Call) {
        if let Some(observer) = self.0.observer.get() {
            observer.call_released(&call.account, call.sending.operation);
        }
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.0.account
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        self.0.limits.quotas()
    }

    pub(crate) fn family(&self) -> Family {
        self.0.family
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Runs the list, and keeps the request's own personal data out of what is said about a failure.
    async fn run(
        &self,
        context: &CallContext,
        mut request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        // Fields that travel encrypted are known in clear only now.
        let encrypts = request.operation().encrypts;
        let clear = encrypts.then(|| request.private_values());
        let result = self.steps(context, request.as_mut()).await;
        result.map_err(|error| {
            // That there is too much to do is said in our own words, and often.
            if error.reason() == Reason::Overloaded {
                return error;
            }
            let mut private = clear.unwrap_or_else(|| request.private_values());
            if let Some(token) = &self.0.credentials.token {
                private.extend(token.private_values());
            }
            error.masked(&private)
        })
    }

    /// The ordered list.
    async fn steps(
        &self,
        context: &CallContext,
        request: &mut dyn AnyEndpoint,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        let sending = Sending::of(request, context);
        let call = Call::open(context, sending, &self.0.settings);

        // 1. Every documented limit, before anything else happens. The digest of an uploaded file is
        //    made here: callers know no cryptography.
        request.fill_digest(&kabao_auth::sha256_hex);
        if let (Scheme::Credentials, Some(token)) =
            (operation.scheme, self.0.credentials.token.as_deref())
        {
            request.fill_credentials(token.appid(), token.secret());
        }
        self.validate(request)?;
        // 2. The credential that the operation needs.
        let proof = self.0.credentials.proof(operation)?;
        // A host that does not work is left alone: nothing is fetched, signed or sent for it.
        proof.route().require()?;
        // Nor is anything for a call that is refused anyway.
        if !call.is_expected {
            let jitter = || self.0.clock.jitter();
            self.0.admission.require(operation, &call.bounds, jitter)?;
        }
        // 3. No trusted key, no send; what is encrypted is encrypted for one of them.
        let key = match self.prepare_keys(&call, &proof, request).await {
            Ok(key) => key,
            Err(error) => {
                proof.failed(operation, &error, self.0.clock.unix_seconds());
                return Err(error);
            }
        };
        // 4. Serialised once: these bytes are signed, and these bytes are sent.
        let outgoing = request.to_http().map_err(|error| {
            Error::new(Reason::Internal, "the request cannot be written").with_source(error)
        })?;
        // 5. A turn within WeChat's limit of calls, then a permit among the calls of the account, while an attempt is
        //    under way.
        let place = self.admit(&call, &proof).await?;
        // 6. Attempts: sign with fresh time and nonce, send, verify over the raw bytes, classify.
        let job = Job {
            proof: proof.clone(),
            outgoing,
            key,
        };
        let accepted = if sending.is_write() {
            self.attempt_write(&call, &job, place).await?
        } else {
            self.attempt_read(&call, &job, place).await?
        };
        // 7. Only an accepted body is decoded, and only one about what was asked for is an answer.
        let answer = decode(&call, request, &accepted)?;
        if let Some(member) = request.foreign_subject(answer.as_ref()) {
            self.discarded(&call, Discarded::Foreign);
            return Err(foreign(sending, member));
        }
        // 8. Fields that came encrypted for the account.
        match &proof {
            Proof::Signature(credential) => {
                let now = self.0.clock.unix_seconds();
                let keys = credential.keyring.decrypting(now);
                let decrypted = credential.signing.decrypt(answer, keys, &call).await;
                decrypted.inspect_err(|error| proof.failed(operation, error, now))
            }
            Proof::Token(_) | Proof::Parameters(_) => Ok(answer),
        }
    }

    /// Waits for a turn and then for a permit, never the other way round: whoever waits for a turn would else hold a
    /// permit that an operation without a limit could use.
    async fn admit(&self, call: &Call, proof: &Proof) -> Result<Place, Error> {
        let needed = self.0.settings.retry.min_attempt;
        let now = self.0.clock.unix_seconds();
        let turn = self.0.limits.take(call, proof, needed, now).await?;
        let jitter = || self.0.clock.jitter();
        let permit = self.0.admission.enter(call, jitter).await?;
        Ok(Place { turn, permit })
    }

    fn validate(&self, request: &dyn AnyEndpoint) -> Result<(), Error> {
        let operation = request.operation();
        if operation.family != self.0.family {
            return Err(Error::new(
                Reason::FamilyMismatch,
                format!(
                    "{} is an operation of the {} family, the account is of the {} family",
                    operation.id, operation.family, self.0.family
                ),
            ));
        }
        let violations = request.violations();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::field_invalid(violations))
        }
    }

    /// Makes sure that the answer can be verified, and encrypts the sensitive fields.
    async fn prepare_keys(
        &self,
        call: &Call,
        proof: &Proof,
        request: &mut dyn AnyEndpoint,
    ) -> Result<Option<KeyId>, Error> {
        let Proof::Signature(credential) = proof else {
            return Ok(None);
        };
        let now = self.0.clock.unix_seconds();
        let trusted = credential.keys.trusted(now);
        let keys = match timeout_at(call.bounds.deadline, trusted).await {
            Ok(keys) => keys?,
            Err(_) => {
                return Err(call
                    .bounds
                    .timed_out("while the keys of WeChat Pay were fetched"));
            }
        };
        credentials::encrypt(request, &keys, credential.keys.named(), now).map(Some)
    }
}

#[async_trait]
impl Upstream for Pipeline {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        let watch = self.watch_call(operation);
        let result = self.run(context, request).await;
        watch.ended(result.as_ref().err());
        result.map_err(|error| failure::named(error, operation))
    }

    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        if context.is_expected() {
            return None;
        }
        let operation = request.operation();
        let proof = self.0.credentials.proof(operation).ok()?;
        let jitter = || self.0.clock.jitter();
        let bounds = Bounds::open(context, self.0.settings.call_timeout);
        let until = last_turn(&bounds, self.0.settings.retry.min_attempt);
        let now = self.0.clock.unix_seconds();
        let limits = &self.0.limits;
        let may_begin = proof.route().require();
        // A place is kept for the call if it may begin, so that is asked last.
        let error = may_begin
            .and_then(|()| limits.require(context, operation, &proof, until, now))
            .and_then(|()| self.0.admission.expect(operation, &bounds, jitter))
            .err()?;
        self.watch_call(operation).ended(Some(&error));
        Some(failure::named(error, operation))
    }
}

/// Decoding is tolerant; what is not as documented is told by its place, never by its value.
fn decode(
    call: &Call,
    request: &dyn AnyEndpoint,
    accepted: &Accepted,
) -> Result<Box<dyn AnyAnswer>, Error> {
    let Decoded { answer, deviations } = request
        .decode_answer(accepted.body())
        .map_err(|error| malformed(call.sending, error))?;
    if !deviations.is_empty() {
        tracing::debug!(
            operation = call.sending.operation.id,
            account = %call.account,
            request_id = %call.id,
            members = %Listed(&deviations),
            "the answer is not quite as documented"
        );
    }
    Ok(answer)
}

/// The first few deviations of an answer.
struct Listed<'a>(&'a [Deviation]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        for (index, deviation) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{deviation}")?;
        }
        match self.0.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "; and {more} more"),
        }
    }
}

/// The signature tells who answered, and the answer that it is about something else.
fn foreign(sending: Sending, member: &'static str) -> Error {
    let error = Error::new(
        Reason::UpstreamUnverified,
        format!("the answer is about another {member} than was asked for and was discarded"),
    );
    if sending.is_write() {
        failure::outcome_unknown(sending, error)
    } else {
        error
    }
}

/// WeChat's word that a write succeeded is worth something, but what it said could not be read.
fn malformed(sending: Sending, error: DecodeError) -> Error {
    let error =
        Error::new(Reason::UpstreamMalformed, "the answer is not as documented").with_source(error);
    if sending.is_write() {
        failure::outcome_unknown(sending, error)
    } else {
        error
    }
}

#[cfg(test)]
mod tests;
