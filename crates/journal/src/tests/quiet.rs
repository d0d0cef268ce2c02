//! Requests whose connection breaks while they are under way: nothing is concluded before they have arrived.

use tokio::time::Instant;

use super::*;

const QUIET: Duration = Duration::from_secs(1);
/// When a request arrives whose connection broke at once.
const LATE: Duration = Duration::from_millis(300);

/// A wall clock that goes with the time of the test.
struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> SystemTime {
        let Self(since) = self;
        TestClock.now() + since.elapsed()
    }

    fn request_id(&self) -> Option<RequestId> {
        TestClock.request_id()
    }
}

fn gateway(world: &World) -> Gateway {
    world.gateway_with(Arc::new(Running(Instant::now())), QUIET)
}

/// Lets the next write be lost on its way, and arrive all the same.
fn delay(world: &World, after: i64) {
    let wechat = world.wechat.clone();
    let mut is_first = true;
    world.wechat.choose(move || {
        if !std::mem::take(&mut is_first) {
            return Fate::Answered;
        }
        let wechat = wechat.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LATE).await;
            let mut update = UpdateUser::new(CODE, "t1");
            update.bonus = Some(after);
            wechat.serve(&update).unwrap();
        });
        Fate::LostBefore
    });
}

#[tokio::test(start_paused = true)]
async fn a_request_that_arrives_late_undoes_no_later_change() {
    for change in [Change::Add(10), Change::SetTo(110)] {
        let world = World::new(Family::OfficialAccount);
        let gateway = gateway(&world);
        delay(&world, 110);
        let first = gateway.adjust("a", change).await;
        let first = match first {
            // An absolute value is repeated by the pipeline, or by whoever comes next.
            Err(_) => gateway.adjust("a", change).await,
            done => done,
        };
        assert_eq!(first.unwrap().after, 110);
        gateway.add("b", 5).await.unwrap();
        tokio::time::sleep(LATE * 10).await;
        assert_eq!(world.points(), 115, "{change:?}");
    }
}

/// Who comes next ends it, and so does the reconciler.
#[tokio::test(start_paused = true)]
async fn the_next_change_and_the_reconciler_wait_for_it_too() {
    for is_next in [true, false] {
        let world = World::new(Family::OfficialAccount);
        let gateway = gateway(&world);
        delay(&world, 7);
        gateway.adjust("a", Change::SetTo(7)).await.unwrap_err();
        if !is_next {
            let mut reconciler = Reconciler::default();
            gateway.journal.look(&mut reconciler).await.unwrap();
            assert_eq!(gateway.change("a").await.state, ChangeState::Unknown);
            tokio::time::sleep(QUIET * 2).await;
            gateway.journal.look(&mut reconciler).await.unwrap();
            assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
        }
        gateway.add("b", 5).await.unwrap();
        tokio::time::sleep(LATE * 10).await;
        assert_eq!(world.points(), 12, "{is_next}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_the_time_to_wait_says_so_and_a_number_needs_none() {
    let world = World::new(Family::OfficialAccount);
    let gateway = gateway(&world);
    delay(&world, 110);
    let deadline = (Instant::now() + QUIET / 2).into_std();
    let request = AdjustMember::new(member(), Change::Add(10));
    let request = request.with_request_id("a".parse().unwrap());
    let context = context().with_deadline(deadline);
    let error = gateway.members.adjust_points(&context, request).await;
    let error = error.unwrap_err();
    assert_eq!(error.reason(), Reason::OutcomeUnknown);
    assert!(error.is_retryable());
    assert_eq!(gateway.add("a", 10).await.unwrap().after, 110);
    assert_eq!(world.effects(), 1);

    let world = World::new(Family::Merchant);
    let gateway = self::gateway(&world);
    world.wechat.fates([Fate::LostBefore]);
    gateway.add("a", 10).await.unwrap_err();
    let started = Instant::now();
    gateway.add("a", 10).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// A number keeps two requests apart, but what the value says about the first one is true only when that has arrived.
#[tokio::test(start_paused = true)]
async fn a_refused_repeat_proves_nothing_while_the_first_request_is_under_way() {
    let world = World::new(Family::Merchant);
    let gateway = gateway(&world);
    let wechat = world.wechat.clone();
    let mut fates = [Fate::LostBefore, Fate::Refused].into_iter();
    world.wechat.choose(move || {
        let fate = fates.next().unwrap_or_default();
        if fate == Fate::LostBefore {
            let wechat = wechat.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                let mut update = UpdateUserCardRights::new("t1", CODE, "a");
                update.bonus_value = Some(110);
                wechat.serve(&update).unwrap();
            });
        }
        fate
    });
    gateway.add("a", 10).await.unwrap_err();
    let answer = gateway.add("a", 10).await.unwrap();
    assert_eq!(answer, Adjustment::new(Some(100), 110));
    gateway.add("b", 5).await.unwrap();
    assert_eq!((world.points(), world.effects()), (115, 2));
}
