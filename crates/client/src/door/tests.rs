//! What stands around the parts of a client sees every write and how it ended, also if its caller
//! leaves, wherever that is.

mod journal;
mod wechat;
mod writes;

use std::future::poll_fn;
use std::task::Poll;

use kabao_models::operations;
use tokio::task::yield_now;
use tokio::time::{Duration, Instant};

use self::journal::{Entry, Journal};
use self::wechat::{WeChat, Who};
use self::writes::Write;
use super::*;
use crate::testing::context;

/// More steps than any write takes.
const ENOUGH: usize = 500;

/// What is left after a caller has left and all work has ended.
struct Run {
    done: Option<Result<(), Error>>,
    /// What had been sent when the caller left, and in all.
    before: Vec<(String, bool)>,
    after: Vec<(String, bool)>,
    entries: Vec<Entry>,
}

/// Starts a write, lets the runtime take so many steps, and drops the write.
async fn leave_after(steps: usize, who: Who, write: &Write) -> Run {
    let (wechat, journal) = (WeChat::of(who), Journal::default());
    let mut call = (write.run)(wechat.client(&journal), context());
    let mut done = None;
    for _ in 0..steps {
        if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            done = Some(ended);
            break;
        }
        yield_now().await;
    }
    let before = wechat.sent();
    drop(call);
    for _ in 0..ENOUGH {
        yield_now().await;
    }
    Run {
        done,
        before,
        after: wechat.sent(),
        entries: journal.entries(),
    }
}

/// What a journal must have noted about a write.
fn noted(write: &Write, outcome: Result<(), Reason>) -> Vec<Entry> {
    let names = write.method.into_iter().chain([write.operation]);
    let entry = |what| Entry {
        what,
        outcome: Some(outcome),
    };
    names.map(entry).collect()
}

fn has_write(sent: &[(String, bool)]) -> bool {
    sent.iter().any(|(_, writes)| *writes)
}

#[tokio::test(start_paused = true)]
async fn a_journal_hears_the_end_of_every_write_wherever_its_caller_leaves() {
    for who in Who::ALL {
        for write in &writes::of(who) {
            let name = format!("{who:?} {:?} {}", write.method, write.operation);
            let whole = leave_after(ENOUGH, who, write).await;
            whole.done.unwrap().expect(&name);
            assert_eq!(whole.entries, noted(write, Ok(())), "{name}");
            let writes = whole.after.iter().filter(|(_, writes)| *writes).count();
            assert_eq!(writes, 1, "{name}");

            let (mut unsent, mut sent) = (0, 0);
            for steps in 0.. {
                let run = leave_after(steps, who, write).await;
                if run.done.is_some() {
                    break;
                }
                let name = format!("{name} after {steps} steps");
                if has_write(&run.before) {
                    // It runs to its end: what belongs to it is sent as if nobody had left.
                    sent += 1;
                    assert_eq!(run.after, whole.after, "{name}");
                    assert_eq!(run.entries, noted(write, Ok(())), "{name}");
                } else {
                    unsent += 1;
                    assert_eq!(run.after, run.before, "{name}");
                    // The outer journal hears of it if it had begun, and so does the inner one.
                    let cancelled = noted(write, Err(Reason::Cancelled));
                    let begun = run.entries.len();
                    assert!(begun <= cancelled.len(), "{name}");
                    assert_eq!(run.entries, cancelled[..begun], "{name}");
                }
            }
            assert!(unsent > 1 && sent > 1, "{name}: {unsent} and {sent}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_operation_that_writes_passes_the_journal_of_the_upstream() {
    let mut count = 0;
    for who in [Who::Merchant, Who::Brand, Who::OfficialAccount] {
        let of_family = operations()
            .filter(|operation| operation.family == who.family())
            .filter(|operation| operation.effect == Effect::Write);
        for operation in of_family {
            let journal = Journal::default();
            let client = WeChat::of(who).client(&journal);
            let done = client.execute(&context(), operation.new_request()).await;
            let entry = Entry {
                what: operation.id,
                outcome: Some(done.map(drop).map_err(|error| error.reason())),
            };
            assert_eq!(journal.entries(), [entry]);
            count += 1;
        }
    }
    assert!(count > 50, "{count} operations");
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_time_is_up_hears_so_and_the_journal_hears_the_end() {
    for who in Who::ALL {
        for write in &writes::of(who) {
            let name = format!("{who:?} {:?} {}", write.method, write.operation);
            // A client that holds its token already.
            let (wechat, journal) = (
                WeChat::slow(who, Duration::from_secs(4)),
                Journal::default(),
            );
            let client = wechat.client(&journal);
            client.warm_up().await.unwrap();
            let started = Instant::now();
            // In the middle of the write: some read before they write.
            let reads_first = matches!(write.method, Some("adjust_balance" | "adjust_points"))
                && matches!(who, Who::Merchant | Who::OfficialAccount);
            let time = Duration::from_secs(if reads_first { 6 } else { 2 });
            let until = context().with_deadline((started + time).into_std());
            let error = (write.run)(client, until).await.expect_err(&name);
            assert_eq!(error.reason(), Reason::OutcomeUnknown, "{name}");
            assert_eq!(error.operation(), Some(write.operation), "{name}");
            assert_eq!(started.elapsed(), time, "{name}");
            assert!(
                journal
                    .entries()
                    .iter()
                    .all(|entry| entry.outcome.is_none())
            );

            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(journal.entries(), noted(write, Ok(())), "{name}");
            assert_eq!(wechat.writes(), 1, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_while_others_hold_the_member_gives_its_place_back() {
    let wechat = WeChat::slow(Who::Merchant, Duration::from_secs(4));
    let journal = Journal::default();
    let client = wechat.client(&journal);
    let adjust = |client: &Client| {
        let write = writes::of(Who::Merchant)
            .into_iter()
            .find(|write| write.method == Some("adjust_balance"));
        (write.unwrap().run)(client.clone(), context())
    };
    let first = tokio::spawn(adjust(&client));
    yield_now().await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), adjust(&client)).await;
    assert!(waiting.is_err());
    for _ in 0..ENOUGH {
        yield_now().await;
    }
    // The journal knows already, while the first one is still under way.
    let left = |entry: &Entry| entry.outcome == Some(Err(Reason::Cancelled));
    assert_eq!(
        journal.entries().iter().filter(|entry| left(entry)).count(),
        1
    );
    first.await.unwrap().unwrap();
    assert_eq!(wechat.writes(), 1);
}
