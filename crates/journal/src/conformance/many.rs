//! Many at a time.

use std::sync::Arc;

use kabao_api::RequestId;

use super::{Fixture, Opened, account, all, applied, at_once, change, fresh, key, ok, open_of};
use crate::store::{Begun, Held, NewChange};

/// However many come at a time, one begins, and all others see what it has written.
pub async fn of_many_begins_of_one_id_one_is_fresh(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let begun = at_once(64, |_| {
        let changes = Arc::clone(&changes);
        async move { ok(changes.begin(change("a", "1")).await) }
    })
    .await;
    let first = ok(changes.find(&key("a", "1")).await).expect("one has begun");
    let fresh = begun
        .iter()
        .filter(|begun| **begun == Begun::Fresh(first.ticket))
        .count();
    let exists = Begun::Exists(Box::new(first));
    let others = begun.iter().filter(|begun| **begun == exists).count();
    assert_eq!((fresh, others), (1, 63));
}

/// Ids are looked up together: those of changes that run and of changes that have ended, of one account alone.
pub async fn of_many_ids_the_one_that_a_change_has_is_known(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let id = |number: u32| RequestId::new(format!("id-{number}")).expect("a valid id");
    let ids: Vec<RequestId> = (0..10_000).map(id).collect();
    let known = async |name| ok(changes.first_known(&account(name), &ids).await);
    assert_eq!(known("a").await, None);
    fresh(changes.begin(change("b", "id-7")).await);
    fresh(changes.begin(change("a", "another")).await);
    assert_eq!(
        known("a").await,
        None,
        "no other account's, and no other id"
    );
    let ticket = fresh(changes.begin(change("a", "id-9999")).await);
    assert_eq!(known("a").await, Some(id(9999)));
    ok(changes.update(ticket, applied(Some(b"done"))).await);
    assert_eq!(known("a").await, Some(id(9999)));
    assert_eq!(known("b").await, Some(id(7)));
    assert_eq!(ok(changes.first_known(&account("a"), &[]).await), None);
}

/// However many changes of a subject come at a time, one begins.
pub async fn of_many_begins_of_one_subject_one_is_fresh(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let begun = at_once(64, |index| {
        let changes = Arc::clone(&changes);
        let new = NewChange {
            subject: Some("the subject".to_owned()),
            ..change("a", &index.to_string())
        };
        async move { ok(changes.begin(new).await) }
    })
    .await;
    let open = open_of(&*changes, &account("a"), "the subject")
        .await
        .expect("one has begun");
    let fresh = begun
        .iter()
        .filter(|begun| **begun == Begun::Fresh(open.ticket))
        .count();
    let blocked = Begun::Blocked(Box::new(open));
    let others = begun.iter().filter(|begun| **begun == blocked).count();
    assert_eq!((fresh, others), (1, 63));
    assert_eq!(ok(changes.list(&all()).await).len(), 1);
}

/// Writes that share a commit are each told of their own.
pub async fn many_writers_are_all_answered(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let tickets = at_once(64, |index| {
        let changes = Arc::clone(&changes);
        async move {
            let ticket = fresh(changes.begin(change("a", &index.to_string())).await);
            let answer = format!("answer {index}");
            let update = applied(Some(answer.as_bytes()));
            assert_eq!(ok(changes.update(ticket, update).await), Held::Yes);
            (index, ticket)
        }
    })
    .await;
    for (index, ticket) in tickets {
        let found = ok(changes.find(&key("a", &index.to_string())).await).expect("it was begun");
        assert_eq!(found.ticket, ticket);
        assert_eq!(found.answer, Some(format!("answer {index}").into_bytes()));
    }
}
