//! Several processes over one store.

use super::*;

#[tokio::test(start_paused = true)]
async fn two_replicas_lose_no_addition() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateways = [Arc::new(world.gateway()), Arc::new(world.gateway())];
        let mut calls = Vec::new();
        for number in 0..40 {
            let gateway = Arc::clone(&gateways[number % 2]);
            calls.push(tokio::spawn(async move {
                gateway.add(&format!("n-{number}"), 1).await
            }));
        }
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!((world.points(), world.effects()), (140, 40), "{family}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_id_on_two_replicas_makes_one_effect() {
    for family in FAMILIES {
        let world = World::new(family);
        let (one, two) = (world.gateway(), world.gateway());
        let (first, second) = tokio::join!(one.add("a", 10), two.add("a", 10));
        let expected = Adjustment::new(Some(100), 110);
        assert_eq!((first.unwrap(), second.unwrap()), (expected, expected));
        assert_eq!(world.effects(), 1);
    }
}

/// The first call got through to one replica, and the repeat to another one, which heard of it too late.
#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_for_its_own_change_is_not_told_that_nothing_was_sent() {
    for family in FAMILIES {
        let world = World::new(family);
        let (one, two) = (world.gateway(), world.gateway());
        // Long enough for the second to give up.
        world.wechat.fates([Fate::Late(Duration::from_secs(10))]);
        let (first, second) = tokio::join!(one.add("a", 10), two.add("a", 10));
        let error = second.unwrap_err();
        assert_eq!(error.reason(), Reason::InProgress, "{family}");
        assert!(error.may_have_executed(), "{error:?}");
        assert_eq!(first.unwrap().after, 110);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_could_not_be_given_back_keeps_nobody_out_for_long() {
    for family in FAMILIES {
        let world = World::new(family);
        let (one, two) = (world.gateway(), world.gateway());
        world.store.keep_leases(2);
        one.add("a", 10).await.unwrap();
        for (gateway, id) in [(&one, "b"), (&two, "c")] {
            gateway.add(id, 1).await.unwrap();
        }
        assert_eq!(world.points(), 112, "{family}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lost_its_place_sends_nothing_for_others_either() {
    let world = World::new(Family::OfficialAccount);
    let (one, two) = (world.gateway(), world.gateway());
    world.wechat.fates([Fate::LostBefore]);
    let set = one.adjust("a", Change::SetTo(7)).await;
    assert_eq!(set.unwrap_err().reason(), Reason::OutcomeUnknown);
    // The second takes it up, and counts as dead from then on.
    world.store.bury(replica_name(&two));
    two.reconcile().await;
    assert_eq!(world.effects(), 0, "another replica may have the change");
    let record = one.change("a").await;
    assert_eq!(
        (record.state, record.needs_decision),
        (ChangeState::Unknown, false)
    );
    one.reconcile().await;
    assert_eq!((world.points(), world.effects()), (7, 1));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lost_its_place_writes_no_end() {
    let world = World::new(Family::OfficialAccount);
    let (one, two) = (world.gateway(), world.gateway());
    let (store, name) = (world.store.clone(), replica_name(&one).to_owned());
    // The first is taken for dead while it waits for its answer, and the second takes over.
    world.wechat.choose({
        let mut first = true;
        move || {
            if std::mem::take(&mut first) {
                store.bury(&name);
                return Fate::Late(Duration::from_secs(3));
            }
            Fate::Answered
        }
    });
    let (stale, answer) = tokio::join!(one.add("a", 10), two.add("a", 10));
    assert_eq!(answer.unwrap(), Adjustment::new(Some(100), 110));
    let error = stale.unwrap_err();
    assert!(
        error.reason() == Reason::OutcomeUnknown && error.is_retryable(),
        "{error:?}"
    );
    assert_eq!((world.points(), world.effects()), (110, 1));
    // And what it would send now stays with it.
    let error = one.add("b", 1).await.unwrap_err();
    assert!(!error.may_have_executed(), "{error:?}");
    assert_eq!(world.points(), 110);
}

#[tokio::test(start_paused = true)]
async fn what_ran_elsewhere_for_long_is_taken_over_at_once_when_that_one_is_gone() {
    for family in FAMILIES {
        let world = World::new(family);
        let (one, two) = (Arc::new(world.gateway()), world.gateway());
        world.wechat.fates([Fate::Late(Duration::from_mins(10))]);
        let call = tokio::spawn({
            let one = Arc::clone(&one);
            async move { one.add("a", 10).await }
        });
        let mut reconciler = Reconciler::default();
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            two.journal.look(&mut reconciler).await.unwrap();
            assert_eq!(two.change("a").await.state, ChangeState::Intent);
        }
        world.store.bury(replica_name(&one));
        two.journal.look(&mut reconciler).await.unwrap();
        assert_eq!(
            two.change("a").await.state,
            ChangeState::Applied,
            "{family}"
        );
        assert_eq!((world.points(), world.effects()), (110, 1));
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_in_order_is_not_waited_for() {
    for family in FAMILIES {
        let world = World::new(family);
        let (one, two) = (Arc::new(world.gateway()), world.gateway());
        world.wechat.fates([Fate::Late(Duration::from_mins(10))]);
        let call = tokio::spawn({
            let one = Arc::clone(&one);
            async move { one.add("a", 10).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        // A request is under way: whoever takes it over has to wait, and so it does not leave.
        assert!(!one.journal.leave(Duration::ZERO).await.unwrap());
        two.reconcile().await;
        assert_eq!(two.change("a").await.state, ChangeState::Intent);
        call.abort();
        let _ = call.await;
        assert!(one.journal.leave(Duration::ZERO).await.unwrap());
        // It looks after nothing any more.
        one.journal.reconcile().await;
        two.reconcile().await;
        assert_eq!(
            two.change("a").await.state,
            ChangeState::Applied,
            "{family}"
        );
        assert_eq!((world.points(), world.effects()), (110, 1));
        let error = one.add("b", 1).await.unwrap_err();
        assert!(!error.may_have_executed(), "{error:?}");
    }
}
