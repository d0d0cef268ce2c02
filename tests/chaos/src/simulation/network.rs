//! The pipeline of one process, and the way to WeChat: requests that have left do not die with their process.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kabao_api::{CallContext, Error, Reason, Upstream, UpstreamError};
use kabao_journal::Plan;
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::official_account::member::UpdateUser;
use kabao_models::{AnyAnswer, AnyEndpoint, Effect};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::process::{Point, Process};
use super::world::{ARRIVAL, PATIENCE, World};
use crate::Bug;

/// How often a write that may be repeated goes out in one call.
const ATTEMPTS: u32 = 3;

/// Sends as the pipeline of the client does: it asks before each attempt whether it may, repeats what may be
/// repeated, lets its caller go in time, and tells how the write ended.
pub(super) struct Network {
    pub(super) world: Arc<World>,
    pub(super) process: Process,
}

type Answered = Result<Box<dyn AnyAnswer>, Error>;

/// What happens to one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    NotSent,
    LostBefore,
    LostAfter,
    Refused,
    Late,
}

#[async_trait]
impl Upstream for Network {
    async fn execute(&self, context: &CallContext, request: Box<dyn AnyEndpoint>) -> Answered {
        if request.operation().effect == Effect::Read {
            return self.read(request.as_ref()).await;
        }
        let progress = context.progress();
        let deadline = match context.deadline {
            Some(deadline) => Instant::from_std(deadline),
            None => Instant::now() + Duration::from_secs(60),
        };
        let mut attempts = pin!(self.attempts(context, deadline, request));
        if let Ok(done) = timeout_at(deadline, attempts.as_mut()).await {
            return done;
        }
        progress.release(match progress.abandon() {
            // It is written down, and forgotten only when that is written down as well.
            true if context.entry().is_some() => late().mark_may_have_executed(),
            true => late(),
            false => lost(),
        });
        attempts.await
    }
}

impl Network {
    async fn read(&self, request: &dyn AnyEndpoint) -> Answered {
        let pause = self.world.draw(|random| random.millis(1..100));
        sleep(pause).await;
        if self.world.fault(self.world.profile().read_fails) {
            return Err(unavailable());
        }
        self.world.wechat.serve(request)
    }

    async fn attempts(
        &self,
        context: &CallContext,
        deadline: Instant,
        request: Box<dyn AnyEndpoint>,
    ) -> Answered {
        let operation = request.operation();
        let request: Arc<dyn AnyEndpoint> = Arc::from(request);
        let planned = context.entry().and_then(|entry| entry.planned());
        let is_difference = planned.is_some_and(|value| value.is_difference);
        let is_safe =
            request.is_safe_to_repeat() && (request.request_number().is_some() || !is_difference);
        let progress = context.progress();
        let was_sent = progress.may_have_executed();
        let mut is_uncertain = false;
        for attempt in 1..=ATTEMPTS {
            let is_repeat = was_sent || attempt > 1;
            let request = self.changed(&request, is_repeat);
            // Signing, a connection.
            if let Some(pause) = self
                .world
                .draw(|random| random.chance(300).then(|| random.millis(1..20)))
            {
                sleep(pause).await;
            }
            if !self.world.has(Bug::LeavesLate) {
                self.process.reach(Point::Before("send")).await;
            }
            if Instant::now() >= deadline {
                return Err(if is_uncertain { lost() } else { late() });
            }
            if !progress.begin() {
                return Err(late());
            }
            if context.entry().is_some_and(|entry| !entry.may_send()) {
                if is_uncertain {
                    return Err(lost());
                }
                progress.settle();
                let message = "another replica may run the change";
                return Err(Error::new(Reason::Store, message));
            }
            if self.world.has(Bug::LeavesLate) {
                self.process.reach(Point::Before("send")).await;
            }
            match self.send(&request).await {
                Sent::Answered(Ok(answer)) => {
                    progress.confirm();
                    return Ok(answer);
                }
                Sent::Answered(Err(error)) => {
                    if is_uncertain && error.reason() != Reason::RequestNumberUsed {
                        return Err(lost());
                    }
                    if !is_uncertain {
                        progress.settle();
                    }
                    return Err(error);
                }
                Sent::Nothing if !is_uncertain => progress.settle(),
                Sent::Nothing => {}
                Sent::Silence if self.world.has(Bug::SilenceIsSuccess) => {
                    progress.confirm();
                    return Ok(operation.new_answer());
                }
                Sent::Silence if self.world.has(Bug::SilenceIsFailure) => progress.settle(),
                Sent::Silence => is_uncertain = true,
            }
            let again = self.world.draw(|random| random.chance(500));
            if !again || (is_uncertain && !is_safe) {
                break;
            }
            let pause = self.world.draw(|random| random.millis(20..500));
            sleep(pause).await;
        }
        Err(if is_uncertain { lost() } else { unavailable() })
    }

    /// Sends once. What has left goes its way without us.
    async fn send(&self, request: &Arc<dyn AnyEndpoint>) -> Sent {
        let fate = self.fate();
        let number = request.request_number().map(str::to_owned);
        self.world
            .note(|| format!("a write leaves: {fate:?} {number:?}"));
        if fate == Fate::NotSent {
            return Sent::Nothing;
        }
        let (answer, answered) = oneshot::channel();
        let (world, request) = (Arc::clone(&self.world), Arc::clone(request));
        tokio::spawn(async move {
            let (there, back) = world.draw(|random| {
                let there = random.millis(1..ARRIVAL);
                let back = match fate {
                    Fate::Late => random.millis(2_000..15_000),
                    _ => random.millis(1..500),
                };
                (there, back)
            });
            let answer = match fate {
                // The connection breaks, wherever the request is at that moment.
                Fate::LostBefore | Fate::LostAfter => {
                    tokio::spawn(async move {
                        sleep(back).await;
                        drop(answer);
                    });
                    None
                }
                _ => Some(answer),
            };
            sleep(there).await;
            let done = match fate {
                Fate::Refused => Err(refused()),
                Fate::LostBefore => Err(lost()),
                _ => world.serve(request.as_ref()),
            };
            world.note(|| match &done {
                Ok(_) => "a write is applied".to_owned(),
                Err(error) => format!("a write is not applied: {}", error.reason().as_str()),
            });
            if let Some(answer) = answer {
                sleep(back).await;
                let _ = answer.send(done);
            }
        });
        self.process.reach(Point::After("send")).await;
        match timeout(PATIENCE, answered).await {
            Ok(Ok(done)) => Sent::Answered(done),
            _ => {
                self.world.count(|counts| counts.lost += 1);
                Sent::Silence
            }
        }
    }

    fn fate(&self) -> Fate {
        let profile = self.world.profile();
        let rates = [
            (Fate::NotSent, profile.not_sent),
            (Fate::LostBefore, profile.lost_before),
            (Fate::LostAfter, profile.lost_after),
            (Fate::Refused, profile.refused),
            (Fate::Late, profile.late),
        ];
        let mut fates = rates.into_iter();
        fates
            .find(|(_, rate)| self.world.fault(*rate))
            .map_or(Fate::Answered, |(fate, _)| fate)
    }

    /// The request as it leaves, which is what it was unless there is a bug.
    fn changed(&self, request: &Arc<dyn AnyEndpoint>, is_repeat: bool) -> Arc<dyn AnyEndpoint> {
        let any = request.as_any();
        if is_repeat
            && self.world.has(Bug::NewNumber)
            && let Some(update) = any.downcast_ref::<UpdateUserCardRights>()
        {
            let mut update = update.clone();
            let number = self.world.draw(|random| random.next());
            update.out_request_no = Some(format!("new{number}"));
            return Arc::new(update);
        }
        if is_repeat
            && self.world.has(Bug::AddsAgain)
            && let Some(update) = any.downcast_ref::<UpdateUser>()
        {
            let code = update.code.as_ref().map(|code| code.expose().to_owned());
            let planned = self.planned_difference(update.bonus);
            let mut update = update.clone();
            let points = self.world.wechat.points(&code.unwrap_or_default());
            update.bonus = planned.map(|planned| points + planned);
            return Arc::new(update);
        }
        Arc::clone(request)
    }

    /// The difference that was asked for by the change that writes this value.
    fn planned_difference(&self, after: Option<i64>) -> Option<i64> {
        let changes = self.world.store.changes();
        let mut values = changes
            .iter()
            .filter_map(|change| Plan::read(&change.plan)?.value);
        let value = values.find(|value| Some(value.after) == after)?;
        Some(value.after - value.before.filter(|_| value.is_difference)?)
    }
}

enum Sent {
    Answered(Answered),
    /// It did not leave.
    Nothing,
    Silence,
}

fn lost() -> Error {
    Error::new(Reason::OutcomeUnknown, "no answer came")
}

fn late() -> Error {
    Error::new(
        Reason::DeadlineExceeded,
        "the time was up before anything was sent",
    )
}

fn unavailable() -> Error {
    Error::new(Reason::UpstreamUnavailable, "nobody is there")
}

fn refused() -> Error {
    let upstream = UpstreamError {
        http_status: 400,
        code: "MODEL".to_owned(),
        ..UpstreamError::default()
    };
    let message = "the member cannot do this";
    Error::new(Reason::MemberStateInvalid, message).with_upstream(upstream)
}
