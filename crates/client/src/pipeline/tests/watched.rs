//! What an observer hears of calls and attempts, and what a look at a client shows.

use std::sync::Mutex;

use kabao_models::Operation;
use tokio::time::{Instant, timeout};

use super::*;
use crate::observer::{Discarded, End, Host, Observer};
use crate::testing::{official_account, slow};
use crate::vitals::BreakerState;

/// Where an attempt went, what the answer's status was, and why it failed.
type Attempt = (Host, Option<u16>, Option<Reason>);

/// Writes down what it hears.
#[derive(Default)]
struct Notes {
    attempts: Mutex<Vec<Attempt>>,
    calls: Mutex<Vec<(Option<Reason>, Duration)>>,
    released: Mutex<usize>,
}

impl Observer for Notes {
    fn answer_discarded(&self, _: &AccountId, _: &'static Operation, _: Discarded) {}

    fn call_ended(&self, _: &AccountId, _: &'static Operation, end: End) {
        self.calls.lock().unwrap().push((end.failure, end.took));
    }

    fn attempt_ended(&self, _: &'static Operation, host: Host, status: Option<u16>, end: End) {
        let attempt = (host, status, end.failure);
        self.attempts.lock().unwrap().push(attempt);
    }

    fn call_released(&self, _: &AccountId, _: &'static Operation) {
        *self.released.lock().unwrap() += 1;
    }
}

fn watched(pipeline: &Pipeline) -> Arc<Notes> {
    let notes = Arc::new(Notes::default());
    pipeline.observe(Arc::<Notes>::clone(&notes));
    notes
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_told_and_then_the_call() {
    let failed = Mutex::new(false);
    let (transport, _) =
        answering(
            move |_| match std::mem::replace(&mut *failed.lock().unwrap(), true) {
                false => Ok(unsigned(502, "<html>Bad Gateway</html>")),
                true => Ok(signed(200, CARD)),
            },
        );
    let pipeline = merchant(transport, Settings::default());
    let notes = watched(&pipeline);
    pipeline
        .execute(&context(), read())
        .await
        .map(drop)
        .unwrap();
    let attempts = notes.attempts.lock().unwrap();
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    let (host, status, failure) = attempts[0];
    assert_eq!((host, status), (Host::Main, Some(502)));
    assert!(failure.is_some());
    assert_eq!(attempts[1], (Host::Main, Some(200), None));
    let calls = notes.calls.lock().unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0, None);
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_has_cancelled_a_call_and_an_attempt() {
    let pipeline = merchant(
        slow(Duration::from_secs(5), |_| Ok(signed(200, CARD))),
        Settings::default(),
    );
    let notes = watched(&pipeline);
    let context = context();
    let left = timeout(Duration::from_secs(1), pipeline.execute(&context, read())).await;
    assert!(left.is_err());
    assert_eq!(
        *notes.attempts.lock().unwrap(),
        [(Host::Main, None, Some(Reason::Cancelled))]
    );
    let second = Duration::from_secs(1);
    assert_eq!(
        *notes.calls.lock().unwrap(),
        [(Some(Reason::Cancelled), second)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_that_goes_on_without_its_caller_is_released_once_and_then_ends() {
    let pipeline = merchant(
        slow(Duration::from_secs(2), |_| Ok(signed(204, ""))),
        Settings::default(),
    );
    let notes = watched(&pipeline);
    let deadline = (Instant::now() + Duration::from_secs(1)).into_std();
    let context = context().with_deadline(deadline).detached();
    let _ = pipeline.execute(&context, numbered()).await;
    assert_eq!(*notes.released.lock().unwrap(), 1);
    assert_eq!(notes.calls.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_shows_a_host_that_is_left_alone_and_what_repeats_have_cost() {
    let (transport, _) = answering(|_| Ok(unsigned(502, "<html>Bad Gateway</html>")));
    let pipeline = merchant(transport, Settings::default());
    let well = pipeline.vitals();
    assert_eq!(well.hosts.len(), 1);
    assert_eq!(well.hosts[0].breaker, BreakerState::Closed);
    assert_eq!(well.retry_tokens, well.retry_capacity);
    assert!(well.limit > 0 && well.in_flight == 0 && well.refused == 0);
    let keys = &well.credentials[0];
    assert_eq!(keys.public_keys, 1);
    assert!(keys.access_token.is_none());
    for _ in 0..5 {
        assert!(pipeline.execute(&context(), read()).await.is_err());
    }
    let ill = pipeline.vitals();
    assert_eq!(ill.hosts[0].breaker, BreakerState::Open);
    assert!(ill.retry_tokens < ill.retry_capacity);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(pipeline.vitals().hosts[0].breaker, BreakerState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_look_shows_how_old_the_token_is_and_which_fetches_failed() {
    let fail = Arc::new(Mutex::new(true));
    let fails = Arc::clone(&fail);
    let (transport, _) = answering(move |_| match *fails.lock().unwrap() {
        true => Ok(unsigned(
            200,
            r#"{"errcode":40013,"errmsg":"invalid appid"}"#,
        )),
        false => Ok(unsigned(200, r#"{"access_token":"t","expires_in":7200}"#)),
    });
    let pipeline = official_account(transport);
    assert!(pipeline.warm_up().await.is_err());
    let ill = &pipeline.vitals().credentials[0];
    assert_eq!((ill.failed_fetches, ill.access_token), (1, None));
    *fail.lock().unwrap() = false;
    tokio::time::advance(Duration::from_hours(1)).await;
    pipeline.warm_up().await.unwrap();
    tokio::time::advance(Duration::from_mins(10)).await;
    let well = pipeline.vitals().credentials[0].access_token.unwrap();
    assert_eq!(well.age, Duration::from_mins(10));
    assert_eq!(well.ends_in, Duration::from_mins(110));
}
