//! The path of one call, from a request type to a decoded answer: the same ordered list for every
//! operation of every family. Read [`Pipeline::run`] first.

pub(crate) mod admission;
pub(crate) mod answer;
mod attempts;
pub(crate) mod call;
pub(crate) mod credentials;
pub(crate) mod errcode;
pub(crate) mod failure;
mod hint;
pub(crate) mod refusal;
pub(crate) mod retry;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use kabao_api::{CallContext, Error, Family, Reason, Upstream};
use kabao_auth::KeyId;
use kabao_models::{
    AnyAnswer, AnyEndpoint, DecodeError, Decoded, Deviation, Endpoint, Outgoing, Scheme,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

use self::admission::Admission;
use self::answer::Believed;
use self::call::{Call, Sending};
use self::credentials::{Credentials, Proof};
use self::retry::Budget;
use crate::clock::Clock;
use crate::member_locks::{MemberGuard, MemberLocks};
use crate::observer::{Discarded, Observer};
use crate::settings::Settings;
use crate::transport::Transport;

/// Executes operations with the credentials of one account. Clones share everything.
#[derive(Clone)]
pub(crate) struct Pipeline(Arc<Inner>);

/// What a pipeline is made of.
pub(crate) struct Inner {
    family: Family,
    credentials: Credentials,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    admission: Admission,
    budget: Budget,
    members: MemberLocks,
    observer: OnceLock<Arc<dyn Observer>>,
}

/// One call, ready to be sent as often as needed.
struct Job {
    proof: Proof,
    outgoing: Outgoing,
    /// The key named in `Wechatpay-Serial`, which is also the one that fields are encrypted with.
    key: Option<KeyId>,
    /// Held until the last attempt has ended, also when the caller has left.
    _turn: OwnedSemaphorePermit,
    /// The same for the lock of a member whose value the call changes.
    _member: Option<MemberGuard>,
}

impl Pipeline {
    pub(crate) fn new(
        family: Family,
        credentials: Credentials,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let admission = Admission::new(settings.max_concurrent_calls, settings.admission_timeout);
        let budget = Budget::new(settings.retry.budget);
        Self(Arc::new(Inner {
            family,
            credentials,
            transport,
            clock,
            settings,
            admission,
            budget,
            members: MemberLocks::new(),
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

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn members(&self) -> &MemberLocks {
        &self.0.members
    }

    /// Executes one operation with types, and keeps the member locked until its last attempt has
    /// ended: a write that is in flight when its caller leaves must not be overtaken by the next
    /// change.
    pub(crate) async fn call_locked<E: Endpoint>(
        &self,
        context: &CallContext,
        request: E,
        member: MemberGuard,
    ) -> Result<E::Answer, Error> {
        let operation = E::OPERATION;
        let result = self.run(context, Box::new(request), Some(member)).await;
        let answer: Box<dyn Any> = result
            .map_err(|error| failure::named(error, operation))?
            .into_any();
        answer
            .downcast()
            .map(|answer| *answer)
            .map_err(|_| Error::new(Reason::Internal, "the answer is of another operation"))
    }

    /// Runs the list, and keeps the request's own personal data out of what is said about a failure.
    async fn run(
        &self,
        context: &CallContext,
        mut request: Box<dyn AnyEndpoint>,
        member: Option<MemberGuard>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        // Fields that travel encrypted are known in clear only now.
        let encrypts = request.operation().encrypts;
        let clear = encrypts.then(|| request.private_values());
        let result = self.steps(context, request.as_mut(), member).await;
        result.map_err(|error| {
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
        member: Option<MemberGuard>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        let sending = Sending::of(request);
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
        // 5. A turn among the calls of the account.
        let turn = self.0.admission.enter(&call).await?;
        // 6. Attempts: sign with fresh time and nonce, send, verify over the raw bytes, classify.
        let job = Job {
            proof: proof.clone(),
            outgoing,
            key,
            _turn: turn,
            _member: member,
        };
        let believed = if sending.is_write() {
            self.attempt_write(call.clone(), job).await?
        } else {
            self.attempt_read(call.clone(), job).await?
        };
        // 7. Only a believed body is decoded, and only one about what was asked for is an answer.
        let mut answer = decode(&call, request, &believed)?;
        if let Some(member) = request.foreign_subject(answer.as_ref()) {
            self.discarded(&call, Discarded::Foreign);
            return Err(foreign(sending, member));
        }
        // 8. Fields that came encrypted for the account.
        if let Proof::Signature(credential) = &proof {
            credentials::decrypt(answer.as_mut(), &credential.private_key);
        }
        Ok(answer)
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
        let trusted = credential.keys.trusted(self.0.clock.unix_seconds());
        let keys = match timeout_at(call.deadline, trusted).await {
            Ok(keys) => keys?,
            Err(_) => return Err(call.timed_out("while the keys of WeChat Pay were fetched")),
        };
        credentials::encrypt(request, &keys).map(Some)
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
        let result = self.run(context, request, None).await;
        result.map_err(|error| failure::named(error, operation))
    }
}

/// Decoding is tolerant; what is not as documented is told by its place, never by its value.
fn decode(
    call: &Call,
    request: &dyn AnyEndpoint,
    believed: &Believed,
) -> Result<Box<dyn AnyAnswer>, Error> {
    let Decoded { answer, deviations } = request
        .decode_answer(believed.body())
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
