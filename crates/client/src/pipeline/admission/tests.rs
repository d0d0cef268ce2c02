use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::join_all;

use super::*;
use crate::testing::{GET, READ, account, context};

fn settings(in_flight: usize, queued: usize) -> Settings {
    Settings {
        max_concurrent_calls: in_flight,
        max_queued_calls: queued,
        ..Settings::default()
    }
}

fn call(within: Duration) -> Call {
    let deadline = (Instant::now() + within).into_std();
    Call::open(
        &context().with_deadline(deadline),
        READ,
        &Settings::default(),
    )
}

const PATIENT: Duration = Duration::from_secs(20);

async fn enter(admission: &Admission, within: Duration) -> Result<Permit, Error> {
    admission.enter(&call(within), || 0).await
}

fn in_flight(admission: &Admission) -> usize {
    admission.0.lock().in_flight
}

fn queued(admission: &Admission) -> usize {
    admission.0.lock().queue.len()
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
    let admission = Admission::new(account(), &settings(1, 3));
    let first = enter(&admission, PATIENT).await.unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let admission = admission.clone();
            tokio::spawn(async move { enter(&admission, PATIENT).await.map(drop) })
        })
        .collect();
    while queued(&admission) < 3 {
        tokio::task::yield_now().await;
    }
    let asked = Instant::now();
    let refused = enter(&admission, PATIENT).await.err().unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(refused.reason(), Reason::Overloaded);
    assert!(refused.is_retryable() && !refused.may_have_executed());
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(400)));
    drop(first);
    for waited in join_all(waiting).await {
        waited.unwrap().unwrap();
    }
    assert_eq!((in_flight(&admission), queued(&admission)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_have_their_turn_in_time() {
    // The limit, the bound of the queue, what calls took of late, and the length of the queue.
    let rows = [
        // Nobody knows yet.
        (1, 100, None, 100),
        // Two seconds are enough for forty turns of each place.
        (1, 100, Some(50), 40),
        (10, 100, Some(50), 100),
        (1, 100, Some(1000), 8),
        (3, 100, Some(500), 12),
        (1, 5, Some(1000), 5),
        (1, 0, None, 0),
    ];
    for (limit, max_queued, took, length) in rows {
        let admission = Admission::new(account(), &settings(limit, max_queued));
        let permits = join_all((0..limit).map(|_| enter(&admission, PATIENT))).await;
        if let Some(took) = took {
            let took = Duration::from_millis(took);
            let permit = permits[0].as_ref().unwrap();
            permit.note(&GET, Sign::Answered, Duration::from_millis(1), took);
        }
        let mut waiting: VecDeque<_> = (0..length)
            .map(|_| Box::pin(enter(&admission, PATIENT)))
            .collect();
        for call in &mut waiting {
            assert!(poll(call.as_mut()).is_none());
        }
        let refused = enter(&admission, PATIENT).await.err().unwrap();
        assert_eq!(refused.reason(), Reason::Overloaded);
        assert_eq!(queued(&admission), length, "{limit} {max_queued} {took:?}");
        waiting.pop_front();
        assert_eq!(queued(&admission), length.saturating_sub(1));
    }
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_dropped_leaves_no_ghost_and_gives_its_permit_on() {
    let admission = Admission::new(account(), &settings(1, 8));
    let first = enter(&admission, PATIENT).await.unwrap();
    let mut gone = Box::pin(enter(&admission, PATIENT));
    let mut chosen = Box::pin(enter(&admission, PATIENT));
    let mut last = Box::pin(enter(&admission, PATIENT));
    assert!(poll(gone.as_mut()).is_none());
    assert!(poll(chosen.as_mut()).is_none());
    assert!(poll(last.as_mut()).is_none());
    drop(gone);
    assert_eq!(queued(&admission), 2, "it has left the queue");
    drop(first);
    // The permit is on its way to one that goes before it has taken it.
    assert_eq!((in_flight(&admission), queued(&admission)), (1, 1));
    drop(chosen);
    let permit = poll(last.as_mut()).expect("it is given on").unwrap();
    assert_eq!((in_flight(&admission), queued(&admission)), (1, 0));
    drop(permit);
    assert_eq!(in_flight(&admission), 0);
}

#[tokio::test(start_paused = true)]
async fn under_overload_the_newest_goes_first() {
    let admission = Admission::new(account(), &settings(1, 8));
    let first = enter(&admission, PATIENT).await.unwrap();
    let mut old = Box::pin(enter(&admission, PATIENT));
    assert!(poll(old.as_mut()).is_none());
    tokio::time::advance(Duration::from_millis(101)).await;
    let mut new = Box::pin(enter(&admission, PATIENT));
    assert!(poll(new.as_mut()).is_none());
    drop(first);
    assert!(poll(old.as_mut()).is_none());
    assert!(poll(new.as_mut()).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_in_time_is_refused_before_its_deadline() {
    let admission = Admission::new(account(), &settings(1, 8));
    let first = enter(&admission, PATIENT).await.unwrap();
    first.note(
        &GET,
        Sign::Answered,
        Duration::from_millis(200),
        Duration::from_millis(200),
    );

    let asked = Instant::now();
    let late = enter(&admission, Duration::from_millis(500))
        .await
        .err()
        .unwrap();
    assert_eq!(asked.elapsed(), Duration::from_millis(300));
    assert_eq!(late.reason(), Reason::Overloaded);
    assert!(late.message().contains("before the deadline"), "{late}");

    // With less time than WeChat ever needed it does not even wait.
    let asked = Instant::now();
    let late = enter(&admission, Duration::from_millis(200))
        .await
        .err()
        .unwrap();
    assert_eq!(
        (asked.elapsed(), late.reason()),
        (Duration::ZERO, Reason::Overloaded)
    );

    // Where nobody has to wait, nothing is refused: the next answer may be a quick one.
    drop(first);
    assert!(enter(&admission, Duration::from_millis(200)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_standing_queue_is_left_after_the_target() {
    let admission = Admission::new(account(), &settings(1, 8));
    let _held = enter(&admission, PATIENT).await.unwrap();
    let mut old = Box::pin(enter(&admission, PATIENT));
    assert!(poll(old.as_mut()).is_none());
    tokio::time::advance(Duration::from_millis(1990)).await;
    let mut other = Box::pin(enter(&admission, PATIENT));
    assert!(poll(other.as_mut()).is_none());
    tokio::time::advance(Duration::from_millis(10)).await;
    let asked = Instant::now();
    let refused = enter(&admission, PATIENT).await.err().unwrap();
    assert_eq!(refused.reason(), Reason::Overloaded);
    assert_eq!(asked.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn in_a_standing_queue_waits_one_round_and_the_others_are_refused_before_anything() {
    let admission = Admission::new(account(), &settings(10, 64));
    let _held = join_all((0..10).map(|_| enter(&admission, PATIENT))).await;
    let join = |count: usize| {
        let calls = (0..count).map(|_| Box::pin(enter(&admission, PATIENT)));
        let waiting = calls.filter_map(|mut call| poll(call.as_mut()).is_none().then_some(call));
        waiting.collect::<Vec<_>>()
    };
    let may_begin = || {
        let call = call(PATIENT);
        let required = admission.require(call.sending.operation, &call.bounds, || 0);
        required.is_ok()
    };
    let burst = join(70);
    assert_eq!(
        (burst.len(), queued(&admission), may_begin()),
        (64, 64, false)
    );
    tokio::time::advance(Duration::from_secs(2)).await;
    drop(burst);
    assert_eq!((queued(&admission), may_begin()), (0, true));
    let standing = join(20);
    assert_eq!((standing.len(), may_begin()), (10, false));
    let refused = admission.0.lock().refused_in_all;
    assert_eq!(refused, 6 + 1 + 10 + 1);
}

#[tokio::test(start_paused = true)]
async fn of_many_that_are_looked_at_together_no_more_pass_than_find_a_place() {
    let admission = Admission::new(account(), &settings(2, 3));
    let look = || {
        let mut call = call(PATIENT);
        let found = admission.expect(call.sending.operation, &call.bounds, || 0);
        call.is_expected = true;
        found.is_ok().then_some(call)
    };
    let passed: Vec<_> = (0..9).filter_map(|_| look()).collect();
    assert_eq!(passed.len(), 2 + 3);
    let mut calls: Vec<_> = passed
        .iter()
        .map(|call| Box::pin(admission.enter(call, || 0)))
        .collect();
    let permits: Vec<_> = calls
        .iter_mut()
        .filter_map(|call| poll(call.as_mut()))
        .collect();
    assert!(permits.len() == 2 && permits.iter().all(Result::is_ok));
    assert_eq!((in_flight(&admission), queued(&admission)), (2, 3));
    assert!(look().is_none());
    // Who was looked at and does not come keeps no place for long.
    drop(calls);
    assert!((0..3).all(|_| look().is_some()) && look().is_none());
    tokio::time::advance(EXPECTED_FOR).await;
    assert!(look().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_limit_falls_with_what_fails_or_is_late_and_rises_with_what_is_answered() {
    let (quick, late) = (Duration::from_millis(20), Duration::from_millis(251));
    let rows: [(Sign, Duration, usize); 5] = [
        (Sign::Failed, quick, 5),
        (Sign::Answered, late, 5),
        (Sign::BrokenOff, late, 5),
        (Sign::BrokenOff, quick, 10),
        (Sign::Answered, quick, 10),
    ];
    for (sign, took, left) in rows {
        let admission = Admission::new(account(), &settings(10, 8));
        let permits = join_all((0..10).map(|_| enter(&admission, PATIENT))).await;
        let permit = permits[0].as_ref().unwrap();
        permit.note(&GET, Sign::Answered, quick, quick);
        permit.note(&GET, sign, took, took);
        permit.note(&GET, sign, took, took);
        assert_eq!(admission.0.lock().limit.get(), left, "{sign:?} {took:?}");
        for _ in 0..6 {
            permit.note(&GET, Sign::Answered, quick, quick);
        }
        let risen = admission.0.lock().limit.get();
        assert_eq!(risen, (left + 1).min(10), "{sign:?} {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn room_that_appears_with_the_limit_is_used_at_once() {
    let admission = Admission::new(account(), &settings(2, 8));
    let first = enter(&admission, PATIENT).await.unwrap();
    let second = enter(&admission, PATIENT).await.unwrap();
    first.note(&GET, Sign::Failed, Duration::ZERO, Duration::ZERO);
    assert_eq!(admission.0.lock().limit.get(), 1);
    let mut third = Box::pin(enter(&admission, PATIENT));
    assert!(poll(third.as_mut()).is_none());
    drop(second);
    assert!(poll(third.as_mut()).is_none(), "one is as many as may be");
    first.note(&GET, Sign::Answered, Duration::ZERO, Duration::ZERO);
    assert!(poll(third.as_mut()).unwrap().is_ok());
}

#[tokio::test]
async fn many_that_come_and_go_at_once_lose_no_permit() {
    let admission = Admission::new(account(), &settings(4, 64));
    let calls = (0..400_u32).map(|number| {
        let admission = admission.clone();
        tokio::spawn(async move {
            let patience = Duration::from_micros(u64::from(number % 7) * 300);
            let entering = tokio::time::timeout(patience, enter(&admission, PATIENT));
            if let Ok(Ok(permit)) = entering.await {
                assert!(in_flight(&admission) <= 4);
                tokio::task::yield_now().await;
                drop(permit);
            }
        })
    });
    for done in join_all(calls).await {
        done.unwrap();
    }
    assert_eq!((in_flight(&admission), queued(&admission)), (0, 0));
    assert!(enter(&admission, PATIENT).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_may_wait_it_is_not_the_deadline_that_is_blamed() {
    let settings = Settings {
        admission_timeout: Duration::ZERO,
        ..settings(1, 8)
    };
    let admission = Admission::new(account(), &settings);
    let _held = enter(&admission, PATIENT).await.unwrap();
    let refused = enter(&admission, PATIENT).await.err().unwrap();
    assert_eq!(refused.reason(), Reason::Overloaded);
    assert!(!refused.message().contains("deadline"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn refusals_are_one_line_a_second_with_a_count() {
    let admission = Admission::new(account(), &settings(1, 0));
    let _held = enter(&admission, PATIENT).await.unwrap();
    let untold = |admission: &Admission| admission.0.lock().refused;
    for (seconds, refusals, left) in [(0, 1, 0), (0, 99, 99), (1, 1, 0), (0, 5, 5)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        for _ in 0..refusals {
            assert!(enter(&admission, PATIENT).await.is_err());
        }
        assert_eq!(untold(&admission), left);
    }
}
