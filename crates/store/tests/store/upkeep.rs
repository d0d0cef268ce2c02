//! What an operator does with a store: check, back up, restore, count.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kabao_api::ChangeState;
use kabao_journal::{Begun, ChangeStore, ChangeUpdate, NewChange};
use kabao_store::{EmbeddedSettings, Report, Store, StoreSettings, Upkeep, create_key_file};

use crate::directory::Directory;
use crate::faults::change;

fn upkeep(folder: &Path) -> Upkeep {
    Upkeep::new(EmbeddedSettings::new(folder))
}

/// A store with changes of ids from 0, each with a plan of its own.
async fn filled(folder: &Path, count: u64) -> Store {
    let store = Store::open(&StoreSettings::embedded(folder)).await.unwrap();
    let ids: Vec<u64> = (0..count).collect();
    for ids in ids.chunks(64) {
        let begin = |id: &u64| {
            let (changes, id) = (store.changes(), *id);
            tokio::spawn(async move { begin(&*changes, id).await })
        };
        let begun: Vec<_> = ids.iter().map(begin).collect();
        for begun in begun {
            begun.await.unwrap();
        }
    }
    store
}

async fn begin(changes: &dyn ChangeStore, id: u64) {
    let id = id.to_string();
    let begun = changes.begin(change(&id, plan(&id).as_bytes())).await;
    assert!(matches!(begun.unwrap(), Begun::Fresh(_)));
}

fn plan(id: &str) -> String {
    format!("the plan of {id}, {}", "x".repeat(2000))
}

fn faults(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_good_store_passes_the_check_with_and_without_the_process_that_has_it() {
    let directory = Directory::new();
    let store = filled(directory.path(), 600).await;
    let report = upkeep(directory.path()).check().await.unwrap();
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!((report.version, report.changes), (Some(4), 600));
    let holder = report.holder.unwrap();
    assert_eq!(holder.process, Some(std::process::id()));
    drop(store);
    let report = upkeep(directory.path()).check().await.unwrap();
    assert_eq!(faults(&report), [""; 0]);
    assert!(report.holder.is_none());
    assert_eq!(report.changes, 600);
}

#[tokio::test]
async fn a_check_changes_nothing_in_the_file_and_leaves_what_lies_in_the_log() {
    let directory = Directory::new();
    let store = filled(directory.path(), 10).await;
    // What a process leaves that is killed: a log that nobody has moved into the database.
    let crashed = Directory::new();
    for name in ["kabao.db", "kabao.db-wal", "store.key"] {
        let (from, to) = (directory.path().join(name), crashed.path().join(name));
        fs::copy(&from, &to).unwrap();
    }
    drop(store);
    let read = |name: &str| fs::read(crashed.path().join(name)).unwrap();
    let before = [read("kabao.db"), read("kabao.db-wal")];
    assert!(before[1].len() > 4096);
    let report = upkeep(crashed.path()).check().await.unwrap();
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!(report.changes, 10);
    assert_eq!([read("kabao.db"), read("kabao.db-wal")], before);
}

#[tokio::test]
async fn a_check_names_every_change_that_does_not_open() {
    let directory = Directory::new();
    drop(filled(directory.path(), 300).await);
    let database = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    let spoil = "UPDATE changes SET plan = (SELECT plan FROM changes WHERE id = '0') WHERE id IN ('7', '299')";
    assert_eq!(database.execute(spoil, []).unwrap(), 2);
    let odd = "UPDATE changes SET state = 'LOST' WHERE id = '8'";
    assert_eq!(database.execute(odd, []).unwrap(), 1);
    drop(database);
    let report = upkeep(directory.path()).check().await.unwrap();
    let found = faults(&report);
    assert_eq!(found.len(), 3, "{found:?}");
    for (fault, name) in found.iter().zip(["7", "8", "299"]) {
        let name = format!("accounts/acme/changes/{name} cannot be read");
        assert!(fault.starts_with(&name), "{fault}");
        assert!(fault.contains("store.key"), "{fault}");
    }
    assert_eq!(report.changes, 300);
}

#[tokio::test]
async fn a_check_lists_so_many_changes_and_counts_the_others() {
    let directory = Directory::new();
    drop(filled(directory.path(), 120).await);
    let database = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    database
        .execute("UPDATE changes SET plan = x'00'", [])
        .unwrap();
    drop(database);
    let report = upkeep(directory.path()).check().await.unwrap();
    let found = faults(&report);
    assert_eq!(found.len(), 101);
    assert!(found[100].starts_with("20 more changes"), "{}", found[100]);
}

#[tokio::test]
async fn a_check_finds_a_damaged_page() {
    let directory = Directory::new();
    drop(filled(directory.path(), 300).await);
    let file = directory.path().join("kabao.db");
    let mut bytes = fs::read(&file).unwrap();
    // The middle of the file: a page of the table, or of an index.
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let report = upkeep(directory.path()).check().await.unwrap();
    let found = faults(&report);
    assert!(
        found.iter().any(|fault| fault.contains("damaged")),
        "{found:?}"
    );
    assert!(
        found.iter().all(|fault| fault.contains("backup")),
        "{found:?}"
    );
    let target = directory.path().join("copy.db");
    let error = upkeep(directory.path()).backup(&target).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("kabao.db is damaged"), "{error}");
    assert_nothing_left_of(&target);
}

#[tokio::test]
async fn a_check_tells_modes_missing_files_foreign_keys_and_later_versions() {
    let directory = Directory::new();
    let settings = EmbeddedSettings::new(directory.path());
    let check = || async {
        let report = Upkeep::new(settings.clone()).check().await.unwrap();
        faults(&report).join("\n")
    };
    let found = check().await;
    assert!(found.starts_with("there is no store"), "{found}");
    drop(filled(directory.path(), 1).await);

    let mode = |file: &Path, mode| fs::set_permissions(file, fs::Permissions::from_mode(mode));
    mode(&settings.file, 0o644).unwrap();
    mode(&settings.key_file, 0o644).unwrap();
    let found = check().await;
    assert_eq!(found.lines().count(), 2, "{found}");
    for file in [&settings.file, &settings.key_file] {
        assert!(
            found.contains(&format!("; chmod 600 {}", file.display())),
            "{found}"
        );
    }
    mode(&settings.file, 0o600).unwrap();

    let away = directory.path().join("away");
    fs::rename(&settings.key_file, &away).unwrap();
    let found = check().await;
    assert!(found.contains("store.key is missing"), "{found}");
    create_key_file(&settings.key_file).unwrap();
    let found = check().await;
    assert!(found.contains("not that of the store"), "{found}");
    fs::remove_file(&settings.key_file).unwrap();
    fs::rename(&away, &settings.key_file).unwrap();
    mode(&settings.key_file, 0o600).unwrap();

    let database = rusqlite::Connection::open(&settings.file).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let found = check().await;
    assert!(found.contains("version 99"), "{found}");
    fs::write(&settings.file, "").unwrap();
    let found = check().await;
    assert!(found.contains("damaged"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_load_holds_what_was_done_before_it_and_disturbs_nobody() {
    const BEFORE: u64 = 500;
    let directory = Directory::new();
    let store = Arc::new(filled(directory.path(), BEFORE).await);
    let (stop, written) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let writers: Vec<_> = (1..=8)
        .map(|writer: u64| {
            let store = Arc::clone(&store);
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            tokio::spawn(async move {
                let mut id = writer * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    begin(&*store.changes(), id).await;
                    id += 1;
                    written.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let other = Directory::new();
    for number in 0..3 {
        let before = written.load(Ordering::Relaxed);
        let target = other.path().join(format!("{number}.db"));
        let backup = upkeep(directory.path()).backup(&target).await.unwrap();
        assert!(backup.changes >= BEFORE + before, "{backup:?}");
        assert_eq!(backup.warnings, [""; 0]);
        let found = fs::metadata(&target).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        assert_eq!(found.len(), backup.size);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("no write was refused");
    }
    assert!(written.load(Ordering::Relaxed) > 0);
    let names = fs::read_dir(other.path()).unwrap();
    assert_eq!(names.count(), 3, "nothing else is left");

    // Restored: the file in a folder of its own, with the key file that was kept apart.
    let restored = Directory::new();
    fs::rename(other.path().join("2.db"), restored.path().join("kabao.db")).unwrap();
    let key = directory.path().join("store.key");
    fs::copy(key, restored.path().join("store.key")).unwrap();
    let report = upkeep(restored.path()).check().await.unwrap();
    assert_eq!(faults(&report), [""; 0]);
    assert!(report.changes >= BEFORE);
    let changes = filled(restored.path(), 0).await.changes();
    for id in 0..BEFORE {
        let id = id.to_string();
        let found = changes.find(&change(&id, b"").key).await.unwrap().unwrap();
        assert_eq!(found.plan, plan(&id).as_bytes());
    }
    begin(&*changes, 999_999).await;
}

/// A start moves the whole log into the database, and cannot as long as somebody reads it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_starts_after_a_crash_while_it_is_checked_and_copied() {
    let directory = Directory::new();
    let store = filled(directory.path(), 2000).await;
    let crashed = Directory::new();
    for name in ["kabao.db", "kabao.db-wal", "store.key"] {
        fs::copy(directory.path().join(name), crashed.path().join(name)).unwrap();
    }
    drop(store);
    let target = directory.path().join("copy.db");
    let (checking, copying) = (upkeep(crashed.path()), upkeep(crashed.path()));
    let check = tokio::spawn(async move { checking.check().await.unwrap() });
    let copy = tokio::spawn(async move { copying.backup(&target).await });
    let store = filled(crashed.path(), 0).await;
    begin(&*store.changes(), 5000).await;
    // Whoever made way has said so, and nobody else has found a fault.
    let found = faults(&check.await.unwrap());
    assert!(
        found
            .iter()
            .all(|fault| fault.contains("a gateway opens the store")),
        "{found:?}"
    );
    match copy.await.unwrap() {
        Ok(backup) => assert!(backup.changes >= 2000),
        Err(error) => assert!(
            error.to_string().contains("a gateway opens the store"),
            "{error}"
        ),
    }
}

/// A log that is too long is shortened by the writer, which has to wait for readers.
#[tokio::test]
async fn a_long_read_beside_the_store_holds_up_no_change() {
    let directory = Directory::new();
    let mut settings = EmbeddedSettings::new(directory.path());
    settings.timeout = Duration::from_secs(3);
    let store = Store::open(&settings.into()).await.unwrap();
    let changes = store.changes();
    begin(&*changes, 0).await;
    let reader = rusqlite::Connection::open(directory.path().join("kabao.db")).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM changes")
        .unwrap();
    let plan = vec![7; 140_000];
    // Some 96 MiB, and a log of 64 is too long.
    for round in 0..90 {
        let begun: Vec<_> = (0..8)
            .map(|number| {
                let (changes, plan) = (Arc::clone(&changes), plan.clone());
                let id = format!("{round}-{number}");
                tokio::spawn(async move { changes.begin(change(&id, &plan)).await })
            })
            .collect();
        for begun in begun {
            assert!(matches!(begun.await.unwrap().unwrap(), Begun::Fresh(_)));
        }
    }
    let log = fs::metadata(directory.path().join("kabao.db-wal")).unwrap();
    assert!(log.len() > 64 << 20, "nobody could shorten it");
    reader.execute_batch("COMMIT").unwrap();
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_leaves_nothing_behind_when_it_fails() {
    let directory = Directory::new();
    let target = directory.path().join("copy.db");
    let error = upkeep(directory.path()).backup(&target).await.unwrap_err();
    assert!(error.to_string().contains("there is no store"), "{error}");
    assert_nothing_left_of(&target);

    drop(filled(directory.path(), 1).await);
    fs::write(&target, "somebody's").unwrap();
    let error = upkeep(directory.path()).backup(&target).await.unwrap_err();
    assert!(error.to_string().contains("is there already"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "somebody's");

    let nowhere = directory.path().join("no/such/folder.db");
    let error = upkeep(directory.path()).backup(&nowhere).await.unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

#[tokio::test]
async fn a_backup_with_other_keys_is_made_and_says_so() {
    let directory = Directory::new();
    drop(filled(directory.path(), 1).await);
    let key = directory.path().join("store.key");
    fs::remove_file(&key).unwrap();
    create_key_file(&key).unwrap();
    let target = directory.path().join("copy.db");
    let backup = upkeep(directory.path()).backup(&target).await.unwrap();
    assert!(
        backup.warnings[0].contains("not that of the store"),
        "{backup:?}"
    );
    assert_eq!(backup.changes, 1);
}

#[tokio::test]
async fn stats_count_by_account_and_state_and_name_the_oldest_open_change() {
    let directory = Directory::new();
    let second = Duration::from_secs(1);
    let store = filled(directory.path(), 0).await;
    let changes = store.changes();
    for (number, (account, id, state)) in (1..).zip([
        ("shop", "a", ChangeState::Applied),
        ("shop", "b", ChangeState::Unknown),
        ("acme", "c", ChangeState::Intent),
        ("acme", "d", ChangeState::Rejected),
        ("acme", "e", ChangeState::Intent),
    ]) {
        let mut new = change(id, b"plan");
        new.key.account = account.parse().unwrap();
        new.time = SystemTime::UNIX_EPOCH + second * number;
        let new = NewChange { ..new };
        let Begun::Fresh(ticket) = changes.begin(new).await.unwrap() else {
            panic!("a new id");
        };
        if state != ChangeState::Intent {
            let update = ChangeUpdate {
                state,
                plan: None,
                answer: None,
                time: SystemTime::UNIX_EPOCH + second * 100,
            };
            changes.update(ticket, update).await.unwrap();
        }
    }
    let stats = upkeep(directory.path()).stats().await.unwrap();
    assert_eq!(stats.holder.unwrap().process, Some(std::process::id()));
    let counted: Vec<_> = stats
        .counts
        .accounts
        .iter()
        .map(|account| (account.account.as_str(), account.states.as_slice()))
        .collect();
    let acme = [(ChangeState::Intent, 2), (ChangeState::Rejected, 1)];
    let shop = [(ChangeState::Applied, 1), (ChangeState::Unknown, 1)];
    assert_eq!(counted, [("acme", &acme[..]), ("shop", &shop[..])]);
    let moment = |number| Some(SystemTime::UNIX_EPOCH + second * number);
    let times = (stats.counts.oldest, stats.counts.newest);
    assert_eq!(times, (moment(1), moment(5)));
    let open = stats.counts.oldest_open.unwrap();
    assert_eq!(
        (open.key.id.as_str(), open.state),
        ("b", ChangeState::Unknown)
    );
    assert_eq!(Some(open.since), moment(2));
    assert!(stats.log_size.unwrap() > 0, "a running store has a log");
    drop((changes, store));
    let stats = upkeep(directory.path()).stats().await.unwrap();
    assert!(stats.holder.is_none() && stats.size > 4096);
}

#[tokio::test]
async fn who_wants_a_store_that_is_used_hears_by_which_process() {
    let directory = Directory::new();
    let _store = filled(directory.path(), 0).await;
    let settings = EmbeddedSettings::new(directory.path());
    let error = Store::open(&settings.clone().into())
        .await
        .unwrap_err()
        .to_string();
    let process = format!("another process (process {})", std::process::id());
    assert!(error.contains(&process), "{error}");
}

#[track_caller]
fn assert_nothing_left_of(target: &Path) {
    let folder = target.parent().unwrap();
    let name = target.file_name().unwrap().to_string_lossy().into_owned();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().file_name().to_string_lossy().into_owned();
        assert!(!file.starts_with(&name), "{file} is left");
    }
}
