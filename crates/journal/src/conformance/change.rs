//! What may become of one change.

use kabao_api::ChangeState;

use super::{Fixture, Opened, account, applied, change, fresh, held, key, ok, open_of, time};
use crate::store::{Begun, ChangeUpdate, Held, Lease, NewChange, StoredChange, Ticket};

/// Everything that was written comes back.
pub async fn a_change_that_was_begun_is_found_whole(fixture: &dyn Fixture) {
    let Opened { changes, leases } = fixture.open().await;
    let new = change("a", "1");
    let ticket = fresh(changes.begin(new.clone()).await);
    assert!(!changes.is_new(&new.key), "nobody may take it for new");
    let expected = StoredChange {
        ticket,
        key: new.key.clone(),
        method: new.method,
        fingerprint: new.fingerprint,
        state: ChangeState::Intent,
        owner: leases.replica().to_owned(),
        plan: new.plan,
        answer: None,
        create_time: new.time,
        update_time: new.time,
    };
    assert_eq!(ok(changes.find(&new.key).await), Some(expected.clone()));
    let found = open_of(&*changes, &new.key.account, "subject 1").await;
    assert_eq!(found, Some(expected));
    for absent in [key("a", "2"), key("b", "1")] {
        assert_eq!(ok(changes.find(&absent).await), None);
    }
    let other = account("b");
    assert_eq!(open_of(&*changes, &other, "subject 1").await, None);
    assert_eq!(open_of(&*changes, &new.key.account, "subject").await, None);
}

/// An id means one change of its account, open or ended.
pub async fn a_second_begin_of_an_id_finds_the_first(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let ticket = fresh(changes.begin(change("a", "1")).await);
    let again = NewChange {
        plan: b"another plan".to_vec(),
        subject: Some("another subject".to_owned()),
        ..change("a", "1")
    };
    let first = ok(changes.find(&key("a", "1")).await).expect("it was begun");
    let expected = Begun::Exists(Box::new(first));
    assert_eq!(ok(changes.begin(again.clone()).await), expected);
    // Its own subject is blocked by itself, which is not the answer.
    assert_eq!(ok(changes.begin(change("a", "1")).await), expected);
    ok(changes.update(ticket, applied(Some(b"answer"))).await);
    assert!(!changes.is_new(&key("a", "1")), "nor when it has ended");
    let ended = ok(changes.find(&key("a", "1")).await).expect("it was begun");
    assert_eq!(
        ok(changes.begin(again).await),
        Begun::Exists(Box::new(ended))
    );
    fresh(changes.begin(change("b", "1")).await);
}

/// One change of a subject is open at a time, in each account.
pub async fn an_open_change_blocks_others_of_its_subject(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let second = NewChange {
        subject: Some("subject 1".to_owned()),
        ..change("a", "2")
    };
    let ticket = fresh(changes.begin(change("a", "1")).await);
    for state in [ChangeState::Intent, ChangeState::Sent, ChangeState::Unknown] {
        let update = ChangeUpdate {
            state,
            ..applied(None)
        };
        assert_eq!(ok(changes.update(ticket, update).await), Held::Yes);
        let first = ok(changes.find(&key("a", "1")).await).expect("it was begun");
        assert_eq!(first.state, state);
        assert_eq!(
            ok(changes.begin(second.clone()).await),
            Begun::Blocked(Box::new(first))
        );
        assert_eq!(ok(changes.find(&key("a", "2")).await), None);
    }
    let elsewhere = NewChange {
        subject: Some("subject 1".to_owned()),
        ..change("b", "2")
    };
    fresh(changes.begin(elsewhere).await);
    for id in ["3", "4"] {
        let of_nothing = NewChange {
            subject: None,
            ..change("a", id)
        };
        fresh(changes.begin(of_nothing).await);
    }
    ok(changes.update(ticket, applied(None)).await);
    let next = fresh(changes.begin(second).await);
    let open = open_of(&*changes, &account("a"), "subject 1")
        .await
        .expect("one is open");
    assert_eq!(open.ticket, next);
    let rejected = ChangeUpdate {
        state: ChangeState::Rejected,
        ..applied(None)
    };
    ok(changes.update(next, rejected).await);
    assert_eq!(open_of(&*changes, &account("a"), "subject 1").await, None);
}

/// A lease that was given back, or that nobody ever gave, begins nothing.
pub async fn a_change_is_begun_only_under_its_lease(fixture: &dyn Fixture) {
    let Opened { changes, leases } = fixture.open().await;
    let under = |id: &str, lease: &Lease| NewChange {
        lease: Some(lease.clone()),
        ..change("a", id)
    };
    let lease = held(leases.acquire("member 1").await);
    let foreign = Lease {
        fence: lease.fence + 1,
        ..lease.clone()
    };
    let unknown = Lease {
        name: "member 2".to_owned(),
        ..lease.clone()
    };
    for wrong in [&foreign, &unknown] {
        assert_eq!(ok(changes.begin(under("1", wrong)).await), Begun::LeaseLost);
    }
    assert_eq!(ok(changes.find(&key("a", "1")).await), None);
    fresh(changes.begin(under("1", &lease)).await);
    ok(leases.release(lease.clone()).await);
    assert_eq!(
        ok(changes.begin(under("2", &lease)).await),
        Begun::LeaseLost
    );
    let again = held(leases.acquire("member 1").await);
    assert_eq!(
        ok(changes.begin(under("2", &lease)).await),
        Begun::LeaseLost
    );
    // What is there already is told whoever asks.
    let exists = ok(changes.begin(under("1", &lease)).await);
    assert!(matches!(exists, Begun::Exists(_)), "{exists:?}");
    fresh(changes.begin(under("2", &again)).await);
}

/// What an update leaves out stays.
pub async fn an_update_writes_what_it_says(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let new = change("a", "1");
    let ticket = fresh(changes.begin(new.clone()).await);
    let sent = ChangeUpdate {
        state: ChangeState::Sent,
        plan: Some(b"new plan".to_vec()),
        answer: None,
        time: time(2),
    };
    assert_eq!(ok(changes.update(ticket, sent).await), Held::Yes);
    let found = ok(changes.find(&new.key).await).expect("it was begun");
    assert_eq!(found.state, ChangeState::Sent);
    assert_eq!(found.plan, b"new plan");
    assert_eq!((found.answer, found.update_time), (None, time(2)));
    assert_eq!((found.ticket, found.create_time), (ticket, new.time));
    assert_eq!(
        ok(changes.update(ticket, applied(Some(b"answer"))).await),
        Held::Yes
    );
    let found = ok(changes.find(&new.key).await).expect("it was begun");
    assert_eq!(found.state, ChangeState::Applied);
    assert_eq!(found.plan, b"new plan");
    assert_eq!(found.answer.as_deref(), Some(b"answer".as_slice()));
}

/// A claim makes all earlier tickets worthless.
pub async fn a_ticket_that_was_claimed_away_writes_nothing(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let stale = fresh(changes.begin(change("a", "1")).await);
    let ticket = ok(changes.claim(stale).await).expect("it is open");
    assert_eq!(ticket.sequence, stale.sequence);
    assert!(ticket.fence > stale.fence);
    let before = ok(changes.find(&key("a", "1")).await).expect("it was begun");
    assert_eq!(before.ticket, ticket);
    let never = Ticket {
        fence: ticket.fence + 1,
        ..ticket
    };
    let nowhere = Ticket {
        sequence: ticket.sequence + 1,
        ..ticket
    };
    for wrong in [stale, never, nowhere] {
        let update = applied(Some(b"answer"));
        assert_eq!(ok(changes.update(wrong, update).await), Held::Lost);
        assert_eq!(ok(changes.forget(wrong).await), Held::Lost);
        assert_eq!(ok(changes.claim(wrong).await), None);
    }
    assert_eq!(ok(changes.find(&key("a", "1")).await), Some(before));
    assert_eq!(ok(changes.update(ticket, applied(None)).await), Held::Yes);
}

/// Nothing leads out of an end.
pub async fn what_has_ended_takes_only_the_answer_that_it_lacks(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let ticket = fresh(changes.begin(change("a", "1")).await);
    assert_eq!(ok(changes.update(ticket, applied(None)).await), Held::Yes);
    let ended = ok(changes.find(&key("a", "1")).await).expect("it was begun");
    for state in [
        ChangeState::Rejected,
        ChangeState::Intent,
        ChangeState::Unknown,
    ] {
        let other = ChangeUpdate {
            state,
            ..applied(Some(b"answer"))
        };
        assert_eq!(ok(changes.update(ticket, other).await), Held::Lost);
    }
    assert_eq!(ok(changes.claim(ticket).await), None);
    assert_eq!(ok(changes.forget(ticket).await), Held::Lost);
    assert_eq!(ok(changes.find(&key("a", "1")).await), Some(ended.clone()));
    let late = ChangeUpdate {
        plan: Some(b"no plan any more".to_vec()),
        time: time(9),
        ..applied(Some(b"answer"))
    };
    assert_eq!(ok(changes.update(ticket, late).await), Held::Yes);
    let answered = StoredChange {
        answer: Some(b"answer".to_vec()),
        ..ended
    };
    assert_eq!(
        ok(changes.find(&key("a", "1")).await),
        Some(answered.clone())
    );
    let second = applied(Some(b"another answer"));
    assert_eq!(ok(changes.update(ticket, second).await), Held::Lost);
    assert_eq!(ok(changes.find(&key("a", "1")).await), Some(answered));
}

/// A corrected call may keep its id, and the ticket of what was forgotten means nothing for it.
pub async fn what_is_forgotten_frees_its_id_and_its_subject(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let first = fresh(changes.begin(change("a", "1")).await);
    assert_eq!(ok(changes.forget(first).await), Held::Yes);
    assert_eq!(ok(changes.find(&key("a", "1")).await), None);
    assert_eq!(open_of(&*changes, &account("a"), "subject 1").await, None);
    assert_eq!(ok(changes.forget(first).await), Held::Lost);
    let second = fresh(changes.begin(change("a", "1")).await);
    assert!(
        second.sequence > first.sequence,
        "places are never used again"
    );
    assert_eq!(ok(changes.update(first, applied(None)).await), Held::Lost);
    assert_eq!(ok(changes.forget(first).await), Held::Lost);
    let found = ok(changes.find(&key("a", "1")).await).expect("it was begun again");
    assert_eq!((found.ticket, found.state), (second, ChangeState::Intent));
}
