//! Finding out what became of a change whose answer was lost.

use kabao_api::{CallContext, Error, GetMember, Kind, Member, MemberValue, Reason, View};
use kabao_models::{AnyAnswer, archive};

use crate::account::AccountJournal;
use crate::machine::{Conclusion, Evidence, Known, Proof, conclude, first_proof};
use crate::party;
use crate::plan::Plan;

/// What was found out.
pub(super) enum Proven {
    /// It has taken effect; the answer, if there was one.
    Applied(Option<Box<dyn AnyAnswer>>),
    /// It has not.
    Rejected(Error),
    /// Nobody can tell yet; why.
    Unknown(Error),
}

/// More rounds than any way to a proof has.
const ROUNDS: usize = 4;

impl AccountJournal {
    /// Seeks the end of a change whose request may have left, and writes into its plan what it learns.
    pub(super) async fn prove(&self, context: &CallContext, plan: &mut Plan) -> Proven {
        if !party::may_be(plan.party.as_ref(), self.party()) {
            return self.doubtful(plan, of_another_party());
        }
        let mut known = Known {
            may_have_left: true,
            ..Known::default()
        };
        let mut refusal = None;
        let mut proof = first_proof(plan);
        for _ in 0..ROUNDS {
            let mut answer = None;
            let evidence = match proof {
                Proof::Ask => break,
                Proof::Repeat => match self.repeat(context, plan).await {
                    Ok(confirmed) => {
                        answer = Some(confirmed);
                        Evidence::Confirmed
                    }
                    Err(error) if error.reason() == Reason::RequestNumberUsed => {
                        known.number_used = true;
                        Evidence::NumberUsed
                    }
                    Err(error) if error.may_have_executed() || is_passing(&error) => {
                        return self.doubtful(plan, error);
                    }
                    Err(error) => {
                        known.refused_since = true;
                        refusal = Some(error);
                        Evidence::Refused
                    }
                },
                // The number has kept a repeat apart from the first request, which may be under way, and be seen later.
                Proof::ReadBack if plan.number.is_some() && !self.quiet(context).await => {
                    let error = refusal.unwrap_or_else(under_way);
                    return self.doubtful(plan, error);
                }
                Proof::ReadBack => match self.read_back(context, plan).await {
                    Ok(found) => {
                        plan.found = found;
                        Evidence::Found(found)
                    }
                    // Nothing is left that could speak against the number.
                    Err(error) if known.number_used && !is_passing(&error) => Evidence::Found(None),
                    Err(error) => return self.doubtful(plan, error),
                },
            };
            match conclude(plan, known, evidence) {
                Conclusion::Applied => return Proven::Applied(answer),
                Conclusion::Rejected => {
                    return Proven::Rejected(refusal.unwrap_or_else(number_taken));
                }
                Conclusion::Unknown(next) => proof = next,
            }
        }
        plan.needs_decision = true;
        let error = refusal.unwrap_or_else(|| {
            let message = "WeChat cannot tell any more whether the change took effect";
            Error::new(Reason::OutcomeUnknown, message)
        });
        self.doubtful(plan, error)
    }

    fn doubtful(&self, plan: &mut Plan, error: Error) -> Proven {
        plan.doubt = Some(unknown(&error, plan.needs_decision));
        Proven::Unknown(error)
    }

    /// Sends the same request once more.
    async fn repeat(
        &self,
        context: &CallContext,
        plan: &Plan,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let broken =
            |cause: &str| Error::new(Reason::Internal, format!("the plan of the change {cause}"));
        let request = plan
            .request
            .as_deref()
            .ok_or_else(|| broken("has no request"))?;
        let request = archive::read_request(&plan.operation, request.as_bytes())
            .map_err(|error| broken("cannot be read").with_source(error))?;
        self.pipeline().execute(context, request).await
    }

    /// Reads the value that the change makes.
    async fn read_back(&self, context: &CallContext, plan: &Plan) -> Result<Option<i64>, Error> {
        let (Some(name), Some(value)) = (&plan.member, plan.value) else {
            return Err(Error::new(
                Reason::Internal,
                "the plan of the change names no value",
            ));
        };
        let mut get = GetMember::new(name.clone()).with_view(View::default());
        get.openid.clone_from(&plan.openid);
        let member = self.backend()?.get_member(context, get).await?;
        Ok(value_of(&member, value.value))
    }
}

fn value_of(member: &Member, value: MemberValue) -> Option<i64> {
    match value {
        MemberValue::Points => member.points,
        MemberValue::Balance => member.balance,
    }
}

/// Tells whether a refusal says nothing about the change: it may pass, or the operator can mend it.
fn is_passing(error: &Error) -> bool {
    let kind = matches!(
        error.kind(),
        Kind::Unavailable
            | Kind::ResourceExhausted
            | Kind::DeadlineExceeded
            | Kind::Cancelled
            | Kind::Aborted
            | Kind::Internal
            | Kind::Unknown
            | Kind::PermissionDenied
    );
    let reason = matches!(
        error.reason(),
        Reason::CredentialRejected
            | Reason::CredentialMissing
            | Reason::KeyUnavailable
            | Reason::FamilyMismatch
    );
    kind || reason || error.is_retryable()
}

/// Tells whether a refusal is the answer of its change from now on: WeChat has looked at what was
/// asked for, and would say the same again.
pub(super) fn is_remembered(error: &Error) -> bool {
    error.upstream().is_some() && !is_passing(error)
}

/// Neither sent nor looked for in the name of somebody else.
fn of_another_party() -> Error {
    Error::new(
        Reason::CredentialMissing,
        "the account was another merchant number, brand or AppID when the change was begun; it goes on when the account \
         is that one again, unless an operator decides",
    )
}

pub(super) fn under_way() -> Error {
    Error::new(
        Reason::OutcomeUnknown,
        "a request of the change may still be under way",
    )
}

fn number_taken() -> Error {
    Error::new(
        Reason::RequestNumberUsed,
        "WeChat has seen the request number before, and not from this change",
    )
}

/// The error of a change that ends later, or by an operator.
pub(super) fn unknown(cause: &Error, needs_decision: bool) -> Error {
    let message = match cause.reason() {
        Reason::OutcomeUnknown => cause.message().to_owned(),
        _ => format!(
            "the request may have been sent, and nothing proves yet whether it ran: {}",
            cause.message()
        ),
    };
    let error = Error::new(Reason::OutcomeUnknown, message);
    let error = match cause.upstream() {
        Some(upstream) => error.with_upstream(upstream.clone()),
        None => error,
    };
    let error = match cause.retry_after() {
        Some(retry_after) => error.with_retry_after(retry_after),
        None => error,
    };
    if needs_decision {
        return error.with_remedy(
            "WeChat cannot tell any more: compare the values in ChangeService.GetChange, and decide with ResolveChange",
        );
    }
    const REPEAT: &str = "repeat the call with the same request id, or watch it with ChangeService";
    let remedy = match cause.remedy() {
        // What is said about the cause comes first, and once.
        Some(remedy) if !remedy.contains(REPEAT) => format!("{remedy}; then {REPEAT}"),
        Some(remedy) => remedy.to_owned(),
        None => REPEAT.to_owned(),
    };
    error.with_remedy(remedy).mark_retryable()
}
