//! A replica that is cut off from the database: others go on, and it can do nothing with what it held.

use std::path::Path;
use std::time::{Duration, SystemTime};

use kabao_api::ChangeState;
use kabao_journal::{Acquired, Begun, ChangeFilter, ChangeUpdate, Held, NewChange};
use kabao_store::{DatabaseUrl, Store};
use tokio::time::{Instant, sleep};

use super::proxy::{Proxy, Way};
use super::{Database, server};
use crate::faults::change;

fn applied() -> ChangeUpdate {
    ChangeUpdate {
        state: ChangeState::Applied,
        plan: None,
        answer: None,
        time: SystemTime::UNIX_EPOCH,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_replica_that_was_cut_off_holds_nothing_and_goes_on_under_another_name() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let mut settings = database.impatient();
    let url = proxy.url(server(), &database.url);
    settings.url = DatabaseUrl::parse(&url, Path::new("")).unwrap();
    let one = Store::open(&settings.into()).await.unwrap();
    let two = Store::open(&database.settings().into()).await.unwrap();
    let name = one.leases().replica().to_owned();
    let Acquired::Held(lease) = one.leases().acquire("member").await.unwrap() else {
        panic!("it is free");
    };
    let under = |id: &str| NewChange {
        lease: Some(lease.clone()),
        ..change(id, b"plan")
    };
    let Begun::Fresh(with) = one.changes().begin(under("with")).await.unwrap() else {
        panic!("nothing is in its way");
    };
    let without = one.changes().begin(change("without", b"plan")).await;
    let Begun::Fresh(without) = without.unwrap() else {
        panic!("nothing is in its way");
    };

    let cut = Instant::now();
    proxy.set(Way::Closed);
    let taken = loop {
        // It knows by itself that it may send nothing, before anybody can have taken over.
        let was_fresh = one.leases().is_fresh();
        match two.leases().acquire("member").await.unwrap() {
            Acquired::Held(taken) => {
                assert!(!was_fresh);
                break taken;
            }
            Acquired::Busy => sleep(Duration::from_millis(10)).await,
        }
    };
    let took = cut.elapsed();
    // A heartbeat and a half after the patience of 1.5 s, and a slow machine.
    assert!(
        (Duration::from_millis(1_200)..Duration::from_secs(5)).contains(&took),
        "{took:?}"
    );
    assert!(taken.fence > lease.fence);
    assert!(!two.leases().is_alive(&name).await.unwrap());

    proxy.set(Way::Open);
    while !one.leases().is_fresh() {
        sleep(Duration::from_millis(10)).await;
    }
    assert_ne!(one.leases().replica(), name);
    // Nobody has claimed these changes yet. Their tickets ended with the name that they were begun under.
    for ticket in [with, without] {
        let changes = one.changes();
        assert_eq!(changes.update(ticket, applied()).await.unwrap(), Held::Lost);
        assert_eq!(changes.forget(ticket).await.unwrap(), Held::Lost);
        let claimed = two.changes().claim(ticket).await.unwrap().unwrap();
        let held = two.changes().update(claimed, applied()).await.unwrap();
        assert_eq!(held, Held::Yes);
    }
    let late = one.changes().begin(under("late")).await.unwrap();
    assert_eq!(late, Begun::LeaseLost);
    assert!(!one.leases().release(lease).await.unwrap());
    assert_eq!(
        one.leases().acquire("member").await.unwrap(),
        Acquired::Busy
    );
    assert!(two.leases().release(taken).await.unwrap());
    let again = one.leases().acquire("member").await.unwrap();
    assert!(matches!(again, Acquired::Held(_)), "{again:?}");

    // Whoever is dead leaves no row.
    let count = "DO $$ BEGIN ASSERT (SELECT count(*) FROM kabao.replicas) = 2; END $$";
    server().execute(&database.url, count).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn whoever_leaves_is_not_waited_for_and_does_not_come_back() {
    let database = Database::new().await;
    let settings = database.settings();
    let one = Store::open(&settings.clone().into()).await.unwrap();
    let two = Store::open(&settings.into()).await.unwrap();
    let Acquired::Held(lease) = one.leases().acquire("member").await.unwrap() else {
        panic!("it is free");
    };
    let portions = one.portions().unwrap();
    let all = super::portions::ask("limit", 10);
    portions.share(1, std::slice::from_ref(&all)).await.unwrap();
    let busy = two.leases().acquire("member").await.unwrap();
    assert_eq!(busy, Acquired::Busy);

    one.leases().leave().await.unwrap();
    assert!(!one.leases().is_fresh());
    let taken = two.leases().acquire("member").await.unwrap();
    assert!(matches!(taken, Acquired::Held(_)), "{taken:?}");
    let shared = two
        .portions()
        .unwrap()
        .share(1, std::slice::from_ref(&all))
        .await;
    assert_eq!(shared.unwrap().first().unwrap().held, 10);
    // Whatever it still tries.
    let under = NewChange {
        lease: Some(lease),
        ..change("under", b"plan")
    };
    let begun = one.changes().begin(under).await.unwrap();
    assert_eq!(begun, Begun::LeaseLost);
    let error = one.changes().begin(change("a", b"plan")).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert!(portions.share(2, &[all]).await.unwrap().is_empty());
    let left = format!(
        "DO $$ BEGIN ASSERT (SELECT array_agg(name) FROM kabao.replicas) = '{{{}}}'; END $$",
        two.leases().replica()
    );
    server().execute(&database.url, &left).await.unwrap();
}

/// A process that is gone before it knows that it was taken for dead begins nothing either.
#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn whoever_was_taken_for_dead_begins_nothing_under_the_old_name() {
    let database = Database::new().await;
    // It notices a minute later.
    let settings = database.settings();
    let store = Store::open(&settings.into()).await.unwrap();
    let Acquired::Held(lease) = store.leases().acquire("member").await.unwrap() else {
        panic!("it is free");
    };
    let before = store.changes().begin(change("before", b"plan")).await;
    let Begun::Fresh(ticket) = before.unwrap() else {
        panic!("nothing is in its way");
    };
    let bury = "DELETE FROM kabao.replicas";
    server().execute(&database.url, bury).await.unwrap();
    let under = NewChange {
        lease: Some(lease),
        ..change("under", b"plan")
    };
    let changes = store.changes();
    assert_eq!(changes.begin(under).await.unwrap(), Begun::LeaseLost);
    let error = changes.begin(change("a", b"plan")).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    let error = store.leases().acquire("another").await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert_eq!(changes.update(ticket, applied()).await.unwrap(), Held::Lost);
    assert_eq!(changes.claim(ticket).await.unwrap(), None);
    assert_eq!(changes.forget(ticket).await.unwrap(), Held::Lost);
}

/// Whoever takes a lease over sees what was begun under it, and nothing comes after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_change_is_begun_before_a_takeover_or_not_at_all() {
    let database = Database::new().await;
    // The test buries, and nobody else does.
    let settings = database.settings();
    let heir = Store::open(&settings.clone().into()).await.unwrap();
    // Changes take their time, so that takeovers come in the middle.
    let slow = "CREATE FUNCTION kabao.slow() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END'; \
         CREATE TRIGGER slow BEFORE INSERT ON kabao.changes FOR EACH ROW EXECUTE FUNCTION kabao.slow()";
    server().execute(&database.url, slow).await.unwrap();
    for round in 0..30_u64 {
        let store = Store::open(&settings.clone().into()).await.unwrap();
        let Acquired::Held(lease) = store.leases().acquire("member").await.unwrap() else {
            panic!("it is free");
        };
        let bury = format!(
            "DELETE FROM kabao.replicas WHERE name = '{}'",
            store.leases().replica()
        );
        let burying = tokio::spawn({
            let url = database.url.clone();
            async move { server().execute(&url, &bury).await.unwrap() }
        });
        let new = NewChange {
            subject: Some("member".to_owned()),
            lease: Some(lease),
            ..change(&round.to_string(), b"plan")
        };
        let beginning = tokio::spawn(async move {
            sleep(Duration::from_micros(round * 500)).await;
            store.changes().begin(new).await.unwrap()
        });
        let taken = loop {
            match heir.leases().acquire("member").await.unwrap() {
                Acquired::Held(taken) => break taken,
                Acquired::Busy => {}
            }
        };
        let filter = ChangeFilter {
            states: vec![ChangeState::Intent],
            limit: 10,
            ..ChangeFilter::default()
        };
        let seen = heir.changes().list(&filter).await.unwrap();
        let begun = match beginning.await.unwrap() {
            Begun::Fresh(ticket) => vec![ticket],
            Begun::LeaseLost => Vec::new(),
            other => panic!("{other:?}"),
        };
        let tickets: Vec<_> = seen.iter().map(|change| change.ticket).collect();
        assert_eq!(tickets, begun, "round {round}");
        for ticket in tickets {
            let claimed = heir.changes().claim(ticket).await.unwrap().unwrap();
            heir.changes().update(claimed, applied()).await.unwrap();
        }
        burying.await.unwrap();
        heir.leases().release(taken).await.unwrap();
    }
}
