//! An account whose name stands for another merchant number than before.

use super::*;

const OLD: &str = "merchant 1900000001";
const NEW: &str = "merchant 1900000002";

/// The same store, and another WeChat to talk to.
fn elsewhere(world: &World) -> World {
    World {
        family: world.family,
        store: world.store.clone(),
        wechat: ModelWeChat::default().with_member(CODE, 500),
    }
}

impl World {
    fn gateway_as(&self, party: &str) -> Gateway {
        let Gateway {
            journal, replica, ..
        } = self.gateway();
        self.serve_as(journal, replica, party)
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_for_one_merchant_is_never_sent_for_another() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway_as(OLD);
        world.wechat.choose(|| Fate::LostBefore);
        let error = gateway.add("a", 10).await.unwrap_err();
        assert_eq!(error.reason(), Reason::OutcomeUnknown);
        world.wechat.choose(|| Fate::Answered);

        let other = elsewhere(&world);
        let Gateway {
            journal, replica, ..
        } = gateway;
        let gateway = other.serve_as(journal, replica, NEW);
        gateway.reconcile().await;
        let record = gateway.change("a").await;
        assert_eq!(
            (record.state, record.needs_decision),
            (ChangeState::Unknown, false),
            "{family}"
        );
        let told = record.error.unwrap();
        assert!(told.message().contains("merchant number"), "{told:?}");
        assert_eq!(other.effects(), 0, "{family}");

        // The account is what it was again.
        let Gateway {
            journal, replica, ..
        } = gateway;
        let gateway = world.serve_as(journal, replica, OLD);
        let answer = gateway.add("a", 10).await.unwrap();
        assert_eq!(answer, Adjustment::new(Some(100), 110));
        assert_eq!((world.points(), world.effects()), (110, 1), "{family}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_for_one_merchant_is_no_answer_for_another() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway_as(OLD);
        gateway.add("a", 10).await.unwrap();

        let other = elsewhere(&world);
        let Gateway {
            journal, replica, ..
        } = gateway;
        let gateway = other.serve_as(journal, replica, NEW);
        let error = gateway.add("a", 10).await.unwrap_err();
        assert_eq!(error.reason(), Reason::RequestIdReused, "{family}");
        assert_eq!(other.effects(), 0);
        gateway.add("b", 10).await.unwrap();
        assert_eq!(other.points(), 510);
    }
}

/// Calls of both configurations are under way while one takes the place of the other.
#[tokio::test(start_paused = true)]
async fn a_call_for_one_merchant_does_not_wait_for_that_of_another() {
    let world = World::new(Family::Merchant);
    let old = world.gateway_as(OLD);
    let other = elsewhere(&world);
    let new = other.serve_as(old.journal.clone(), old.replica.clone(), NEW);
    world.wechat.fates([Fate::Late(Duration::from_secs(1))]);
    let (done, refused) = tokio::join!(old.add("a", 10), new.add("a", 10));
    assert_eq!(done.unwrap().after, 110);
    assert_eq!(refused.unwrap_err().reason(), Reason::RequestIdReused);
}

/// What an earlier program has written says nothing of that.
#[tokio::test]
async fn a_change_that_names_nobody_is_believed() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    let done = gateway.add("a", 10).await.unwrap();
    let Gateway {
        journal, replica, ..
    } = gateway;
    let gateway = world.serve_as(journal, replica, OLD);
    assert_eq!(gateway.add("a", 10).await.unwrap(), done);
    assert_eq!(world.effects(), 1);
}
