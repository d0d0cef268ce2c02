//! What is remembered long enough, whatever the wall clock says.

use std::sync::Mutex;

use super::*;

/// A wall clock that somebody sets.
#[derive(Clone)]
struct SetClock(Arc<Mutex<SystemTime>>);

impl SetClock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(TestClock.now())))
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    fn request_id(&self) -> Option<RequestId> {
        TestClock.request_id()
    }
}

const RETENTION: Duration = Duration::from_hours(72);

/// Time passes, by both clocks.
async fn pass(clock: &SetClock, time: Duration) {
    clock.advance(time);
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_ahead_lets_nothing_be_forgotten() {
    for family in FAMILIES {
        let world = World::new(family);
        let clock = SetClock::new();
        let gateway = world.gateway_by(Arc::new(clock.clone()));
        let mut reconciler = Reconciler::default();
        gateway.journal.look(&mut reconciler).await.unwrap();
        let first = gateway.add("a", 10).await.unwrap();

        clock.advance(Duration::from_hours(24 * 365 * 10));
        for _ in 0..3 {
            pass(&clock, Duration::from_mins(2)).await;
            gateway.journal.look(&mut reconciler).await.unwrap();
        }
        assert_eq!(gateway.add("a", 10).await.unwrap(), first);
        assert_eq!(world.effects(), 1, "{family}");

        // In the end it is old by any clock.
        pass(&clock, RETENTION).await;
        gateway.journal.look(&mut reconciler).await.unwrap();
        assert!(world.store.changes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_with_a_clock_that_is_ahead_lets_nothing_be_forgotten() {
    let world = World::new(Family::OfficialAccount);
    let clock = SetClock::new();
    let gateway = world.gateway_by(Arc::new(clock.clone()));
    let first = gateway.add("a", 10).await.unwrap();
    clock.advance(Duration::from_hours(24 * 365 * 10));
    let gateway = world.gateway_by(Arc::new(clock.clone()));
    let mut reconciler = Reconciler::default();
    gateway.journal.look(&mut reconciler).await.unwrap();
    // A change that is made by that clock makes the others no older.
    gateway.add("b", 1).await.unwrap();
    pass(&clock, Duration::from_mins(2)).await;
    gateway.journal.look(&mut reconciler).await.unwrap();
    assert_eq!(gateway.add("a", 10).await.unwrap(), first);
    assert_eq!(world.points(), 111);
}

/// No clock is right because it has been wrong for long.
#[tokio::test(start_paused = true)]
async fn a_replica_whose_clock_is_ahead_makes_nothing_of_the_others_old() {
    let world = World::new(Family::OfficialAccount);
    let right = SetClock::new();
    let ahead = SetClock::new();
    ahead.advance(RETENTION * 2);
    world.store.set_clock(right.now());
    let here = world.gateway_by(Arc::new(right.clone()));
    here.add("old", 1).await.unwrap();
    let there = world.gateway_by(Arc::new(ahead.clone()));
    let mut reconciler = Reconciler::default();
    there.journal.look(&mut reconciler).await.unwrap();
    for _ in 0..74 {
        ahead.advance(Duration::from_hours(1));
        pass(&right, Duration::from_hours(1)).await;
        world.store.set_clock(right.now());
        there.journal.look(&mut reconciler).await.unwrap();
    }
    let first = here.add("new", 10).await.unwrap();
    pass(&right, Duration::from_mins(2)).await;
    there.journal.look(&mut reconciler).await.unwrap();
    assert_eq!(here.add("new", 10).await.unwrap(), first);
    assert_eq!(world.points(), 111);
    let left: Vec<String> = world
        .store
        .changes()
        .iter()
        .map(|change| change.key.id.to_string())
        .collect();
    assert_eq!(left, ["new"], "what is old by any clock is forgotten");
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_forgotten_and_what_is_open_is_not() {
    let world = World::new(Family::OfficialAccount);
    let clock = SetClock::new();
    let gateway = world.gateway_by(Arc::new(clock.clone()));
    let mut reconciler = Reconciler::default();
    gateway.journal.look(&mut reconciler).await.unwrap();
    gateway.add("a", 10).await.unwrap();
    world.wechat.choose(|| Fate::LostBefore);
    gateway.add("b", 10).await.unwrap_err();
    for _ in 0..73 {
        pass(&clock, Duration::from_hours(1)).await;
        gateway.journal.look(&mut reconciler).await.unwrap();
    }
    let left: Vec<String> = world
        .store
        .changes()
        .iter()
        .map(|change| change.key.id.to_string())
        .collect();
    assert_eq!(left, ["b"]);
}
