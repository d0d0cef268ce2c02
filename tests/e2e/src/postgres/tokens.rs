//! Access tokens of several gateways with one database.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Replicas, server};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::load::Load;
use crate::tokens::{fetches, shorten};
use crate::world::{PATIENCE, get_member};

/// Reads a member through each of the gateways until the load is over.
fn calls(replicas: &Replicas, load: &Arc<Load>) -> Vec<tokio::task::JoinHandle<()>> {
    let workers = (0..replicas.gateways.len()).map(|index| {
        let (members, load) = (replicas.members(index), Arc::clone(load));
        tokio::spawn(async move {
            let call = |_| {
                let mut members = members.clone();
                async move { members.get_member(get_member(&OFFICIAL_ACCOUNT)).await }
            };
            load.run(index, call).await;
        })
    });
    workers.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn three_gateways_fetch_one_token_per_expiry() {
    let mut replicas = Replicas::start(server()).await;
    replicas.join().await;
    shorten(&replicas.sandbox, 4).await;
    let before = fetches(&replicas.sandbox);
    let begin = Instant::now();
    let load = Arc::new(Load::new(3));
    let workers = calls(&replicas, &load);
    // The first one replaces what all of them held and WeChat has ended.
    let renewed = replicas
        .sandbox
        .wait_until(|sandbox| fetches(sandbox) >= before + 3);
    timeout(PATIENCE, renewed).await.unwrap();
    load.survived().await;
    let elapsed = begin.elapsed();
    load.end();
    for worker in workers {
        worker.await.unwrap();
    }
    let fetched = fetches(&replicas.sandbox) - before;
    // A token is renewed after three of its four seconds.
    let expiries = elapsed.as_secs() / Duration::from_secs(3).as_secs() + 1;
    assert!(
        u64::try_from(fetched).unwrap() <= expiries,
        "{fetched} in {elapsed:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn without_the_database_each_gateway_goes_on_and_renews_its_token() {
    let server = kabao_store::testing::PostgresServer::start().unwrap();
    let replicas = Replicas::start(&server).await;
    shorten(&replicas.sandbox, 4).await;
    let load = Arc::new(Load::new(2));
    let workers = calls(&replicas, &load);
    load.survived().await;
    server.kill().unwrap();
    let before = fetches(&replicas.sandbox);
    // Each renews it once at least, with nobody to agree with.
    let renewed = replicas
        .sandbox
        .wait_until(|sandbox| fetches(sandbox) >= before + 4);
    timeout(PATIENCE, renewed).await.unwrap();
    load.survived().await;
    load.end();
    for worker in workers {
        worker.await.unwrap();
    }
}
