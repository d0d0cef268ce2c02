//! One attempt, at the main host or at the backup, or at one after the other.

use std::time::Duration;

use kabao_api::Reason;
use tokio::time::timeout;

use super::answer::Accepted;
use super::{Job, Pipeline, Place, retry};
use crate::breaker::Outcome;
use crate::call::Call;
use crate::failure::{Certainty, Failure};
use crate::transport::TransportError;

/// How long the main host has to answer whoever finds out whether it works again. The backup answers otherwise.
const PROBE: Duration = Duration::from_secs(3);

impl Pipeline {
    /// Sends to the host that works, and to the backup if the main one did not answer and the request may
    /// be sent again: nothing of it had left, or it does no more the second time.
    pub(super) async fn attempt(
        &self,
        call: &Call,
        job: &Job,
        place: &Place,
    ) -> Result<Accepted, Failure> {
        let clock = self.0.clock.as_ref();
        let route = job.proof.route();
        let may_repeat = call.sending.is_repeatable;
        let leg = route.pick(may_repeat, clock).map_err(Failure::refused)?;
        if !leg.is_main() || !route.has_backup() {
            return self.attempt_at(call, job, place, leg).await;
        }
        let first = match leg.is_probe() {
            false => self.attempt_at(call, job, place, leg).await,
            true => match timeout(PROBE, self.attempt_at(call, job, place, leg)).await {
                Ok(first) => first,
                Err(_) => Err(Failure::transport(TransportError::Timeout)),
            },
        };
        match first {
            Err(failure)
                if failure.blames_host()
                    && (may_repeat || failure.certainty == Certainty::NotExecuted) =>
            {
                self.attempt_elsewhere(call, job, place, failure).await
            }
            first => first,
        }
    }

    /// Asks the backup host after the main one has failed, which costs as much as a repeat unless nothing was sent.
    async fn attempt_elsewhere(
        &self,
        call: &Call,
        job: &Job,
        place: &Place,
        failure: Failure,
    ) -> Result<Accepted, Failure> {
        let clock = self.0.clock.as_ref();
        let route = job.proof.route();
        let cost = match failure.certainty {
            Certainty::NotExecuted => 0,
            Certainty::MaybeExecuted => retry::COST,
        };
        let has_time = call.bounds.require_time(self.0.settings.retry.min_attempt);
        let Some(leg) = has_time.ok().and_then(|()| route.other(clock)) else {
            return Err(failure);
        };
        if !self.0.budget.pay(cost) {
            return Err(failure);
        }
        tracing::info!(
            operation = call.sending.operation.id,
            account = %call.account,
            request_id = %call.id,
            reason = failure.error.reason().as_str(),
            host = ?leg.origin(),
            "the main host did not answer, the backup host is asked"
        );
        let second = self.attempt_at(call, job, place, leg).await;
        let answered = match &second {
            Ok(_) => true,
            Err(second) => second.verdict().host == Outcome::Good,
        };
        if answered {
            if cost > 0 {
                self.0.budget.earn(cost);
            }
            // One broken connection or one bad answer is no reason to stay away.
            let hangs = failure.error.reason() == Reason::UpstreamTimeout;
            if hangs || failure.certainty == Certainty::NotExecuted {
                route.prefer_backup(clock);
            }
        }
        second.map_err(|mut second| {
            if failure.certainty == Certainty::MaybeExecuted {
                second.certainty = Certainty::MaybeExecuted;
            }
            second
        })
    }
}
