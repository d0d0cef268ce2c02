//! Access tokens of several gateways with one database.

use std::sync::Arc;

use super::{Replicas, server};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::load::Load;
use crate::tokens::{expire, fetches};
use crate::world::get_member;

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
    const EXPIRIES: usize = 5;
    let mut replicas = Replicas::start(server()).await;
    replicas.join().await;
    let load = Arc::new(Load::new(3));
    let workers = calls(&replicas, &load);
    load.survived().await;
    let before = fetches(&replicas.sandbox);
    for expiries in 1..=EXPIRIES {
        expire(&replicas.sandbox);
        load.survived().await;
        assert_eq!(fetches(&replicas.sandbox), before + expiries);
    }
    load.end();
    for worker in workers {
        worker.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn without_the_database_each_gateway_goes_on_and_renews_its_token() {
    let server = kabao_store::testing::PostgresServer::start().unwrap();
    let replicas = Replicas::start(&server).await;
    let load = Arc::new(Load::new(2));
    let workers = calls(&replicas, &load);
    load.survived().await;
    server.kill().unwrap();
    let before = fetches(&replicas.sandbox);
    // Each fetches the same token, with nobody to agree with.
    expire(&replicas.sandbox);
    load.survived().await;
    assert_eq!(fetches(&replicas.sandbox), before + 2);
    load.end();
    for worker in workers {
        worker.await.unwrap();
    }
}
