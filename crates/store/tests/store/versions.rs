//! Stores that earlier versions of the program have made.

use std::path::Path;
use std::time::{Duration, SystemTime};

use kabao_api::ChangeState;
use kabao_journal::{
    Begun, ChangeFilter, ChangeStore, ChangeUpdate, Held, NewChange, StoredChange, Ticket,
};
use kabao_store::{EmbeddedSettings, Store, StoreSettings, Upkeep};

use crate::directory::Directory;
use crate::faults::change;

/// What the third version did, undone.
const BACK_TO_SECOND: &str = "
    UPDATE changes SET answer = (SELECT answer FROM answers WHERE answers.sequence = changes.sequence);
    DROP TABLE answers;
    DROP INDEX changes_open;
    DROP INDEX changes_subject;
    DROP INDEX changes_rejected;
    CREATE UNIQUE INDEX changes_subject ON changes (subject, account, ended) WHERE subject IS NOT NULL;
    CREATE INDEX changes_state ON changes (state);
    PRAGMA user_version = 2;
";
const BACK_TO_FIRST: &str = "DROP TABLE credentials; PRAGMA user_version = 1";

/// Makes a store look as an earlier version has left it.
pub(crate) fn back_to(folder: &Path, version: u32) {
    let database = rusqlite::Connection::open(folder.join("kabao.db")).unwrap();
    database.execute_batch(BACK_TO_SECOND).unwrap();
    if version < 2 {
        database.execute_batch(BACK_TO_FIRST).unwrap();
    }
}

fn of(subject: u32, id: &str) -> NewChange {
    NewChange {
        subject: Some(format!("subject {subject}")),
        ..change(id, format!("plan {id}").as_bytes())
    }
}

async fn begin(changes: &dyn ChangeStore, new: NewChange) -> Ticket {
    match changes.begin(new).await.unwrap() {
        Begun::Fresh(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

fn update(state: ChangeState, answer: Option<&str>) -> ChangeUpdate {
    ChangeUpdate {
        state,
        plan: None,
        answer: answer.map(|answer| answer.as_bytes().to_vec()),
        time: SystemTime::UNIX_EPOCH,
    }
}

fn filters() -> Vec<ChangeFilter> {
    let states = [
        vec![],
        vec![ChangeState::Applied],
        vec![ChangeState::Rejected],
        vec![ChangeState::Intent, ChangeState::Sent, ChangeState::Unknown],
    ];
    let subjects = [None, Some("subject 0"), Some("subject 1")];
    let each = subjects.iter().flat_map(|subject| {
        states.iter().map(|states| ChangeFilter {
            states: states.clone(),
            subject: subject.map(str::to_owned),
            limit: 100,
            ..ChangeFilter::default()
        })
    });
    each.collect()
}

async fn listed(changes: &dyn ChangeStore) -> Vec<Vec<StoredChange>> {
    let mut listed = Vec::new();
    for filter in filters() {
        listed.push(changes.list(&filter).await.unwrap());
    }
    listed
}

#[tokio::test]
async fn a_store_of_the_second_version_keeps_all_that_it_has() {
    let directory = Directory::new();
    let settings: StoreSettings = EmbeddedSettings::new(directory.path()).into();
    let store = Store::open(&settings).await.unwrap();
    let changes = store.changes();
    for (id, state, answer) in [
        ("applied", ChangeState::Applied, Some("yes")),
        ("rejected", ChangeState::Rejected, Some("no")),
        ("lacks", ChangeState::Applied, None),
        ("unknown", ChangeState::Unknown, None),
    ] {
        let ticket = begin(&*changes, of(0, id)).await;
        changes.update(ticket, update(state, answer)).await.unwrap();
    }
    let open = begin(&*changes, of(1, "open")).await;
    begin(&*changes, change("without", b"plan")).await;
    let before = listed(&*changes).await;
    assert_eq!(before.concat().len(), 6 + 2 + 1 + 3 + 4 + 2 + 1 + 1 + 1 + 1);
    drop((changes, store));
    back_to(directory.path(), 2);

    let upkeep = Upkeep::new(settings.clone());
    let report = upkeep.check().await.unwrap();
    assert_eq!((report.version, report.changes), (Some(2), 6));
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let counted = upkeep.stats().await.unwrap().counts;
    assert_eq!(counted.oldest_open.unwrap().key.id.as_str(), "unknown");

    let store = Store::open(&settings).await.unwrap();
    let changes = store.changes();
    assert_eq!(listed(&*changes).await, before);
    let blocked = changes.begin(of(1, "second")).await.unwrap();
    assert!(matches!(blocked, Begun::Blocked(_)), "{blocked:?}");
    let exists = changes.begin(of(1, "applied")).await.unwrap();
    let Begun::Exists(applied) = exists else {
        panic!("{exists:?}");
    };
    assert_eq!(applied.answer.as_deref(), Some(b"yes".as_slice()));
    // An answer of before is as good as one of now.
    let late = changes.update(applied.ticket, update(ChangeState::Applied, Some("other")));
    assert_eq!(late.await.unwrap(), Held::Lost);
    let lacks = changes.find(&of(0, "lacks").key).await.unwrap().unwrap();
    for expected in [Held::Yes, Held::Lost] {
        let late = changes.update(lacks.ticket, update(ChangeState::Applied, Some("late")));
        assert_eq!(late.await.unwrap(), expected);
    }
    let ended = changes.update(open, update(ChangeState::Applied, Some("at last")));
    assert_eq!(ended.await.unwrap(), Held::Yes);
    let next = begin(&*changes, of(1, "next")).await;
    assert!(next.sequence > open.sequence);
    assert_eq!(
        changes
            .sweep(SystemTime::UNIX_EPOCH + Duration::from_secs(1), 100)
            .await
            .unwrap(),
        4
    );
    drop((changes, store));
    let report = upkeep.check().await.unwrap();
    assert_eq!((report.version, report.changes), (Some(4), 3));
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let database = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    let answers = database.query_row("SELECT count(*) FROM answers", [], |row| row.get(0));
    assert_eq!(answers, Ok(0_i64), "they went with their changes");
}
