//! What a store in a database tells whoever counts, and what it shows whoever looks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kabao_store::{DatabaseUrl, Store};
use tokio::time::sleep;

use super::proxy::{Proxy, Way};
use super::{Database, server};
use crate::faults::change;
use crate::observed::Heard;

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn operations_and_connections_are_told_and_a_lost_database_shows() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let mut settings = database.impatient();
    settings.url = DatabaseUrl::parse(&proxy.url(server(), &database.url), Path::new("")).unwrap();
    settings.timeout = Duration::from_secs(1);
    settings.connections = 2;
    let (settings, heard) = (settings.into(), Arc::new(Heard::default()));
    let store = Store::open_observed(&settings, Arc::<Heard>::clone(&heard));
    let store = store.await.unwrap();
    let changes = store.changes();
    changes.begin(change("a", b"plan")).await.unwrap();
    let found = changes.find(&change("a", b"").key).await.unwrap();
    assert!(found.is_some());
    assert_eq!(
        heard.take(),
        ["connection: ok", "begin: ok", "connection: ok", "find: ok"]
    );
    let vitals = store.vitals();
    let connections = vitals.database.unwrap();
    assert!(vitals.takes_changes && vitals.file.is_none());
    assert_eq!(
        (connections.used, connections.idle, connections.most),
        (0, 1, 2)
    );
    assert!(connections.heartbeat_age.unwrap() < Duration::from_millis(750));

    proxy.set(Way::AnswerLost(b"second"));
    changes.begin(change("second", b"plan")).await.unwrap_err();
    assert_eq!(heard.take(), ["connection: ok", "begin: unknown"]);

    proxy.set(Way::Stuck);
    while store.vitals().takes_changes {
        sleep(Duration::from_millis(10)).await;
    }
    let age = store.vitals().database.unwrap().heartbeat_age;
    assert!(age.unwrap() >= Duration::from_millis(750), "{age:?}");
    changes.begin(change("c", b"plan")).await.unwrap_err();
    assert_eq!(heard.take(), ["connection: refused"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn what_nobody_waits_for_any_more_is_told_as_well() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let mut settings = database.settings();
    settings.url = DatabaseUrl::parse(&proxy.url(server(), &database.url), Path::new("")).unwrap();
    let (settings, heard) = (settings.into(), Arc::new(Heard::default()));
    let store = Store::open_observed(&settings, Arc::<Heard>::clone(&heard));
    let store = store.await.unwrap();
    store.changes().begin(change("a", b"plan")).await.unwrap();
    heard.take();
    proxy.set(Way::Stuck);
    let changes = store.changes();
    let left = tokio::spawn(async move { changes.begin(change("b", b"plan")).await });
    while store.vitals().database.unwrap().used == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());
    assert_eq!(heard.take(), ["connection: ok", "begin: cancelled"]);
}
