//! Lost answers: every change ends by proof.

use super::*;
use crate::{ChangeKey, ChangeStore, Fingerprint, NewChange};

#[tokio::test]
async fn a_lost_answer_costs_nothing() {
    for family in FAMILIES {
        for fate in [Fate::LostBefore, Fate::LostAfter] {
            let world = World::new(family);
            let gateway = world.gateway();
            world.wechat.fates([fate]);
            let first = gateway.add("a", 10).await;
            // The merchant family needs its repeat, which the pipeline of the client makes by itself.
            if let Err(error) = &first {
                assert!(error.reason() == Reason::OutcomeUnknown && error.is_retryable());
                assert_eq!(family, Family::Merchant);
            }
            let answer = gateway.add("a", 10).await.unwrap();
            assert_eq!(answer, Adjustment::new(Some(100), 110), "{family} {fate:?}");
            assert_eq!(
                (world.points(), world.effects()),
                (110, 1),
                "{family} {fate:?}"
            );
            assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
        }
    }
}

#[tokio::test]
async fn what_nobody_repeats_is_ended_by_the_reconciler() {
    for family in FAMILIES {
        for fate in [Fate::LostBefore, Fate::LostAfter] {
            let world = World::new(family);
            let gateway = world.gateway();
            // Every answer of the first process is lost.
            world
                .wechat
                .fates([fate, Fate::LostAfter, Fate::LostAfter, Fate::LostAfter]);
            let _ = gateway.add("a", 10).await;
            world.wechat.fates([]);
            let gateway = world.crash(gateway);
            gateway.reconcile().await;
            assert_eq!(
                gateway.change("a").await.state,
                ChangeState::Applied,
                "{family} {fate:?}"
            );
            assert_eq!(world.points(), 110, "{family} {fate:?}");
            let answer = gateway.add("a", 10).await.unwrap();
            assert_eq!(answer, Adjustment::new(Some(100), 110));
            // Kept from now on.
            assert_eq!(gateway.add("a", 10).await.unwrap(), answer);
        }
    }
}

/// Its sealing key may be gone, for instance.
#[tokio::test]
async fn a_plan_that_nobody_can_read_keeps_no_other_change_from_its_end() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    let spoiled = NewChange {
        key: ChangeKey {
            account: account(),
            id: "spoiled".parse().unwrap(),
        },
        method: "AdjustPoints".to_owned(),
        fingerprint: Fingerprint([0; 32]),
        subject: None,
        lease: None,
        plan: Vec::new(),
        time: TestClock.now(),
    };
    gateway.replica.begin(spoiled).await.unwrap();
    world.wechat.choose(|| Fate::LostAfter);
    let error = gateway.add("a", 10).await.unwrap_err();
    assert_eq!(error.reason(), Reason::OutcomeUnknown);
    world.wechat.choose(|| Fate::Answered);
    gateway.reconcile().await;
    assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
    let counts = gateway.journal.counts();
    assert_eq!((counts.open, counts.unknown), (2, 1), "as it was found");
    gateway.reconcile().await;
    assert_eq!(gateway.journal.counts().open, 1, "it is not forgotten");
    let list = ListChanges::new(account());
    let listed = gateway.changes.list_changes(list).await.unwrap().items;
    let shown: Vec<_> = listed
        .iter()
        .map(|change| change.name.id().as_str())
        .collect();
    assert_eq!(shown, ["a", "spoiled"]);
}

#[tokio::test]
async fn changes_of_an_account_that_is_not_served_any_more_go_on_when_it_is_served_again() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    world.wechat.choose(|| Fate::LostAfter);
    let error = gateway.add("a", 10).await.unwrap_err();
    assert_eq!(error.reason(), Reason::OutcomeUnknown);
    world.wechat.choose(|| Fate::Answered);
    let Gateway {
        replica,
        journal,
        members,
        upstream,
        changes,
    } = gateway;
    drop((members, upstream, changes));
    let mut reconciler = Reconciler::default();
    for _ in 0..3 {
        journal.look(&mut reconciler).await.unwrap();
        let counts = journal.counts();
        assert_eq!((counts.open, counts.unserved), (1, 1));
    }

    let gateway = world.serve(journal, replica);
    gateway.journal.look(&mut reconciler).await.unwrap();
    assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
    assert_eq!(world.points(), 110);
    gateway.journal.look(&mut reconciler).await.unwrap();
    assert_eq!(gateway.journal.counts().unserved, 0);
}

#[tokio::test]
async fn what_fits_neither_value_is_for_a_person() {
    let world = World::new(Family::OfficialAccount);
    let gateway = world.gateway();
    let wechat = world.wechat.clone();
    // Somebody else writes while the answer is lost.
    world.wechat.choose(move || {
        let _ = &wechat;
        Fate::LostBefore
    });
    let behind = world.wechat.clone();
    let add = gateway.add("a", 10);
    let meanwhile = async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        behind.set_points(CODE, 137);
    };
    let (error, ()) = tokio::join!(add, meanwhile);
    assert_eq!(error.unwrap_err().reason(), Reason::OutcomeUnknown);
    world.wechat.choose(|| Fate::Answered);
    gateway.reconcile().await;
    let record = gateway.change("a").await;
    assert_eq!(
        (record.state, record.needs_decision),
        (ChangeState::Unknown, true)
    );
    let value = record.value.unwrap();
    assert_eq!(
        (value.before, value.after, record.found),
        (Some(100), 110, Some(137))
    );
    assert_eq!(gateway.journal.counts().needs_decision, 1);

    // Nobody gets past it.
    assert!(gateway.changes.is_changing(&member()));
    let error = gateway.add("b", 1).await.unwrap_err();
    assert_eq!(error.reason(), Reason::EarlierChangeOpen);
    assert_eq!(world.effects(), 0);

    let decision = Decision {
        applied: false,
        note: "the till has written 137".into(),
        caller: Some("office".parse().unwrap()),
    };
    let wrong = Decision {
        note: "".into(),
        ..decision.clone()
    };
    let name = change_name("a");
    let error = gateway
        .changes
        .resolve_change(&name, wrong)
        .await
        .unwrap_err();
    assert_eq!(error.violations()[0].field, "note");
    let record = gateway
        .changes
        .resolve_change(&name, decision.clone())
        .await
        .unwrap();
    assert_eq!(
        (record.state, record.decision.clone()),
        (ChangeState::Rejected, Some(decision.clone()))
    );
    let error = gateway
        .changes
        .resolve_change(&name, decision)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::ChangeEnded);
    assert_eq!(error.preconditions()[0].subject, name.to_string());
    assert_eq!(
        error.to_string(),
        format!("{name} has ended: it is REJECTED")
    );
    assert_eq!(
        gateway.add("b", 1).await.unwrap(),
        Adjustment::new(Some(137), 138)
    );
    // Whoever repeats it hears what was decided.
    assert_eq!(
        gateway.add("a", 10).await.unwrap_err().reason(),
        Reason::UpstreamRefused
    );
    assert_eq!(world.points(), 138);
}

#[tokio::test]
async fn a_number_that_this_change_has_not_sent_is_somebody_elses() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    gateway.add("a", 10).await.unwrap();
    // Another system, or a journal of long ago, has used the number.
    let empty = World {
        family: Family::Merchant,
        store: ModelStore::new(),
        wechat: world.wechat.clone(),
    };
    let gateway = empty.gateway();
    let error = gateway.add("a", 25).await.unwrap_err();
    assert_eq!(error.reason(), Reason::RequestNumberUsed);
    assert_eq!(world.points(), 110);
    assert_eq!(gateway.change("a").await.state, ChangeState::Rejected);
}

#[tokio::test]
async fn a_later_change_of_the_member_waits_for_the_end_of_the_earlier_one() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway();
        world
            .wechat
            .fates([Fate::LostAfter, Fate::LostAfter, Fate::LostAfter]);
        let _ = gateway.add("a", 10).await;
        world.wechat.fates([]);
        let gateway = world.crash(gateway);
        // The second finds the first open, brings it to its end, and only then reads.
        let second = gateway.add("b", 5).await.unwrap();
        assert_eq!(second, Adjustment::new(Some(110), 115), "{family}");
        assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
        assert_eq!(world.points(), 115);
    }
}

#[tokio::test]
async fn changes_are_listed_from_the_newest_and_watched_to_their_end() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    for id in ["a", "b", "c"] {
        gateway.add(id, 1).await.unwrap();
    }
    let mut list = ListChanges::new(account());
    list.page = kabao_api::PageRequest::new().with_size(2);
    let first = gateway.changes.list_changes(list.clone()).await.unwrap();
    let ids = |page: &kabao_api::Page<ChangeRecord>| -> Vec<String> {
        page.items
            .iter()
            .map(|record| record.name.id().to_string())
            .collect()
    };
    assert_eq!(ids(&first), ["c", "b"]);
    list.page.token = first.next;
    assert_eq!(
        ids(&gateway.changes.list_changes(list).await.unwrap()),
        ["a"]
    );

    let watch = gateway
        .changes
        .watch_change(&change_name("a"), None)
        .await
        .unwrap();
    assert_eq!(watch.state, ChangeState::Applied);
}

#[tokio::test]
async fn a_change_that_has_ended_is_not_told_as_running_whenever_the_reconciler_looked() {
    for family in FAMILIES {
        for steps in 0..20 {
            let world = World::new(family);
            let gateway = world.gateway();
            let looks = async {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                gateway.reconcile().await;
            };
            let (added, ()) = tokio::join!(gateway.add("a", 10), looks);
            added.unwrap();
            assert!(
                !gateway.changes.is_changing(&member()),
                "{family}, {steps} steps"
            );
        }
    }
}

/// Two accounts of one merchant number, or two systems: an id is unique in one account only, a number to WeChat.
#[tokio::test(start_paused = true)]
async fn a_number_that_somebody_else_has_used_proves_nothing() {
    let world = World::new(Family::Merchant);
    world.wechat.refuse_used_numbers();
    let wechat = world.wechat.clone().with_member("2002", 50);
    let gateway = world.gateway();
    let mut other = UpdateUserCardRights::new("t1", "2002", "a");
    other.bonus_value = Some(60);
    wechat.serve(&other).unwrap();

    // The first request is lost, so what WeChat says of the second may mean either.
    world.wechat.fates([Fate::LostBefore]);
    let error = gateway.add("a", 10).await.unwrap_err();
    assert_eq!(error.reason(), Reason::OutcomeUnknown);
    let error = gateway.add("a", 10).await.unwrap_err();
    assert_eq!(error.reason(), Reason::OutcomeUnknown);
    let record = gateway.change("a").await;
    assert_eq!(
        (record.state, record.needs_decision, record.found),
        (ChangeState::Unknown, true, Some(100))
    );
    assert_eq!(world.points(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_was_used_is_proof_where_the_value_says_nothing_against_it() {
    // The value that was written, and one that somebody else has written since.
    for since in [None, Some(115)] {
        let world = World::new(Family::Merchant);
        world.wechat.refuse_used_numbers();
        let gateway = world.gateway();
        world.wechat.fates([Fate::LostAfter]);
        gateway.add("a", 10).await.unwrap_err();
        if let Some(points) = since {
            world.wechat.set_points(CODE, points);
        }
        let answer = gateway.add("a", 10).await.unwrap();
        assert_eq!(answer, Adjustment::new(Some(100), 110), "{since:?}");
        assert_eq!(world.effects(), 1);
    }
}
