//! One attempt as those see it who judge WeChat by it.

use std::time::Duration;

use kabao_models::Operation;
use tokio::time::Instant;

use super::Place;
use super::admission::Sign;
use super::answer::Accepted;
use super::watch::Watch;
use crate::breaker::Outcome;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::route::{Leg, Verdict};
use crate::transport::HttpResponse;

/// Whoever waited so long and then left has seen a host that hangs, unless the operation takes so long anyway.
const HANGING: Duration = Duration::from_secs(2);

/// Follows an attempt from its sending to the verdict over it. Dropped before that, it was broken off.
pub(crate) struct Flight<'p> {
    place: &'p Place,
    operation: &'static Operation,
    leg: Leg<'p>,
    /// When its signature was asked for.
    begun: Instant,
    /// When the request left.
    left: Option<Instant>,
    /// How long it took until an answer came, or it was clear that none comes.
    took: Option<Duration>,
    watch: Option<Watch<'p>>,
}

impl<'p> Flight<'p> {
    pub(super) fn new(
        place: &'p Place,
        operation: &'static Operation,
        leg: Leg<'p>,
        watch: Watch<'p>,
    ) -> Self {
        Self {
            place,
            operation,
            leg,
            begun: Instant::now(),
            left: None,
            took: None,
            watch: Some(watch),
        }
    }

    /// The host that it goes to.
    pub(crate) fn origin(&self) -> &Origin {
        self.leg.origin()
    }

    /// The request leaves now.
    pub(crate) fn leave(&mut self) {
        self.place.turn.leave();
        self.left = Some(Instant::now());
        self.took = None;
    }

    /// An answer has come, or will not come.
    pub(crate) fn land(&mut self, answer: Option<&HttpResponse>) {
        self.took = self.left.map(|left| left.elapsed());
        if let Some(took) = self.took {
            self.place.turn.land(took);
        }
        if let (Some(watch), Some(answer)) = (&mut self.watch, answer) {
            watch.answered(answer.status.as_u16());
        }
    }

    /// The verdict. What never left says nothing.
    pub(crate) fn judge(mut self, result: &Result<Accepted, Failure>) {
        let (sign, verdict) = match result {
            Err(failure) => match failure.verdict() {
                verdict if verdict == Verdict::of_host(Outcome::Good) => (Sign::Answered, verdict),
                verdict => (Sign::Failed, verdict),
            },
            Ok(_) => (Sign::Answered, Verdict::of_host(Outcome::Good)),
        };
        if let (Some(_), Some(took)) = (self.left.take(), self.took) {
            self.note(sign, took);
            self.leg.report(verdict);
        }
        if let Some(watch) = self.watch.take() {
            watch.ended(result.as_ref().err().map(|failure| &failure.error));
        }
    }

    /// Tells the account's limit, and whether so long is far more than usual. A probe that fails says
    /// nothing of the host that the other calls go to meanwhile.
    fn note(&self, sign: Sign, took: Duration) -> bool {
        match sign {
            Sign::Failed | Sign::BrokenOff if self.leg.is_probe() => true,
            sign => self
                .place
                .permit
                .note(self.operation, sign, took, self.begun.elapsed()),
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            let took = left.elapsed();
            let is_late = self.note(Sign::BrokenOff, took);
            if is_late && took >= HANGING {
                self.leg.report(Verdict {
                    host: Outcome::Bad,
                    proxy: Outcome::Nothing,
                });
            }
        }
    }
}
