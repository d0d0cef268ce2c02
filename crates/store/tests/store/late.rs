//! Stores that do not open at the start of their process.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use kabao_api::Reason;
use kabao_journal::{ChangeFilter, ChangeUpdate, Lease, StoreError, Ticket};
use kabao_store::{EmbeddedSettings, Store, StoreObserver, StoreSettings, Upkeep, create_key_file};

use crate::directory::Directory;
use crate::faults::{change, fresh, key};

struct Silent;

impl StoreObserver for Silent {}

/// Starts a store, which may open later.
pub(crate) async fn start(settings: &StoreSettings) -> Result<Store, StoreError> {
    Store::start(settings, Arc::new(Silent)).await
}

/// A store that has had a change.
async fn used(directory: &Directory) -> StoreSettings {
    let settings = StoreSettings::embedded(directory.path());
    let store = Store::open(&settings).await.unwrap();
    fresh(store.changes().begin(change("before", b"plan")).await);
    settings
}

/// From now on time goes on by itself as soon as everybody waits, so it must not go on while a thread writes.
fn hurry() {
    tokio::time::pause();
}

/// Waits until the store is open, and lets time go on as it does.
async fn opened(store: &Store) {
    store.opened().await;
    tokio::time::resume();
}

/// Whatever a store is asked for, it does nothing and says so.
pub(crate) async fn refuses_everything(store: &Store) {
    let (changes, leases, credentials) = (store.changes(), store.leases(), store.credentials());
    let ticket = Ticket {
        sequence: 1,
        fence: 1,
    };
    let update = ChangeUpdate {
        state: kabao_api::ChangeState::Applied,
        plan: None,
        answer: None,
        time: SystemTime::UNIX_EPOCH,
    };
    let lease = Lease {
        name: "a".to_owned(),
        fence: 1,
    };
    let (account, ids) = ("acme".parse().unwrap(), ["a".parse().unwrap()]);
    let errors = [
        changes.fingerprint(b"content").err(),
        changes.find(&key("a")).await.err(),
        changes.first_known(&account, &ids).await.err(),
        changes.begin(change("a", b"plan")).await.err(),
        changes.update(ticket, update).await.err(),
        changes.forget(ticket).await.err(),
        changes.claim(ticket).await.err(),
        changes.list(&ChangeFilter::default()).await.err(),
        changes.now().await.err(),
        changes.sweep(SystemTime::UNIX_EPOCH, 1).await.err(),
        leases.acquire("a").await.err(),
        leases.release(lease).await.err(),
        leases.is_alive("a").await.err(),
    ];
    for (index, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("{index} was done"));
        assert!(error.is_refusal(), "{index}: {error}");
        assert!(error.to_string().contains("not open yet"), "{error}");
    }
    for error in [
        credentials.find("a").await.err(),
        credentials.acquire("a").await.err(),
        store.lent_credentials().find("a").await.err(),
    ] {
        assert_eq!(error.map(|error| error.reason()), Some(Reason::Store));
    }
    assert!(!changes.is_new(&key("a")) && !leases.is_fresh());
    assert!(!store.vitals().takes_changes);
}

#[tokio::test]
async fn a_damaged_file_is_refused_until_it_is_restored_beside_the_process() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let file = directory.path().join("kabao.db");
    let good = fs::read(&file).unwrap();
    let bad = vec![7; good.len()];
    fs::write(&file, &bad).unwrap();
    hurry();
    let store = start(&settings).await.unwrap();
    refuses_everything(&store).await;
    let size = store.vitals().file.unwrap().size;
    assert_eq!(usize::try_from(size), Ok(good.len()));
    let changes = store.changes();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.opened().await }
    });
    // For as long as it takes, it is tried again, and left alone.
    tokio::time::sleep(std::time::Duration::from_mins(10)).await;
    assert!(!waiting.is_finished());
    assert_eq!(fs::read(&file).unwrap(), bad);
    let upkeep = Upkeep::new(settings.clone());
    let report = upkeep.check().await.unwrap();
    let told = report.faults[0].to_string();
    assert!(told.contains("damaged"), "{told}");
    let backup = upkeep.backup(&directory.path().join("backup")).await;
    assert!(backup.unwrap_err().to_string().contains("damaged"));

    // Beside the file first, and under its name in one step.
    let restored = directory.path().join("restored");
    fs::write(&restored, &good).unwrap();
    fs::rename(&restored, &file).unwrap();
    waiting.await.unwrap();
    tokio::time::resume();
    assert!(changes.find(&key("before")).await.unwrap().is_some());
    fresh(changes.begin(change("after", b"plan")).await);
    assert!(store.leases().is_fresh() && store.vitals().takes_changes);
    let credentials = store.lent_credentials();
    assert!(credentials.acquire("a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_lost_database_is_refused_until_it_is_back() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let (file, away) = (
        directory.path().join("kabao.db"),
        directory.path().join("away"),
    );
    fs::rename(&file, &away).unwrap();
    let error = Store::open(&settings).await.unwrap_err().to_string();
    assert!(
        error.contains("is gone") && error.contains("kabao.db.lock"),
        "{error}"
    );
    hurry();
    let store = start(&settings).await.unwrap();
    refuses_everything(&store).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert!(!file.exists(), "no other one takes its place");
    let upkeep = Upkeep::new(settings.clone());
    let report = upkeep.check().await.unwrap();
    assert_eq!((report.holder, report.faults.len()), (None, 1));
    let told = report.faults[0].to_string();
    assert!(
        told.contains("is gone") && told.contains("restore it"),
        "{told}"
    );
    let backup = upkeep.backup(&directory.path().join("backup")).await;
    assert!(backup.unwrap_err().to_string().contains("is gone"));
    fs::rename(&away, &file).unwrap();
    opened(&store).await;
    let found = store.changes().find(&key("before")).await.unwrap();
    assert!(found.is_some());
}

#[tokio::test]
async fn whoever_moves_the_lock_away_as_well_begins_with_an_empty_store() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    fs::remove_file(directory.path().join("kabao.db")).unwrap();
    hurry();
    let store = start(&settings).await.unwrap();
    fs::remove_file(directory.path().join("kabao.db.lock")).unwrap();
    opened(&store).await;
    let warnings = store.warnings();
    assert!(warnings[0].contains("made anew"), "{warnings:?}");
    assert_eq!(store.changes().find(&key("before")).await.unwrap(), None);
    fresh(store.changes().begin(change("after", b"plan")).await);
}

/// Keys are often there before the first start, out of a place for secrets.
#[tokio::test]
async fn keys_that_are_there_before_the_first_start_are_used_and_told() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    create_key_file(&settings.key_file).unwrap();
    let store = start(&settings.into()).await.unwrap();
    let warnings = store.warnings();
    assert!(warnings[0].contains("made anew"), "{warnings:?}");
    fresh(store.changes().begin(change("first", b"plan")).await);
}

#[tokio::test]
async fn a_first_start_without_room_leaves_nothing_in_the_way_of_the_next_one() {
    let directory = Directory::new();
    let mut settings = EmbeddedSettings::new(directory.path());
    settings.max_size = Some(4096);
    let store = start(&settings.clone().into()).await.unwrap();
    refuses_everything(&store).await;
    drop(store);
    settings.max_size = None;
    let store = start(&settings.into()).await.unwrap();
    assert_eq!(store.warnings(), [""; 0], "nothing was lost");
    fresh(store.changes().begin(change("first", b"plan")).await);
}

#[tokio::test]
async fn nobody_opens_a_store_that_nobody_has_any_more() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let (file, away) = (
        directory.path().join("kabao.db"),
        directory.path().join("away"),
    );
    fs::rename(&file, &away).unwrap();
    hurry();
    let store = start(&settings).await.unwrap();
    let lent = store.lent_credentials();
    drop(store);
    fs::rename(&away, &file).unwrap();
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    tokio::time::resume();
    assert!(lent.find("a").await.is_err());
    // Nobody else has it.
    Store::open(&settings).await.unwrap();
}

/// What only another start can mend is told at once.
#[tokio::test]
async fn mistakes_end_the_start() {
    type Spoil = fn(&Path);
    let mistakes: [(&str, Spoil); 6] = [
        ("not that of the store", |folder| {
            fs::remove_file(folder.join("store.key")).unwrap();
            create_key_file(&folder.join("store.key")).unwrap();
        }),
        ("no usable keys", |folder| {
            fs::write(folder.join("store.key"), "no key").unwrap();
        }),
        ("is missing", |folder| {
            fs::remove_file(folder.join("store.key")).unwrap();
        }),
        ("version 99", |folder| {
            let database = rusqlite::Connection::open(folder.join("kabao.db")).unwrap();
            database.pragma_update(None, "user_version", 99).unwrap();
        }),
        ("cannot be locked", |folder| {
            fs::remove_file(folder.join("kabao.db.lock")).unwrap();
            fs::create_dir(folder.join("kabao.db.lock")).unwrap();
        }),
        ("cannot be read", |folder| {
            fs::remove_file(folder.join("kabao.db")).unwrap();
            fs::create_dir(folder.join("kabao.db")).unwrap();
        }),
    ];
    for (why, spoil) in mistakes {
        let directory = Directory::new();
        let settings = used(&directory).await;
        spoil(directory.path());
        let error = start(&settings).await.unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    let directory = Directory::new();
    let settings = used(&directory).await;
    let _other = Store::open(&settings).await.unwrap();
    let error = start(&settings).await.unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");

    // A file where the folder should be, and nothing is left behind by keys that are of no use.
    let directory = Directory::new();
    let folder = directory.path().join("store");
    fs::write(&folder, "").unwrap();
    let settings = StoreSettings::embedded(&folder);
    let error = start(&settings).await.unwrap_err().to_string();
    assert!(error.contains("store"), "{error}");
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("store.key"), "no key").unwrap();
    start(&settings).await.unwrap_err();
    fs::remove_file(folder.join("store.key")).unwrap();
    start(&settings).await.unwrap();
}

/// A start that has made nothing yet must not look like one whose store is gone.
#[tokio::test]
async fn a_first_start_that_could_make_no_file_is_a_first_start_the_next_time() {
    let directory = Directory::new();
    let settings = StoreSettings::embedded(directory.path());
    // In the way of the file that is to be made.
    let unfinished = directory.path().join("kabao.db.unfinished");
    std::os::unix::fs::symlink(directory.path().join("nowhere/file"), &unfinished).unwrap();
    hurry();
    let store = start(&settings).await.unwrap();
    refuses_everything(&store).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    fs::remove_file(&unfinished).unwrap();
    opened(&store).await;
    assert_eq!(store.warnings(), [""; 0], "nothing was lost");
    fresh(store.changes().begin(change("first", b"plan")).await);
}

/// What a try has begun tells the next one that nothing is lost, also if it gets no further.
#[tokio::test]
async fn what_a_first_start_has_begun_stays_until_it_is_done() {
    let directory = Directory::new();
    let mut settings = EmbeddedSettings::new(directory.path());
    settings.max_size = Some(4096);
    hurry();
    let store = start(&settings.into()).await.unwrap();
    let unfinished = directory.path().join("kabao.db.unfinished");
    let begun = fs::metadata(&unfinished).unwrap().ino();
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(fs::metadata(&unfinished).unwrap().ino(), begun);
    drop(store);
}

/// A backup on its way back may have any name that looks unfinished.
#[tokio::test]
async fn no_backup_on_its_way_back_is_taken_for_a_store_that_was_begun() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let file = directory.path().join("kabao.db");
    for name in ["kabao.new", "kabao.db.new", "kabao.db.tmp", "kabao.tmp"] {
        let backup = directory.path().join(name);
        let copied = fs::read(&file).unwrap();
        fs::rename(&file, &backup).unwrap();
        let error = Store::open(&settings).await.unwrap_err().to_string();
        assert!(error.contains("is gone"), "{name}: {error}");
        assert_eq!(fs::read(&backup).unwrap(), copied, "{name}");
        fs::rename(&backup, &file).unwrap();
    }
    let store = Store::open(&settings).await.unwrap();
    assert!(
        store
            .changes()
            .find(&key("before"))
            .await
            .unwrap()
            .is_some()
    );
}

/// SQLite removes the log of an empty file as soon as it opens it, and that log may be all that is left.
#[tokio::test]
async fn looking_at_an_emptied_file_leaves_its_log_alone() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let (file, log) = (
        directory.path().join("kabao.db"),
        directory.path().join("kabao.db-wal"),
    );
    fs::write(&file, "").unwrap();
    fs::write(&log, vec![7; 8192]).unwrap();
    let upkeep = Upkeep::new(settings.clone());
    let report = upkeep.check().await.unwrap();
    let told: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|fault| fault.contains("damaged")),
        "{told:?}"
    );
    for error in [
        upkeep.stats().await.unwrap_err(),
        upkeep
            .backup(&directory.path().join("backup"))
            .await
            .unwrap_err(),
    ] {
        assert!(error.to_string().contains("damaged"), "{error}");
    }
    Store::open(&settings).await.unwrap_err();
    assert_eq!(fs::read(&log).unwrap(), [7; 8192]);
}

/// Whoever opens a pipe waits for its other end.
#[tokio::test]
async fn a_pipe_in_place_of_the_file_is_a_mistake() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let file = directory.path().join("kabao.db");
    fs::remove_file(&file).unwrap();
    make_pipe(&file);
    let error = start(&settings).await.unwrap_err().to_string();
    assert!(error.contains("cannot be read and written"), "{error}");
    let report = Upkeep::new(settings).check().await.unwrap();
    let told: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
    let is_told = told.iter().any(|fault| fault.contains("cannot be read"));
    assert!(is_told, "{told:?}");
}

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// A disk that does not answer fails nothing, and so ends no try.
#[tokio::test]
async fn a_start_that_hangs_is_waited_for_beside_the_process() {
    let directory = Directory::new();
    let settings = used(&directory).await;
    let keys = directory.path().join("store.key");
    let kept = fs::read(&keys).unwrap();
    fs::remove_file(&keys).unwrap();
    make_pipe(&keys);
    tokio::time::pause();
    let starting = tokio::spawn(async move { start(&settings).await });
    tokio::task::yield_now().await;
    tokio::time::advance(std::time::Duration::from_secs(11)).await;
    let store = starting.await.unwrap().unwrap();
    tokio::time::resume();
    refuses_everything(&store).await;
    // Whoever reads the pipe has waited for this; the next one reads a file.
    let mut pipe = fs::OpenOptions::new().write(true).open(&keys).unwrap();
    let restored = directory.path().join("restored");
    fs::write(&restored, &kept).unwrap();
    fs::rename(&restored, &keys).unwrap();
    pipe.write_all(&kept).unwrap();
    drop(pipe);
    store.opened().await;
    assert!(
        store
            .changes()
            .find(&key("before"))
            .await
            .unwrap()
            .is_some()
    );
}
