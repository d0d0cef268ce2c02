//! Beginning: several at once, with the wrong keys, over what a later version has written, and with nobody there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kabao_store::{DatabaseUrl, Store, create_key_file};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Database, server};

async fn refused(database: &Database) -> String {
    let opened = Store::open(&database.settings().into()).await;
    opened.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn replicas_that_start_at_once_make_one_store() {
    let database = Database::new().await;
    let mut opening = JoinSet::new();
    for _ in 0..6 {
        let settings = database.settings().into();
        opening.spawn(async move { Store::open(&settings).await.unwrap() });
    }
    let stores = opening.join_all().await;
    let first = stores[0].changes().fingerprint(b"content").unwrap();
    for store in &stores {
        assert_eq!(store.changes().fingerprint(b"content").unwrap(), first);
    }
    let told: Vec<_> = stores.iter().flat_map(Store::warnings).collect();
    let count = |text: &str| told.iter().filter(|told| told.contains(text)).count();
    // One has made the keys, and all have seen how the servers of tests are set up.
    assert_eq!(count("give it to every other replica"), 1, "{told:?}");
    assert_eq!((count("fsync off"), told.len()), (6, 7), "{told:?}");
    for store in &stores {
        for other in &stores {
            let name = other.leases().replica().to_owned();
            assert!(store.leases().is_alive(&name).await.unwrap());
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_store_opens_with_its_own_keys_only() {
    let database = Database::new().await;
    drop(Store::open(&database.settings().into()).await.unwrap());
    let key_file = database.settings().key_file;
    let away = key_file.with_extension("away");
    fs::rename(&key_file, &away).unwrap();
    let error = refused(&database).await;
    assert!(
        error.contains("missing") && error.contains("copy the key file from a replica"),
        "{error}"
    );
    assert!(!key_file.exists(), "no other key takes its place");
    create_key_file(&key_file).unwrap();
    let error = refused(&database).await;
    assert!(error.contains("not that of the store"), "{error}");
    fs::rename(&away, &key_file).unwrap();
    let store = Store::open(&database.settings().into()).await.unwrap();
    assert!(
        !store
            .warnings()
            .iter()
            .any(|told| told.contains("key file"))
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_store_of_a_later_version_is_not_touched() {
    let database = Database::new().await;
    drop(Store::open(&database.settings().into()).await.unwrap());
    let later = "INSERT INTO kabao.versions VALUES (99)";
    server().execute(&database.url, later).await.unwrap();
    let error = refused(&database).await;
    assert!(
        error.contains("version 99") && error.contains("the program that wrote it"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_user_who_may_not_make_the_schema_is_told_what_to_do() {
    let database = Database::new().await;
    let user = "CREATE USER guest";
    server().execute(&database.url, user).await.unwrap();
    let url = database.url.replace("user=kabao", "user=guest");
    let mut settings = database.settings();
    settings.url = DatabaseUrl::parse(&url, Path::new("")).unwrap();
    let error = Store::open(&settings.clone().into()).await.unwrap_err();
    assert!(error.to_string().contains("CREATE SCHEMA kabao"), "{error}");
    let schema = "CREATE SCHEMA kabao AUTHORIZATION guest";
    server().execute(&database.url, schema).await.unwrap();
    Store::open(&settings.into()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_that_is_not_there_is_told_at_once() {
    let database = Database::new().await;
    let mut settings = database.settings();
    settings.timeout = Duration::from_millis(500);
    // Nobody answers: the other end takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("postgres://u:s3cret@{}/kabao", silent.local_addr().unwrap());
    let absent_url = database.url.replace("host=/", "host=/absent/");
    let unknown_url = database.url.replace("postgres:///", "postgres:///un");
    for (url, why) in [
        (silent_url, "no connection in time"),
        (absent_url, "cannot be reached"),
        (unknown_url, "does not exist"),
    ] {
        settings.url = DatabaseUrl::parse(&url, Path::new("")).unwrap();
        let started = Instant::now();
        let error = Store::open(&settings.clone().into()).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(5));
        let error = error.to_string();
        assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
    }
}
