use kabao_api::portions::model::{Model, Replica};
use kabao_api::portions::{Holding, Need};
use kabao_models::Endpoint as _;
use tokio::time::sleep;

use super::*;

fn portions() -> Replica {
    Model::default().replica("a")
}

fn lane() -> Arc<Lane> {
    let documented = kabao_models::brand::user_cards::GetUserCard::OPERATION
        .rate_limit
        .unwrap();
    let lane = Lane::new(&documented, 100, Arc::default()).unwrap();
    lane.share();
    Arc::new(lane)
}

fn answer(held: u32, needed_by_other: u32) -> Shared {
    Shared {
        limit: "a".to_owned(),
        held,
        place: 0,
        others: vec![Holding {
            held: 0,
            need: Need {
                calls: needed_by_other,
                starved: 0,
            },
        }],
    }
}

/// Lets a call go if it may leave at once.
fn leave(lane: &Arc<Lane>) -> bool {
    let claim = Claim {
        caller: None,
        weight: 1,
        urgency: Urgency::Interactive,
    };
    match lane.join(claim, Instant::now()) {
        Joined::Turn(turn) => {
            turn.leave();
            true
        }
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_left_is_held_until_it_counts_no_more() {
    let lane = lane();
    assert!(!leave(&lane), "there is no portion yet");
    let asked = lane.ask("a").unwrap();
    lane.settle(&asked, Some(&answer(10, 10)), Instant::now(), &portions());
    // The portion is what was wanted when it was asked for.
    while leave(&lane) {}
    let asked = lane.ask("a").unwrap();
    lane.settle(&asked, Some(&answer(10, 10)), Instant::now(), &portions());
    let left = u32::try_from(lane.lock().window.taken(Instant::now())).unwrap();
    assert!(left > 5, "{left}");

    let asked = lane.ask("a").unwrap();
    assert_eq!((asked.wanted, asked.ask.wanted), (5, left));
    sleep(Duration::from_millis(1_010)).await;
    let asked = lane.ask("a").unwrap();
    assert_eq!((asked.wanted, asked.ask.wanted), (5, 5));
    // And no more than that leaves, whatever is still held.
    let more = (0..10).filter(|_| leave(&lane)).count();
    assert_eq!(more, 5);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_answered_goes_on_with_an_equal_part() {
    let many = || {
        let lane = lane();
        let asked = lane.ask("a").unwrap();
        (lane, asked)
    };
    let left = |lane| (0..20).filter(|_| leave(lane)).count();
    // Its portion is its own for a while.
    let (lane, asked) = many();
    lane.settle(&asked, Some(&answer(7, 0)), Instant::now(), &portions());
    lane.unanswered(&portions());
    let held = usize::try_from(asked.wanted.min(7)).unwrap();
    assert_eq!(left(&lane), held);
    // Then there is the other one that it has seen.
    sleep(portions().kept_for()).await;
    assert_eq!(left(&lane), 5);
    // One that has never held anything does the same.
    let (lane, _) = many();
    assert_eq!(left(&lane), 0);
    lane.unanswered(&portions());
    assert_eq!(left(&lane), 5);
}

#[test]
fn what_leaves_last_counts_no_more_when_others_may_take_it() {
    let second = Duration::from_millis(1_005);
    // For how long it is kept, and for how long it may be used.
    for (kept_for, usable) in [(6_000, 3_000), (2_400, 1_200), (2_000, 895), (1_000, 0)] {
        let (kept_for, usable) = (
            Duration::from_millis(kept_for),
            Duration::from_millis(usable),
        );
        assert_eq!(usable_for(kept_for, second), usable);
    }
}

#[test]
fn every_documented_limit_counts_by_the_second() {
    // Portions are kept for seconds: one that counts by the minute could not be shared.
    for operation in kabao_models::operations() {
        let limit = operation.rate_limit.as_ref().and_then(Limit::of);
        if let Some(limit) = limit {
            let longest = Window::new(limit).longest();
            assert!(longest < Duration::from_millis(1_100), "{}", operation.id);
        }
    }
}
