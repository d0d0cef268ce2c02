//! A database that is not reached at the start of a replica, or is not the right one.

use std::fs;
use std::time::Duration;

use kabao_store::testing::PostgresServer;
use kabao_store::{Store, create_key_file};
use tokio::time::timeout;

use super::{Database, server};
use crate::faults::{change, fresh, key};
use crate::late::{refuses_everything, start};

/// Only a failure waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn opened(store: &Store) {
    timeout(PATIENCE, store.opened()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_that_comes_later_is_used_from_then_on() {
    let server = PostgresServer::start().unwrap();
    let database = Database::of(&server).await;
    let settings = database.settings().into();
    server.kill().unwrap();
    // The first start of all: there are no tables and no keys.
    let store = start(&settings).await.unwrap();
    refuses_everything(&store).await;
    let portions = store.portions().unwrap();
    assert!(portions.share(1, &[]).await.is_err());
    let until_open = (portions.period(), portions.kept_for());
    server.restart().unwrap();
    opened(&store).await;
    let told = store.warnings();
    assert!(
        told.iter().any(|told| told.contains("every other replica")),
        "{told:?}"
    );
    assert!(portions.share(2, &[]).await.is_ok());
    assert_eq!((portions.period(), portions.kept_for()), until_open);
    fresh(store.changes().begin(change("first", b"plan")).await);
    assert!(store.leases().is_fresh() && store.vitals().takes_changes);
    drop((store, portions));

    // And a later one.
    server.kill().unwrap();
    let store = start(&settings).await.unwrap();
    refuses_everything(&store).await;
    server.restart().unwrap();
    opened(&store).await;
    let found = store.changes().find(&key("first")).await.unwrap();
    assert!(found.is_some());
}

/// Whoever has lost a database puts it back without stopping anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_that_does_not_exist_is_waited_for() {
    let database = Database::new().await;
    let settings = database.settings().into();
    drop(Store::open(&settings).await.unwrap());
    let name = database.url.trim_start_matches("postgres:///");
    let name = name.split('?').next().unwrap();
    let rename = |from: &str, to: &str| format!("ALTER DATABASE {from} RENAME TO {to}");
    // The connections of the one that was dropped may still be there.
    let away = rename(name, "away_for_a_while");
    let moved = async {
        while server().execute("postgres", &away).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, moved).await.unwrap();
    let store = start(&settings).await.unwrap();
    refuses_everything(&store).await;
    let back = rename("away_for_a_while", name);
    server().execute("postgres", &back).await.unwrap();
    opened(&store).await;
    fresh(store.changes().begin(change("first", b"plan")).await);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn mistakes_end_the_start() {
    let database = Database::new().await;
    let settings = database.settings();
    drop(Store::open(&settings.clone().into()).await.unwrap());
    let key_file = settings.key_file.clone();
    let good = fs::read(&key_file).unwrap();
    let settings = settings.into();
    fs::remove_file(&key_file).unwrap();
    let missing = start(&settings).await.unwrap_err().to_string();
    assert!(missing.contains("is missing"), "{missing}");
    create_key_file(&key_file).unwrap();
    let foreign = start(&settings).await.unwrap_err().to_string();
    assert!(foreign.contains("not that of the store"), "{foreign}");
    fs::write(&key_file, "no key").unwrap();
    let unusable = start(&settings).await.unwrap_err().to_string();
    assert!(unusable.contains("no usable keys"), "{unusable}");
    fs::write(&key_file, good).unwrap();
    drop(start(&settings).await.unwrap());
    let later = "INSERT INTO kabao.versions VALUES (99)";
    server().execute(&database.url, later).await.unwrap();
    let later = start(&settings).await.unwrap_err().to_string();
    assert!(later.contains("version 99"), "{later}");
}

/// Another database than the one that the keys are from, or an empty one in its place.
#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_store_that_is_made_though_its_keys_were_there_is_told() {
    let database = Database::new().await;
    let settings = database.settings();
    create_key_file(&settings.key_file).unwrap();
    let store = start(&settings.into()).await.unwrap();
    let told = store.warnings();
    assert!(
        told.iter().any(|told| told.contains("are not remembered")),
        "{told:?}"
    );
}
