//! Restarts, and what processes hold.

use std::sync::Arc;

use super::{Fixture, Opened, all, applied, at_once, change, fresh, held, key, ok};
use crate::store::{Acquired, Begun, Held, NewChange};

/// What was answered is there after a restart, and later changes have later places.
pub async fn everything_survives_a_restart(fixture: &dyn Fixture) {
    let Opened { changes, leases } = fixture.open().await;
    let open = fresh(changes.begin(change("a", "1")).await);
    let ended = fresh(changes.begin(change("a", "2")).await);
    let forgotten = fresh(changes.begin(change("a", "3")).await);
    ok(changes.update(ended, applied(Some(b"answer"))).await);
    ok(changes.forget(forgotten).await);
    let before = ok(changes.list(&all()).await);
    assert_eq!(before.len(), 2);
    drop((changes, leases));
    let Opened { changes, leases } = fixture.open().await;
    assert_eq!(ok(changes.list(&all()).await), before);
    let exists = ok(changes.begin(change("a", "2")).await);
    assert!(matches!(exists, Begun::Exists(_)), "{exists:?}");
    let next = fresh(changes.begin(change("a", "3")).await);
    assert!(
        next.sequence > forgotten.sequence,
        "places are never used again"
    );
    let claimed = ok(changes.claim(open).await).expect("it is open");
    let update = applied(Some(b"late"));
    assert_eq!(ok(changes.update(claimed, update).await), Held::Yes);
    let found = ok(changes.find(&key("a", "1")).await).expect("it was begun");
    assert_eq!(found.answer.as_deref(), Some(b"late".as_slice()));
    assert_eq!(found.owner, leases.replica());
}

/// Equal contents have equal fingerprints, also after a restart.
pub async fn fingerprints_tell_contents_apart_and_last(fixture: &dyn Fixture) {
    let Opened { changes, leases } = fixture.open().await;
    let before = ok(changes.fingerprint(b"content"));
    assert_ne!(before, ok(changes.fingerprint(b"Content")));
    assert_ne!(before, ok(changes.fingerprint(b"")));
    drop((changes, leases));
    let Opened { changes, .. } = fixture.open().await;
    assert_eq!(ok(changes.fingerprint(b"content")), before);
}

/// Whoever asks for what is held is told to wait, and the holder that somebody does.
pub async fn a_lease_has_one_holder_and_its_fence_grows(fixture: &dyn Fixture) {
    let Opened { changes, leases } = fixture.open().await;
    let first = held(leases.acquire("member").await);
    assert_eq!(first.name, "member");
    let other = held(leases.acquire("another member").await);
    assert!(!ok(leases.release(other).await), "nobody wants it");
    assert_eq!(ok(leases.acquire("member").await), Acquired::Busy);
    assert!(ok(leases.release(first.clone()).await), "somebody wants it");
    let second = held(leases.acquire("member").await);
    assert!(second.fence > first.fence);
    assert!(
        !ok(leases.release(first.clone()).await),
        "it is not its holder's any more"
    );
    assert_eq!(ok(leases.acquire("member").await), Acquired::Busy);
    assert!(ok(leases.release(second.clone()).await));
    let taken = at_once(16, |_| {
        let leases = Arc::clone(&leases);
        async move { matches!(ok(leases.acquire("member").await), Acquired::Held(_)) }
    })
    .await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    let name = leases.replica().to_owned();
    drop((changes, leases));
    let Opened { leases, .. } = fixture.open().await;
    fixture.bury(&name, &*leases).await;
    let third = held(leases.acquire("member").await);
    assert!(third.fence > second.fence, "also over a restart");
}

/// A holder that lives keeps what it holds; one that is dead does not, and cannot use it any more.
pub async fn leases_of_the_dead_are_taken_over(fixture: &dyn Fixture) {
    if !fixture.is_shared() {
        return;
    }
    let first = fixture.open().await;
    let second = fixture.open().await;
    let lease = held(first.leases.acquire("member").await);
    assert_eq!(ok(second.leases.acquire("member").await), Acquired::Busy);
    assert!(ok(second.leases.is_alive(first.leases.replica()).await));
    let new = NewChange {
        lease: Some(lease.clone()),
        ..change("a", "1")
    };
    assert_eq!(
        ok(second.changes.begin(new.clone()).await),
        Begun::LeaseLost
    );
    let ticket = fresh(first.changes.begin(new).await);
    let name = first.leases.replica().to_owned();
    let Opened { changes, leases } = first;
    drop(leases);
    drop(changes);
    fixture.bury(&name, &*second.leases).await;
    assert!(!ok(second.leases.is_alive(&name).await));
    let taken = held(second.leases.acquire("member").await);
    assert!(taken.fence > lease.fence);
    let late = NewChange {
        lease: Some(lease),
        subject: None,
        ..change("a", "2")
    };
    assert_eq!(ok(second.changes.begin(late).await), Begun::LeaseLost);
    let claimed = ok(second.changes.claim(ticket).await).expect("it is open");
    assert_eq!(
        ok(second.changes.update(ticket, applied(None)).await),
        Held::Lost
    );
    assert_eq!(
        ok(second.changes.update(claimed, applied(None)).await),
        Held::Yes
    );
}

/// A name says whether its process is alive, and never comes back.
pub async fn processes_have_names_of_their_own(fixture: &dyn Fixture) {
    let Opened { changes, leases } = fixture.open().await;
    let name = leases.replica().to_owned();
    assert!(ok(leases.is_alive(&name).await));
    assert!(leases.is_fresh());
    drop((changes, leases));
    let Opened { leases, .. } = fixture.open().await;
    fixture.bury(&name, &*leases).await;
    assert_ne!(leases.replica(), name);
    assert!(!ok(leases.is_alive(&name).await));
    assert!(ok(leases.is_alive(leases.replica()).await));
}
