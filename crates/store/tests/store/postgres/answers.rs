//! Answers that do not come: what is not known to be undone is not called a refusal.

use std::path::Path;
use std::time::{Duration, SystemTime};

use kabao_api::ChangeState;
use kabao_journal::{Acquired, Begun, ChangeUpdate, Held, Ticket};
use kabao_store::testing::PostgresServer;
use kabao_store::{DatabaseUrl, PostgresSettings, Store};
use tokio::time::{Instant, sleep};

use super::proxy::{Proxy, Way};
use super::{Database, server};
use crate::faults::change;

/// The settings of a replica behind a proxy.
fn behind(proxy: &Proxy, server: &PostgresServer, database: &Database) -> PostgresSettings {
    let url = proxy.url(server, &database.url);
    let mut settings = database.impatient();
    settings.url = DatabaseUrl::parse(&url, Path::new("")).unwrap();
    settings
}

fn fresh(begun: Begun) -> Ticket {
    match begun {
        Begun::Fresh(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

fn applied() -> ChangeUpdate {
    ChangeUpdate {
        state: ChangeState::Applied,
        plan: None,
        answer: Some(b"answer".to_vec()),
        time: SystemTime::UNIX_EPOCH,
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_commit_whose_answer_is_lost_may_be_there() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let settings = behind(&proxy, server(), &database);
    let store = Store::open(&settings.into()).await.unwrap();
    let changes = store.changes();
    fresh(changes.begin(change("first", b"plan")).await.unwrap());
    proxy.set(Way::AnswerLost(b"second"));
    let error = changes.begin(change("second", b"plan")).await.unwrap_err();
    assert!(!error.is_refusal(), "{error}");
    proxy.set(Way::Open);
    // The other end may need a moment to get to it.
    let key = change("second", b"").key;
    let found = loop {
        match changes.find(&key).await.unwrap() {
            Some(found) => break found,
            None => sleep(Duration::from_millis(5)).await,
        }
    };
    proxy.set(Way::AnswerLost(b"APPLIED"));
    let error = changes.update(found.ticket, applied()).await.unwrap_err();
    assert!(!error.is_refusal(), "{error}");
    proxy.set(Way::Open);
    while changes.find(&key).await.unwrap().unwrap().state != ChangeState::Applied {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn what_gets_no_connection_was_not_done() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let mut settings = behind(&proxy, server(), &database);
    settings.timeout = Duration::from_millis(500);
    settings.connections = 1;
    let store = Store::open(&settings.into()).await.unwrap();
    let changes = store.changes();
    proxy.set(Way::Closed);
    let error = changes.begin(change("a", b"plan")).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    proxy.set(Way::Open);
    fresh(changes.begin(change("a", b"plan")).await.unwrap());

    // Somebody has the only connection for too long, and whoever waits for it has asked for nothing.
    proxy.set(Way::Stuck);
    let first = tokio::spawn({
        let changes = store.changes();
        async move { changes.begin(change("b", b"plan")).await.unwrap_err() }
    });
    sleep(Duration::from_millis(100)).await;
    let second = changes.begin(change("c", b"plan")).await.unwrap_err();
    let first = first.await.unwrap();
    assert!(!first.is_refusal(), "it may have arrived: {first}");
    assert!(second.is_refusal(), "{second}");
    // The connection is not used again: its late answer belongs to nobody.
    proxy.set(Way::Open);
    fresh(changes.begin(change("d", b"plan")).await.unwrap());
    let found = changes.find(&change("d", b"").key).await.unwrap().unwrap();
    assert_eq!(found.key.id.as_str(), "d");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_that_says_nothing_is_waited_for_by_the_heartbeat_alone() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let mut settings = behind(&proxy, server(), &database);
    settings.timeout = Duration::from_secs(1);
    let store = Store::open(&settings.into()).await.unwrap();
    let changes = store.changes();
    fresh(changes.begin(change("a", b"plan")).await.unwrap());
    proxy.set(Way::Stuck);
    while store.leases().is_fresh() {
        sleep(Duration::from_millis(10)).await;
    }
    // The connection that is there shows nothing of it.
    changes.begin(change("b", b"plan")).await.unwrap_err();
    let started = Instant::now();
    let error = changes.begin(change("c", b"plan")).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_millis(500));
    assert!(
        error.is_refusal() && error.to_string().contains("is not there"),
        "{error}"
    );
    proxy.set(Way::Open);
    while !store.leases().is_fresh() {
        sleep(Duration::from_millis(10)).await;
    }
    fresh(changes.begin(change("c", b"plan")).await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn what_the_database_gives_up_was_not_done() {
    let database = Database::new().await;
    let mut settings = database.settings();
    settings.timeout = Duration::from_secs(1);
    let store = Store::open(&settings.into()).await.unwrap();
    let changes = store.changes();
    let mut ticket = fresh(changes.begin(change("a", b"plan")).await.unwrap());
    let locked = "BEGIN; SELECT FROM kabao.changes FOR UPDATE; SELECT pg_sleep(2); COMMIT";
    let locking = tokio::spawn({
        let url = database.url.clone();
        async move { server().execute(&url, locked).await.unwrap() }
    });
    let error = loop {
        // Before the lock is there, nothing is in the way.
        match changes.claim(ticket).await {
            Err(error) => break error,
            Ok(claimed) => ticket = claimed.unwrap(),
        }
    };
    assert!(error.is_refusal(), "{error}");
    locking.await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_lease_whose_answer_was_lost_keeps_nobody_out_for_long() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let settings = behind(&proxy, server(), &database);
    let one = Store::open(&settings.into()).await.unwrap();
    let two = Store::open(&database.settings().into()).await.unwrap();
    proxy.set(Way::AnswerLost(b"the member"));
    one.leases().acquire("the member").await.unwrap_err();
    proxy.set(Way::Open);
    let name = one.leases().replica().to_owned();
    let held = loop {
        match two.leases().acquire("the member").await.unwrap() {
            Acquired::Held(lease) => break lease,
            Acquired::Busy => sleep(Duration::from_millis(10)).await,
        }
    };
    assert_eq!(one.leases().replica(), name, "it was not taken for dead");
    two.leases().release(held).await.unwrap();

    // Giving back is tried until it has an answer.
    let Acquired::Held(lease) = one.leases().acquire("the member").await.unwrap() else {
        panic!("it is free");
    };
    proxy.set(Way::AnswerLost(b"the member"));
    one.leases().release(lease.clone()).await.unwrap_err();
    proxy.set(Way::Open);
    assert!(!one.leases().release(lease).await.unwrap());
    let Acquired::Held(lease) = one.leases().acquire("the member").await.unwrap() else {
        panic!("it is free");
    };
    assert!(!one.leases().release(lease).await.unwrap());
}

/// The whole server goes and comes back: nobody restarts, and nobody is taken for dead for it.
#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_that_was_killed_is_used_again_when_it_is_back() {
    let server = PostgresServer::start().unwrap();
    let database = Database::of(&server).await;
    let stores = [
        Store::open(&database.impatient().into()).await.unwrap(),
        Store::open(&database.impatient().into()).await.unwrap(),
    ];
    let names = || {
        stores
            .each_ref()
            .map(|store| store.leases().replica().to_owned())
    };
    let before = names();
    let Acquired::Held(lease) = stores[0].leases().acquire("member").await.unwrap() else {
        panic!("it is free");
    };
    let changes = stores[0].changes();
    let mut new = change("before", b"plan");
    new.lease = Some(lease.clone());
    let ticket = fresh(changes.begin(new).await.unwrap());
    server.kill().unwrap();
    // A connection that nobody has missed yet is one whose end is not known.
    while !changes
        .begin(change("a", b"plan"))
        .await
        .unwrap_err()
        .is_refusal()
    {}
    let started = Instant::now();
    let error = changes.begin(change("b", b"plan")).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1), "at once");
    while stores.iter().any(|store| store.leases().is_fresh()) {
        sleep(Duration::from_millis(10)).await;
    }
    // Longer than it takes to be taken for dead.
    sleep(Duration::from_secs(2)).await;
    server.restart().unwrap();
    while !stores.iter().all(|store| store.leases().is_fresh()) {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        names(),
        before,
        "nobody is blamed for what nobody could see"
    );
    assert_eq!(changes.update(ticket, applied()).await.unwrap(), Held::Yes);
    assert_eq!(
        stores[1].leases().acquire("member").await.unwrap(),
        Acquired::Busy
    );
    assert!(stores[0].leases().release(lease).await.unwrap());
}

/// Leases are not synced: what is lost of them with the server begins nothing, and what comes back is given back.
#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn what_a_killed_database_loses_of_leases_harms_nobody() {
    let server = PostgresServer::start().unwrap();
    let database = Database::of(&server).await;
    let one = Store::open(&database.impatient().into()).await.unwrap();
    let two = Store::open(&database.impatient().into()).await.unwrap();
    let again = async || {
        server.kill().unwrap();
        server.restart().unwrap();
        for store in [&one, &two] {
            // From before it was killed it is fresh, too.
            while store.leases().acquire("anything").await.is_err() {}
        }
    };
    let Acquired::Held(lease) = one.leases().acquire("member").await.unwrap() else {
        panic!("it is free");
    };
    again().await;
    let mut new = change("a", b"plan");
    new.lease = Some(lease.clone());
    match two.leases().acquire("member").await.unwrap() {
        Acquired::Held(taken) => {
            assert_eq!(one.changes().begin(new).await.unwrap(), Begun::LeaseLost);
            assert!(!one.leases().release(lease).await.unwrap());
            let busy = one.leases().acquire("member").await.unwrap();
            assert_eq!(
                busy,
                Acquired::Busy,
                "it was not given back for another one"
            );
            assert!(two.leases().release(taken).await.unwrap());
        }
        Acquired::Busy => {
            fresh(one.changes().begin(new).await.unwrap());
            assert!(one.leases().release(lease).await.unwrap());
        }
    }

    // What was synced stays, what was given back afterwards may come back.
    let Acquired::Held(lease) = one.leases().acquire("other").await.unwrap() else {
        panic!("it is free");
    };
    fresh(one.changes().begin(change("b", b"plan")).await.unwrap());
    one.leases().release(lease).await.unwrap();
    again().await;
    while two.leases().acquire("other").await.unwrap() == Acquired::Busy {
        sleep(Duration::from_millis(10)).await;
    }
}
