//! What an operator does with a database that replicas use.

use std::path::Path;
use std::time::SystemTime;

use kabao_api::ChangeState;
use kabao_store::{Report, Store, Upkeep, create_key_file};

use super::{Database, server};
use crate::faults::change;

async fn check(database: &Database) -> Report {
    Upkeep::new(database.settings()).check().await.unwrap()
}

fn told(report: &Report) -> String {
    let faults: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
    faults.join("\n")
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_is_checked_and_counted_while_replicas_use_it() {
    let database = Database::new().await;
    let upkeep = Upkeep::new(database.settings());
    create_key_file(&database.settings().key_file).unwrap();
    let found = told(&check(&database).await);
    assert!(found.contains("has no store"), "{found}");
    assert!(upkeep.stats().await.is_err());

    let first = Store::open(&database.settings().into()).await.unwrap();
    let second = Store::open(&database.settings().into()).await.unwrap();
    for number in 0..300 {
        let id = format!("c{number:03}");
        let begun = first.changes().begin(change(&id, b"plan")).await;
        begun.unwrap();
    }
    let report = check(&database).await;
    assert_eq!(told(&report), "");
    assert_eq!((report.changes, report.version), (300, Some(4)));
    let stats = upkeep.stats().await.unwrap();
    assert_eq!((stats.replicas, stats.holder), (Some(2), None));
    assert!(stats.size > 300 * 100 && stats.log_size.is_none());
    let states: Vec<_> = stats
        .counts
        .accounts
        .iter()
        .map(|one| &one.states)
        .collect();
    assert_eq!(states, [&[(ChangeState::Intent, 300)]]);
    let open = stats.counts.oldest_open.unwrap();
    assert_eq!(open.key.id.as_str(), "c000");

    let swap = "UPDATE kabao.changes SET plan = (SELECT plan FROM kabao.changes WHERE id = 'c001') WHERE id = 'c000'";
    server().execute(&database.url, swap).await.unwrap();
    let found = told(&check(&database).await);
    assert!(found.contains("changes/c000 cannot be read"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");

    let key_file = database.settings().key_file;
    std::fs::remove_file(&key_file).unwrap();
    create_key_file(&key_file).unwrap();
    let found = told(&check(&database).await);
    assert!(found.contains("not that of the store"), "{found}");

    let copied = upkeep.backup(Path::new("/nowhere")).await.unwrap_err();
    assert!(copied.to_string().contains("pg_dump"), "{copied}");
    drop((first, second));
}

/// Replicas go by it when they forget.
#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_tells_its_own_time() {
    let database = Database::new().await;
    let store = Store::open(&database.settings().into()).await.unwrap();
    let told = async || store.changes().now().await.unwrap().unwrap();
    let (first, second) = (told().await, told().await);
    assert!(first < second);
    let seconds = first
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    // 2023 to 2096.
    assert!(
        (1_700_000_000..4_000_000_000).contains(&seconds),
        "{seconds}"
    );
}
