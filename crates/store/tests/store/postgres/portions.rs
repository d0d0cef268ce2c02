//! Portions of limits among processes that share a database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kabao_api::portions::{Ask, Need, Portions, conformance};
use kabao_store::{DatabaseUrl, Store};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::proxy::{Proxy, Way};
use super::{Database, server};

async fn portions(database: &Database) -> (Store, Arc<dyn Portions>) {
    let store = Store::open(&database.settings().into()).await.unwrap();
    let portions = store.portions().unwrap();
    (store, portions)
}

pub(super) fn ask(limit: &str, wanted: u32) -> Ask {
    Ask {
        limit: limit.to_owned(),
        capacity: 10,
        wanted,
        need: Need {
            calls: wanted,
            starved: 0,
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_database_keeps_portions_as_the_model_does() {
    let database = Database::new().await;
    let (_one, one) = portions(&database).await;
    let (_two, two) = portions(&database).await;
    conformance::check(&*one, &*two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn all_that_ask_at_once_for_all_limits_never_hold_too_much() {
    let database = Database::new().await;
    let mut replicas = JoinSet::new();
    let names: Vec<_> = (0..20).map(|number| format!("limit {number}")).collect();
    let (give, mut held) = tokio::sync::mpsc::channel(64);
    for replica in 0..4_usize {
        let (store, portions) = portions(&database).await;
        let (mut names, give) = (names.clone(), give.clone());
        // Each in another order.
        names.rotate_left(replica * 5);
        replicas.spawn(async move {
            for round in 1..=40_u32 {
                let wanted = (round * 7 + u32::try_from(replica).unwrap() * 3) % 11;
                let asks: Vec<_> = names.iter().map(|name| ask(name, wanted)).collect();
                let answer = portions.share(round.into(), &asks).await.unwrap();
                assert_eq!(answer.len(), names.len());
                for shared in answer {
                    let others: u32 = shared.others.iter().map(|other| other.held).sum();
                    give.send(shared.held + others).await.unwrap();
                }
            }
            drop(store);
        });
    }
    drop(give);
    let mut most = 0;
    while let Some(held) = held.recv().await {
        most = most.max(held);
    }
    replicas.join_all().await;
    assert_eq!(most, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn all_that_are_the_first_to_ask_for_a_limit_get_an_answer() {
    let database = Database::new().await;
    let mut replicas = Vec::new();
    for _ in 0..4 {
        replicas.push(portions(&database).await);
    }
    for round in 1..=50_u64 {
        let mut first = JoinSet::new();
        for (_, portions) in &replicas {
            let portions = Arc::clone(portions);
            let name = format!("limit {round}");
            first.spawn(async move { portions.share(round, &[ask(&name, 2)]).await.unwrap() });
        }
        for answer in first.join_all().await {
            assert_eq!(answer.len(), 1, "round {round}");
            assert_eq!(answer[0].held, 2, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn the_portion_of_one_that_was_cut_off_returns_after_it_was_kept_for_it() {
    let database = Database::new().await;
    let proxy = Proxy::new(server());
    let mut settings = database.impatient();
    let url = proxy.url(server(), &database.url);
    settings.url = DatabaseUrl::parse(&url, Path::new("")).unwrap();
    let cut_off = Store::open(&settings.into()).await.unwrap();
    let one = cut_off.portions().unwrap();
    let (_two, two) = portions(&database).await;
    let mut round = 1;
    let asked = Instant::now();
    let answer = one.share(round, &[ask("a", 10)]).await.unwrap();
    assert_eq!(answer.first().unwrap().held, 10);

    let cut = Instant::now();
    proxy.set(Way::Closed);
    loop {
        round += 1;
        let answer = two.share(round, &[ask("a", 10)]).await.unwrap();
        if answer.first().unwrap().held > 0 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(asked.elapsed() >= one.kept_for());
    assert!(
        cut.elapsed() < Duration::from_secs(5),
        "{:?}",
        cut.elapsed()
    );

    assert!(one.share(round, &[ask("a", 10)]).await.is_err());
    proxy.set(Way::Open);
    // It goes on under another name, and holds what is left.
    let held = loop {
        round += 1;
        match one.share(round, &[ask("a", 10)]).await {
            Ok(answer) if !answer.is_empty() => break answer.first().unwrap().held,
            _ => sleep(Duration::from_millis(20)).await,
        }
    };
    assert_eq!(held, 0);
    two.share(round, &[ask("a", 6)]).await.unwrap();
    let answer = one.share(round + 1, &[ask("a", 10)]).await.unwrap();
    assert_eq!(answer.first().unwrap().held, 4);
    assert_eq!(answer.first().unwrap().others.len(), 1, "the dead are gone");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn limits_that_nobody_has_used_for_long_are_removed_by_upkeep() {
    let database = Database::new().await;
    let (store, portions) = portions(&database).await;
    let asks = ["used", "held", "unused"].map(|name| ask(name, 10));
    portions.share(1, &asks).await.unwrap();
    let gives_back = [ask("used", 0), ask("unused", 0)];
    portions.share(2, &gives_back).await.unwrap();
    let days_ago =
        "UPDATE kabao.limits SET used = now() - interval '2 days' WHERE name IN ('held', 'unused')";
    server().execute(&database.url, days_ago).await.unwrap();
    let changes = store.changes();
    let sweep = || changes.sweep(std::time::SystemTime::UNIX_EPOCH, 1);
    sweep().await.unwrap();
    let left = "DO $$ BEGIN ASSERT (SELECT array_agg(name ORDER BY name) FROM kabao.limits) = '{held, used}'; END $$";
    server().execute(&database.url, left).await.unwrap();
    // It is made again for whoever asks.
    let answer = portions.share(3, &[ask("unused", 10)]).await.unwrap();
    assert_eq!(answer.first().unwrap().held, 10);
    // What a dead one held keeps nothing.
    server()
        .execute(&database.url, "DELETE FROM kabao.replicas")
        .await
        .unwrap();
    sweep().await.unwrap();
    let left = "DO $$ BEGIN ASSERT (SELECT array_agg(name ORDER BY name) FROM kabao.limits) = '{unused, used}'; END $$";
    server().execute(&database.url, left).await.unwrap();
}
