//! Lists of changes under the id of a batch, as the facade runs them: compared first, then one item after another.

use kabao_api::Method;

use super::*;

const PLACES: u32 = 10;

impl Gateway {
    /// Begins a list of additions to the one member.
    async fn begin(&self, points: &[i64]) -> Result<CallContext, Error> {
        let list = format!("{points:?}");
        let (context, id) = (context(), batch());
        let begun = self.changes.begin_batch(&context, &id, list.as_bytes());
        let context = begun.await?;
        for (place, points) in (0..).zip(points) {
            let content = Method::AdjustPoints.content(&item(place, *points)).unwrap();
            let id = batch().item(place);
            if self.changes.is_reused(&id, &content).await? {
                return Err(Error::new(Reason::RequestIdReused, "another item"));
            }
        }
        let length = u32::try_from(points.len()).unwrap();
        let vacant: Vec<_> = (length..PLACES).map(|place| batch().item(place)).collect();
        match self.changes.first_known(&vacant).await? {
            None => Ok(context),
            Some(_) => Err(Error::new(Reason::RequestIdReused, "an item is missing")),
        }
    }

    async fn run(&self, points: &[i64]) -> Result<Vec<i64>, Error> {
        let context = self.begin(points).await?;
        let mut done = Vec::new();
        for (place, points) in (0..).zip(points) {
            let item = item(place, *points);
            let adjustment = self.members.adjust_points(&context, item).await?;
            done.push(adjustment.after);
        }
        Ok(done)
    }
}

fn batch() -> RequestId {
    "batch-1".parse().unwrap()
}

fn item(place: u32, points: i64) -> AdjustMember {
    AdjustMember::new(member(), Change::Add(points)).with_request_id(batch().item(place))
}

/// Each alone would be compared with a store that knows nothing yet.
#[tokio::test(start_paused = true)]
async fn two_lists_under_one_id_at_once_are_not_both_carried_out() {
    for family in FAMILIES {
        for is_shared in [false, true] {
            let world = World::new(family);
            let one = world.gateway();
            let other = is_shared.then(|| world.gateway());
            let two = other.as_ref().unwrap_or(&one);
            let (first, second) = tokio::join!(one.run(&[10, 20]), two.run(&[5, 10, 20]));
            assert_eq!(first.unwrap(), [110, 130], "{family}");
            assert_eq!(second.unwrap_err().reason(), Reason::RequestIdReused);
            assert_eq!((world.points(), world.effects()), (130, 2), "{family}");
            // A list that has the first one is taken then.
            assert_eq!(two.run(&[10, 20, 30]).await.unwrap(), [110, 130, 160]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_list_at_once_from_many_callers_is_carried_out_once() {
    for family in FAMILIES {
        for is_shared in [false, true] {
            let world = World::new(family);
            let one = world.gateway();
            let other = is_shared.then(|| world.gateway());
            let two = other.as_ref().unwrap_or(&one);
            let (first, second) = tokio::join!(one.run(&[10, 20]), two.run(&[10, 20]));
            assert_eq!(first.unwrap(), [110, 130], "{family}");
            assert_eq!(second.unwrap(), [110, 130], "{family}");
            assert_eq!((world.points(), world.effects()), (130, 2), "{family}");
        }
    }
}

/// Whoever has the same list in the same process does not wait: the first call may be of a caller that nobody reads any
/// more.
#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_end_keeps_only_other_calls_waiting_and_not_for_good() {
    let world = World::new(Family::Merchant);
    let (one, two) = (world.gateway(), world.gateway());
    let stuck = one.begin(&[10, 20]).await.unwrap();
    assert_eq!(one.run(&[10, 20]).await.unwrap(), [110, 130]);
    for (gateway, list) in [(&one, vec![10, 20, 30]), (&two, vec![10, 20])] {
        let error = gateway.run(&list).await.unwrap_err();
        assert_eq!(error.reason(), Reason::InProgress);
        assert!(
            error.may_have_executed(),
            "the other call may have: {error:?}"
        );
    }
    // Items that run on without their call are part of it.
    let item = stuck.clone();
    drop(stuck);
    assert!(two.run(&[10, 20]).await.is_err());
    drop(item);
    for gateway in [&one, &two] {
        assert_eq!(gateway.run(&[10, 20]).await.unwrap(), [110, 130]);
    }
}

/// A corrected list may have the id of one of which nothing was sent.
#[tokio::test(start_paused = true)]
async fn a_list_of_which_nothing_was_sent_binds_nobody() {
    let world = World::new(Family::OfficialAccount);
    let gateway = world.gateway();
    drop(gateway.begin(&[1, 2, 3]).await.unwrap());
    assert_eq!(gateway.run(&[10, 20]).await.unwrap(), [110, 130]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_taken_for_dead_sends_nothing_more_of_its_list() {
    for family in FAMILIES {
        let world = World::new(family);
        let (one, two) = (world.gateway(), world.gateway());
        let list = one.begin(&[10, 20]).await.unwrap();
        one.members.adjust_points(&list, item(0, 10)).await.unwrap();
        world.store.bury(replica_name(&one));
        // What was begun is known, and so is what was not.
        let other = two.run(&[5, 10, 20]).await.unwrap_err();
        assert_eq!(other.reason(), Reason::RequestIdReused);
        assert_eq!(two.run(&[10, 30]).await.unwrap(), [110, 140]);
        let late = one.members.adjust_points(&list, item(1, 20)).await;
        assert_eq!(late.unwrap_err().reason(), Reason::RequestIdReused);
        let late = one.members.adjust_points(&list, item(2, 20)).await;
        assert_eq!(late.unwrap_err().reason(), Reason::Store);
        assert_eq!((world.points(), world.effects()), (140, 2), "{family}");
    }
}

/// An item that was sent before may run, whatever keeps its repeat from being looked into.
#[tokio::test(start_paused = true)]
async fn a_list_that_lost_its_right_says_of_which_items_it_knows_nothing() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    let list = gateway.begin(&[10, 20]).await.unwrap();
    world.wechat.fates([Fate::LostBefore]);
    let item = |place| gateway.members.adjust_points(&list, item(place, 10));
    assert!(item(0).await.is_err());
    world.store.bury(replica_name(&gateway));
    for (place, may_have_executed) in [(0, true), (1, false)] {
        let error = item(place).await.unwrap_err();
        assert_eq!(error.reason(), Reason::Store);
        assert_eq!(error.may_have_executed(), may_have_executed, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_list_of_a_process_that_crashed_is_compared_like_any_other() {
    for family in FAMILIES {
        let world = World::new(family);
        let one = world.gateway();
        let list = one.begin(&[10, 20]).await.unwrap();
        world.wechat.fates([Fate::LostAfter]);
        let lost = one.members.adjust_points(&list, item(0, 10)).await;
        assert_eq!(lost.is_ok(), family == Family::OfficialAccount, "{lost:?}");
        let two = world.crash(one);
        let other = two.run(&[5, 10, 20]).await.unwrap_err();
        assert_eq!(other.reason(), Reason::RequestIdReused);
        assert_eq!(two.run(&[10, 20]).await.unwrap(), [110, 130]);
        assert_eq!((world.points(), world.effects()), (130, 2), "{family}");
        drop(list);
    }
}
