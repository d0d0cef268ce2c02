//! What a store tells whoever counts, and what it shows whoever looks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kabao_store::testing::CommitFault;
use kabao_store::{Commit, EmbeddedSettings, Failure, Store, StoreObserver};

use crate::directory::Directory;
use crate::faults::change;

/// Writes down what it hears.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

impl Heard {
    /// What was heard since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

fn end(failure: Option<Failure>) -> &'static str {
    failure.map_or("ok", Failure::as_str)
}

impl StoreObserver for Heard {
    fn commit_ended(&self, commit: Commit) {
        assert!(commit.took > Duration::ZERO);
        self.note(format!(
            "commit of {}: {}",
            commit.writes,
            end(commit.failure)
        ));
    }

    fn write_failed(&self, failure: Failure) {
        self.note(format!("write: {}", failure.as_str()));
    }

    fn connection_taken(&self, _took: Duration, failure: Option<Failure>) {
        self.note(format!("connection: {}", end(failure)));
    }

    fn operation_ended(&self, operation: &'static str, took: Duration, failure: Option<Failure>) {
        assert!(took > Duration::ZERO);
        self.note(format!("{operation}: {}", end(failure)));
    }
}

async fn open(settings: &EmbeddedSettings) -> (Store, Arc<Heard>) {
    let (settings, heard) = (settings.clone().into(), Arc::new(Heard::default()));
    let store = Store::open_observed(&settings, Arc::<Heard>::clone(&heard));
    (store.await.unwrap(), heard)
}

#[tokio::test]
async fn commits_and_failures_are_told_and_an_ended_handle_shows() {
    let directory = Directory::new();
    let mut settings = EmbeddedSettings::new(directory.path());
    settings.reopen_pause = Duration::from_hours(1);
    let (store, heard) = open(&settings).await;
    let changes = store.changes();
    changes.begin(change("first", b"plan")).await.unwrap();
    assert_eq!(heard.take(), ["commit of 1: ok"]);
    let vitals = store.vitals();
    assert!(vitals.takes_changes && vitals.database.is_none());
    let file = vitals.file.unwrap();
    let length = |name: &str| directory.path().join(name).metadata().unwrap().len();
    assert_eq!(file.size, length("kabao.db"));
    assert_eq!(file.log_size, length("kabao.db-wal"));
    assert!(file.size > 0 && file.log_size > 0, "{file:?}");

    settings.commit_faults.push(CommitFault::NotDone);
    changes.begin(change("second", b"plan")).await.unwrap_err();
    assert_eq!(heard.take(), ["commit of 1: unknown", "write: unknown"]);
    assert!(!store.vitals().takes_changes);
    // The handle is not opened anew yet, so there is no commit.
    changes.begin(change("third", b"plan")).await.unwrap_err();
    assert_eq!(heard.take(), ["write: refused"]);
}

#[tokio::test]
async fn a_handle_that_was_opened_anew_takes_changes_again() {
    let directory = Directory::new();
    let mut settings = EmbeddedSettings::new(directory.path());
    settings.reopen_pause = Duration::ZERO;
    let (store, heard) = open(&settings).await;
    settings.commit_faults.push(CommitFault::NotDone);
    let changes = store.changes();
    changes.begin(change("first", b"plan")).await.unwrap_err();
    assert!(!store.vitals().takes_changes);
    heard.take();
    changes.begin(change("second", b"plan")).await.unwrap();
    assert_eq!(heard.take(), ["commit of 1: ok"]);
    assert!(store.vitals().takes_changes);
}

#[tokio::test]
async fn writes_that_share_a_commit_are_counted_once_each() {
    let directory = Directory::new();
    let (store, heard) = open(&EmbeddedSettings::new(directory.path())).await;
    let changes = store.changes();
    let ids: Vec<_> = (0..64).map(|id| id.to_string()).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for id in ids {
        let changes = Arc::clone(&changes);
        tasks.spawn(async move { changes.begin(change(&id, b"plan")).await.unwrap() });
    }
    tasks.join_all().await;
    let heard = heard.take();
    let writes = heard.iter().map(|line| {
        let writes = line.strip_prefix("commit of ")?.strip_suffix(": ok")?;
        writes.parse::<u32>().ok()
    });
    assert_eq!(writes.sum::<Option<u32>>(), Some(64), "{heard:?}");
}
