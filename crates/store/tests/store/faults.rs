//! Disks that are full, syncs that fail, files that are damaged, locked or somebody else's.

use std::fs;
use std::time::{Duration, SystemTime};

use kabao_api::ChangeState;
use kabao_journal::{
    Begun, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, NewChange, StoreError, Ticket,
};
use kabao_store::testing::CommitFault;
use kabao_store::{EmbeddedSettings, Store};

use crate::directory::Directory;

fn settings(directory: &Directory) -> EmbeddedSettings {
    let mut settings = EmbeddedSettings::new(directory.path());
    settings.reopen_pause = Duration::ZERO;
    settings
}

pub(crate) fn key(id: &str) -> ChangeKey {
    ChangeKey {
        account: "acme".parse().unwrap(),
        id: id.parse().unwrap(),
    }
}

pub(crate) fn change(id: &str, plan: &[u8]) -> NewChange {
    NewChange {
        key: key(id),
        method: "AdjustPoints".to_owned(),
        fingerprint: Fingerprint([1; 32]),
        subject: None,
        lease: None,
        plan: plan.to_vec(),
        time: SystemTime::UNIX_EPOCH,
    }
}

pub(crate) fn fresh(begun: Result<Begun, StoreError>) -> Ticket {
    match begun.unwrap() {
        Begun::Fresh(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

async fn refused(settings: &EmbeddedSettings) -> String {
    Store::open(&settings.clone().into())
        .await
        .unwrap_err()
        .to_string()
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_takes_them_again_once_there_is_room() {
    let directory = Directory::new();
    let mut settings = settings(&directory);
    settings.max_size = Some(256 * 1024);
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let changes = store.changes();
    let plan = vec![7; 10_000];
    let mut begun = Vec::new();
    let error = loop {
        let id = begun.len().to_string();
        match changes.begin(change(&id, &plan)).await {
            Ok(Begun::Fresh(ticket)) => begun.push(ticket),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        assert!(begun.len() < 100, "256 KiB hold no more");
    };
    assert!(error.is_refusal(), "nothing of it was written: {error}");
    assert!(error.to_string().contains("no room"), "{error}");
    // Reads go on, and what was refused is not there.
    assert!(changes.find(&key("0")).await.unwrap().is_some());
    let missing = key(&begun.len().to_string());
    assert_eq!(changes.find(&missing).await.unwrap(), None);
    for ticket in begun.drain(..) {
        assert_eq!(changes.forget(ticket).await.unwrap(), Held::Yes);
    }
    fresh(changes.begin(change("again", &plan)).await);
}

#[tokio::test]
async fn an_end_without_room_for_its_answer_leaves_the_change_open() {
    let directory = Directory::new();
    let mut settings = settings(&directory);
    settings.max_size = Some(256 * 1024);
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let changes = store.changes();
    let first = fresh(changes.begin(change("first", b"plan")).await);
    let mut others = Vec::new();
    let error = loop {
        let id = others.len().to_string();
        match changes.begin(change(&id, &[7; 4_000])).await {
            Ok(Begun::Fresh(ticket)) => others.push(ticket),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(error.is_refusal(), "{error}");
    let applied = ChangeUpdate {
        state: ChangeState::Applied,
        plan: None,
        answer: Some(vec![7; 10_000]),
        time: SystemTime::UNIX_EPOCH,
    };
    let error = changes.update(first, applied.clone()).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    let found = changes.find(&key("first")).await.unwrap().unwrap();
    assert_eq!((found.state, found.answer), (ChangeState::Intent, None));
    for ticket in others {
        changes.forget(ticket).await.unwrap();
    }
    assert_eq!(changes.update(first, applied).await.unwrap(), Held::Yes);
    let found = changes.find(&key("first")).await.unwrap().unwrap();
    assert_eq!(found.answer.map(|answer| answer.len()), Some(10_000));
}

#[tokio::test]
async fn a_failed_sync_ends_the_handle_and_says_that_nothing_is_certain() {
    for (fault, is_there) in [(CommitFault::NotDone, false), (CommitFault::Done, true)] {
        let directory = Directory::new();
        let settings = settings(&directory);
        let store = Store::open(&settings.clone().into()).await.unwrap();
        let changes = store.changes();
        let first = fresh(changes.begin(change("first", b"plan")).await);
        settings.commit_faults.push(fault);
        let error = changes.begin(change("second", b"plan")).await.unwrap_err();
        assert!(!error.is_refusal(), "{fault:?}: {error}");
        assert!(error.to_string().contains("disk"), "{error}");
        // Reads go on; the next change is written by a new handle, which has made durable what it goes on from.
        assert!(changes.find(&key("first")).await.unwrap().is_some());
        fresh(changes.begin(change("third", b"plan")).await);
        let second = changes.find(&key("second")).await.unwrap();
        assert_eq!(second.is_some(), is_there, "{fault:?}");
        let applied = ChangeUpdate {
            state: ChangeState::Applied,
            plan: None,
            answer: None,
            time: SystemTime::UNIX_EPOCH,
        };
        assert_eq!(changes.update(first, applied).await.unwrap(), Held::Yes);
    }
}

#[tokio::test]
async fn while_the_handle_is_closed_changes_are_refused_and_reads_go_on() {
    let directory = Directory::new();
    let mut settings = settings(&directory);
    settings.reopen_pause = Duration::from_hours(1);
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let changes = store.changes();
    fresh(changes.begin(change("first", b"plan")).await);
    settings.commit_faults.push(CommitFault::NotDone);
    changes.begin(change("second", b"plan")).await.unwrap_err();
    let error = changes.begin(change("third", b"plan")).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert!(changes.find(&key("first")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_belongs_to_one_process() {
    let directory = Directory::new();
    let settings = settings(&directory);
    let store = Store::open(&settings.clone().into()).await.unwrap();
    let error = refused(&settings).await;
    assert!(
        error.contains("kabao.db") && error.contains("another process"),
        "{error}"
    );
    drop(store);
    Store::open(&settings.clone().into()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_alone() {
    for damage in [
        "no database at all, but long enough for a header of one".repeat(20),
        "x".to_owned(),
        String::new(),
    ] {
        let directory = Directory::new();
        let settings = settings(&directory);
        drop(Store::open(&settings.clone().into()).await.unwrap());
        let file = directory.path().join("kabao.db");
        fs::write(&file, &damage).unwrap();
        let error = refused(&settings).await;
        assert!(
            error.contains("kabao.db") && error.contains("damaged"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), damage);
    }
}

/// The files are not looked at again for a moment.
async fn first_error(changes: &dyn ChangeStore, is_another: bool) -> StoreError {
    for count in 0..10_000 {
        let id = format!("meanwhile-{is_another}-{count}");
        if let Err(error) = changes.begin(change(&id, b"plan")).await {
            return error;
        }
    }
    panic!("nobody has looked at the files");
}

/// What is written into a file without a name is there for this process alone.
#[tokio::test]
async fn without_its_files_a_store_takes_no_changes_and_goes_on_when_they_are_back() {
    for name in ["kabao.db", "kabao.db-wal", "kabao.db.lock"] {
        let directory = Directory::new();
        let settings = settings(&directory);
        let store = Store::open(&settings.clone().into()).await.unwrap();
        let changes = store.changes();
        fresh(changes.begin(change("first", b"plan")).await);
        let (here, away) = (directory.path().join(name), directory.path().join("away"));
        for is_another in [false, true] {
            fs::rename(&here, &away).unwrap();
            if is_another {
                fs::copy(&away, &here).unwrap();
            }
            let error = first_error(&*changes, is_another).await;
            assert!(error.is_refusal(), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(!store.vitals().takes_changes);
            fs::rename(&away, &here).unwrap();
        }
        fresh(changes.begin(change("second", b"plan")).await);
        assert!(store.vitals().takes_changes);
        drop(changes);
        drop(store);
        let store = Store::open(&settings.into()).await.unwrap();
        for id in ["first", "second"] {
            assert!(store.changes().find(&key(id)).await.unwrap().is_some());
        }
    }
}

/// A copy over the file itself cuts it first.
#[tokio::test]
async fn a_file_that_was_cut_takes_no_changes() {
    let directory = Directory::new();
    let store = Store::open(&settings(&directory).into()).await.unwrap();
    let changes = store.changes();
    fresh(changes.begin(change("first", b"plan")).await);
    fs::write(directory.path().join("kabao.db"), "").unwrap();
    let error = first_error(&*changes, false).await;
    assert!(
        error.is_refusal() && !store.vitals().takes_changes,
        "{error}"
    );
    assert!(error.to_string().contains("shorter"), "{error}");
}

#[tokio::test]
async fn a_log_without_its_database_is_not_played_into_another_one() {
    let directory = Directory::new();
    let settings = settings(&directory);
    let store = Store::open(&settings.clone().into()).await.unwrap();
    fresh(store.changes().begin(change("first", b"plan")).await);
    // As a crash leaves them.
    let left = Directory::new();
    for name in ["kabao.db-wal", "store.key"] {
        let (from, to) = (directory.path().join(name), left.path().join(name));
        fs::create_dir_all(left.path()).unwrap();
        fs::copy(from, to).unwrap();
    }
    let settings = EmbeddedSettings::new(left.path());
    let error = refused(&settings).await;
    assert!(error.contains("kabao.db-wal"), "{error}");
    assert!(!left.path().join("kabao.db").exists());
    for name in ["kabao.db-wal", "kabao.db.lock"] {
        fs::remove_file(left.path().join(name)).unwrap();
    }
    Store::open(&settings.into()).await.unwrap();
}

#[tokio::test]
async fn a_store_of_a_later_version_is_not_touched() {
    let directory = Directory::new();
    let settings = settings(&directory);
    drop(Store::open(&settings.clone().into()).await.unwrap());
    let database = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let error = refused(&settings).await;
    assert!(error.contains("version 99"), "{error}");
}
