use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kabao_api::{CallContext, Entry, Error, PlannedValue, Reason, Upstream, call};
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, NoContent};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::Instant;

use crate::Coalesced;
use crate::flights::{self, Boarded, CROWD, Flights};

/// Counts calls, and answers each when it is let through: with the number of writes that had ended when it came.
#[derive(Default)]
struct Pipeline {
    reads: AtomicUsize,
    writes: AtomicUsize,
    broken_off: AtomicUsize,
    gate: Option<Semaphore>,
    fails_with: Mutex<Option<Reason>>,
    refuses: AtomicBool,
}

/// Counts who does not come to its end.
struct Ending<'a>(&'a AtomicUsize, bool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Upstream for Pipeline {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        if request.operation().effect == Effect::Write {
            self.writes.fetch_add(1, Ordering::SeqCst);
            return Ok(Box::new(NoContent::default()));
        }
        let seen = self.writes.load(Ordering::SeqCst);
        self.reads.fetch_add(1, Ordering::SeqCst);
        let mut ending = Ending(&self.broken_off, false);
        if let Some(gate) = &self.gate {
            let wait = async {
                gate.acquire().await.unwrap().forget();
            };
            let deadline = context.deadline.map(Instant::from_std);
            let far = Instant::now() + Duration::from_secs(3600);
            let late = tokio::time::timeout_at(deadline.unwrap_or(far), wait).await;
            if late.is_err() {
                ending.1 = true;
                return Err(Error::new(Reason::DeadlineExceeded, "late"));
            }
        }
        ending.1 = true;
        if let Some(reason) = *self.fails_with.lock().unwrap() {
            return Err(Error::new(reason, "no").with_remedy("yes"));
        }
        Ok(Box::new(UserCard {
            level: Some(seen.to_string()),
            ..UserCard::default()
        }))
    }

    fn refusal(&self, _: &CallContext, _: &dyn AnyEndpoint) -> Option<Error> {
        let refuses = self.refuses.load(Ordering::SeqCst);
        refuses.then(|| Error::new(Reason::Overloaded, "too many"))
    }
}

fn gated() -> Arc<Pipeline> {
    Arc::new(Pipeline {
        gate: Some(Semaphore::new(0)),
        ..Pipeline::default()
    })
}

fn shared(pipeline: &Arc<Pipeline>) -> Arc<Coalesced> {
    let pipeline: Arc<dyn Upstream> = Arc::<Pipeline>::clone(pipeline);
    Arc::new(Coalesced::new(pipeline))
}

fn context() -> CallContext {
    CallContext::new("shop".parse().unwrap(), "r-1".parse().unwrap())
}

fn read(code: &str) -> GetUserCard {
    GetUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", code)
}

async fn write(upstream: &dyn Upstream, code: &str) {
    let request = UpdateUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", code, "n1");
    call(upstream, &context(), request).await.unwrap();
}

/// A read on a task of its own, which has reached the pipeline or another read.
async fn reading(
    upstream: &Arc<Coalesced>,
    context: CallContext,
    code: &str,
) -> JoinHandle<Result<Option<String>, Error>> {
    let (upstream, request) = (Arc::clone(upstream), read(code));
    let task = tokio::spawn(async move {
        let card = call(upstream.as_ref(), &context, request).await?;
        Ok(card.level)
    });
    settle().await;
    task
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

fn open(pipeline: &Pipeline, calls: usize) {
    pipeline.gate.as_ref().unwrap().add_permits(calls);
}

fn reads(pipeline: &Pipeline) -> usize {
    pipeline.reads.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_thousand_identical_reads_in_flight_are_one_call() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let mut tasks = Vec::new();
    for _ in 0..1000 {
        tasks.push(reading(&upstream, context(), "1").await);
    }
    assert_eq!(reads(&pipeline), 1);
    open(&pipeline, 1);
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().as_deref(), Some("0"));
    }
    // What has ended is joined by nobody.
    let next = reading(&upstream, context(), "1").await;
    open(&pipeline, 1);
    next.await.unwrap().unwrap();
    assert_eq!(reads(&pipeline), 2);
}

#[tokio::test]
async fn reads_that_differ_in_anything_are_calls_of_their_own() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let first = reading(&upstream, context(), "1").await;
    let second = reading(&upstream, context(), "2").await;
    assert_eq!(reads(&pipeline), 2);
    open(&pipeline, 2);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_comes_after_a_write_joins_no_read_from_before_it() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let before = reading(&upstream, context(), "1").await;
    let other = reading(&upstream, context(), "2").await;
    write(upstream.as_ref(), "1").await;
    let after = reading(&upstream, context(), "1").await;
    let joined = reading(&upstream, context(), "1").await;
    // The write was not about this one.
    let other_after = reading(&upstream, context(), "2").await;
    assert_eq!(reads(&pipeline), 3);
    open(&pipeline, 3);
    assert_eq!(before.await.unwrap().unwrap().as_deref(), Some("0"));
    for task in [after, joined] {
        assert_eq!(task.await.unwrap().unwrap().as_deref(), Some("1"));
    }
    for task in [other, other_after] {
        assert_eq!(task.await.unwrap().unwrap().as_deref(), Some("0"));
    }
}

#[tokio::test]
async fn reads_that_are_part_of_a_write_are_made_for_it_alone() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let alone = reading(&upstream, context(), "1").await;
    let part = reading(&upstream, context().detached(), "1").await;
    let proof = reading(&upstream, context().with_entry(Arc::new(NoEntry)), "1").await;
    assert_eq!(reads(&pipeline), 3);
    open(&pipeline, 3);
    for task in [alone, part, proof] {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn who_leaves_takes_nothing_from_the_others_and_the_last_one_ends_the_call() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let first = reading(&upstream, context(), "1").await;
    let second = reading(&upstream, context(), "1").await;
    let third = reading(&upstream, context(), "1").await;
    first.abort();
    settle().await;
    open(&pipeline, 1);
    assert!(second.await.unwrap().is_ok());
    assert!(third.await.unwrap().is_ok());
    assert_eq!(reads(&pipeline), 1);

    let last = reading(&upstream, context(), "1").await;
    last.abort();
    settle().await;
    assert_eq!(pipeline.broken_off.load(Ordering::SeqCst), 1);
    // And nobody waits for what is not there any more.
    let next = reading(&upstream, context(), "1").await;
    open(&pipeline, 1);
    assert!(next.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn each_keeps_its_own_deadline() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let within = |seconds| {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        context().with_deadline(deadline.into_std())
    };
    let short = reading(&upstream, within(1), "1").await;
    let long = reading(&upstream, within(10), "1").await;
    let longer = reading(&upstream, within(11), "1").await;
    let error = short.await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Reason::DeadlineExceeded);
    // The call had the time of the one that made it; the others ask again, together.
    settle().await;
    assert_eq!(reads(&pipeline), 2);
    open(&pipeline, 1);
    assert!(long.await.unwrap().is_ok());
    assert!(longer.await.unwrap().is_ok());

    let long = reading(&upstream, within(10), "1").await;
    let short = reading(&upstream, within(1), "1").await;
    let error = short.await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Reason::DeadlineExceeded);
    open(&pipeline, 1);
    assert!(long.await.unwrap().is_ok());
    assert_eq!(reads(&pipeline), 3);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_does_not_collect_all_that_come_after_it() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let hangs = reading(&upstream, context(), "1").await;
    tokio::time::advance(Duration::from_secs(2)).await;
    let fresh = reading(&upstream, context(), "1").await;
    assert_eq!(reads(&pipeline), 2);
    open(&pipeline, 2);
    assert!(hangs.await.unwrap().is_ok());
    assert!(fresh.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_for_a_slow_answer_behind_many_others_is_refused_at_once() {
    let pipeline = gated();
    let upstream = shared(&pipeline);
    let mut waiting = Vec::new();
    for _ in 0..=CROWD {
        waiting.push(reading(&upstream, context(), "1").await);
    }
    // As long as answers are quick, as many as come.
    let one_more = reading(&upstream, context(), "1").await;
    assert!(!one_more.is_finished());
    tokio::time::advance(Duration::from_millis(500)).await;
    let refused = reading(&upstream, context(), "1").await;
    let refused = refused.await.unwrap().unwrap_err();
    assert_eq!(refused.reason(), Reason::Overloaded);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
    // Who gives up makes room.
    for gone in waiting.drain(1..3) {
        gone.abort();
    }
    settle().await;
    let joins = reading(&upstream, context(), "1").await;
    assert!(!joins.is_finished());
    open(&pipeline, 1);
    assert!(joins.await.unwrap().is_ok());
    assert!(one_more.await.unwrap().is_ok());
    assert_eq!(reads(&pipeline), 1);
}

#[tokio::test]
async fn a_read_that_would_be_refused_begins_nothing_and_joins_what_is_in_flight() {
    let pipeline = gated();
    let shared = shared(&pipeline);
    let first = reading(&shared, context(), "1").await;
    pipeline.refuses.store(true, Ordering::SeqCst);
    let refused = reading(&shared, context(), "2").await.await.unwrap();
    assert_eq!(refused.unwrap_err().reason(), Reason::Overloaded);
    let refusal = |code| shared.refusal(&context(), &read(code));
    assert_eq!(refusal("2").unwrap().reason(), Reason::Overloaded);
    assert!(refusal("1").is_none(), "it would be joined");
    let write = UpdateUserCard::new("t", "1", "n");
    assert!(shared.refusal(&context(), &write).is_some(), "it cannot be");
    let joined = reading(&shared, context(), "1").await;
    open(&pipeline, 1);
    for read in [first, joined] {
        assert!(read.await.unwrap().is_ok());
    }
    assert_eq!(reads(&pipeline), 1);
}

#[tokio::test]
async fn all_hear_of_a_failure_what_the_first_one_hears() {
    let pipeline = gated();
    *pipeline.fails_with.lock().unwrap() = Some(Reason::UpstreamRateLimited);
    let upstream = shared(&pipeline);
    let first = reading(&upstream, context(), "1").await;
    let second = reading(&upstream, context(), "1").await;
    open(&pipeline, 1);
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    let (first, second) = (first.unwrap_err(), second.unwrap_err());
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(first.reason(), second.reason());
    assert_eq!(first.is_retryable(), second.is_retryable());
    assert_eq!(reads(&pipeline), 1);
}

#[tokio::test]
async fn nothing_is_kept_of_reads_that_have_ended() {
    let flights = Arc::new(Flights::default());
    let key = |content: &str| flights::Key {
        operation: "x",
        content: content.into(),
    };
    let answer = || async {
        let answer: Box<dyn AnyAnswer> = Box::new(UserCard::default());
        Ok(answer)
    };
    let Boarded::Own(ended) = flights.board(&key("1"), || Ok((None, answer()))) else {
        panic!("nobody has read this yet")
    };
    assert!(ended.landed().await.is_some());
    let Boarded::Own(left) = flights.board(&key("2"), || Ok((None, std::future::pending()))) else {
        panic!("nobody has read this yet")
    };
    assert_eq!(flights.len(), 1);
    drop(left);
    settle().await;
    assert_eq!(flights.len(), 0);
}

#[test]
fn a_runtime_that_has_ended_holds_nobody_up() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    let flights = Arc::new(Flights::default());
    let key = flights::Key {
        operation: "x",
        content: b"1".to_vec(),
    };
    let boarded = flights.board(&key, || Ok((None, std::future::pending())));
    assert!(matches!(boarded, Boarded::Own(_)));
    assert_eq!(flights.len(), 0);
}

struct NoEntry;

impl Entry for NoEntry {
    fn planned(&self) -> Option<PlannedValue> {
        None
    }

    fn plan(&self, _: PlannedValue) {}

    fn may_send(&self) -> bool {
        true
    }

    fn may_still_leave(&self) -> bool {
        true
    }
}
