//! Access tokens: ended at random, and shared by several clients.

use std::sync::Arc;

use kabao_models::official_account::card::BatchGetCards;
use kabao_sandbox::{ExchangeFilter, Running};
use kabao_store::{EmbeddedSettings, Store};
use serde_json::json;
use tokio::time::timeout;

use crate::demo::OFFICIAL_ACCOUNT;
use crate::load::Load;
use crate::world::{PATIENCE, World};

const FETCH: &str = "official_account.stable_token.get";

/// How often WeChat was asked for a token.
pub(crate) fn fetches(sandbox: &Running) -> usize {
    let filter = ExchangeFilter {
        operation: Some(FETCH.to_owned()),
        ..ExchangeFilter::default()
    };
    sandbox.requests(&filter).len()
}

/// Ends the token of an account as time does, whoever holds it.
pub(crate) fn expire(sandbox: &Running) {
    sandbox.advance(sandbox.settings().official_account.token_seconds);
}

#[tokio::test]
async fn a_token_that_is_ended_at_any_moment_costs_no_call() {
    const ENDED: usize = 30;
    let world = World::start().await;
    let load = Load::new(4);
    let path = format!("/actions/{}/revoke-tokens", OFFICIAL_ACCOUNT.account);
    let script = async {
        for _ in 0..ENDED {
            load.survived().await;
            world.order("POST", &path, &json!({})).await;
        }
        load.survived().await;
        load.end()
    };
    let call = |_| world.get_member(&OFFICIAL_ACCOUNT);
    let (.., calls) = tokio::join!(
        load.run(0, call),
        load.run(1, call),
        load.run(2, call),
        load.run(3, call),
        script
    );
    assert!(calls > ENDED * 12, "{calls}");
    assert_eq!(fetches(world.sandbox()), ENDED + 1, "one refresh each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_clients_on_one_store_fetch_one_token_per_expiry() {
    const EXPIRIES: usize = 10;
    let world = World::start().await;
    // The gateway of this world fetches a token for itself at its start.
    let fetched = world.sandbox().wait_until(|sandbox| fetches(sandbox) > 0);
    timeout(PATIENCE, fetched).await.unwrap();
    let before = fetches(world.sandbox());
    let folder = std::env::temp_dir().join(format!("kabao-e2e-tokens-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let settings = EmbeddedSettings::new(&folder).into();
    let store = Store::open(&settings).await.unwrap();
    let load = Arc::new(Load::new(3));
    let workers: Vec<_> = (0..3)
        .map(|worker| {
            let client = World::official_account(OFFICIAL_ACCOUNT.account, world.sandbox(), false);
            client.keep_credentials(&store.lent_credentials());
            let load = Arc::clone(&load);
            tokio::spawn(async move {
                let call = |_| async {
                    let context = client.context();
                    client.call(&context, BatchGetCards::new(0, 1)).await
                };
                load.run(worker, call).await;
            })
        })
        .collect();
    for expiries in 0..=EXPIRIES {
        load.survived().await;
        assert_eq!(fetches(world.sandbox()), before + 1 + expiries);
        expire(world.sandbox());
    }
    load.survived().await;
    load.end();
    for worker in workers {
        worker.await.unwrap();
    }
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
}
