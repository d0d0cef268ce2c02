//! Many at a time.

use std::sync::Arc;

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
