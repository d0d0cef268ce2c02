//! Access tokens: ended at random, and shared by several clients.

use std::sync::Arc;
use std::time::Duration;

use kabao_client::Client;
use kabao_models::official_account::card::BatchGetCards;
use kabao_sandbox::{ExchangeFilter, Running};
use kabao_store::{EmbeddedSettings, Store};
use serde_json::json;
use tokio::time::{Instant, timeout};

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

/// Lets tokens live for a few seconds, and ends the one that the gateway of a sandbox fetches at its start.
pub(crate) async fn shorten(sandbox: &Running, seconds: i64) {
    let fetched = sandbox.wait_until(|sandbox| fetches(sandbox) > 0);
    timeout(PATIENCE, fetched).await.unwrap();
    let mut settings = sandbox.settings();
    let before = settings.official_account.token_seconds;
    settings.official_account.token_seconds = seconds;
    sandbox.set_settings(settings);
    sandbox.advance(before);
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
    let world = World::start().await;
    shorten(world.sandbox(), 4).await;
    let folder = std::env::temp_dir().join(format!("kabao-e2e-tokens-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let settings = EmbeddedSettings::new(&folder).into();
    let store = Store::open(&settings).await.unwrap();
    let clients: Vec<Client> = (0..3)
        .map(|_| {
            let name = OFFICIAL_ACCOUNT.account;
            let client = World::official_account(name, world.sandbox(), false);
            client.keep_credentials(&store.credentials());
            client
        })
        .collect();
    let before = fetches(world.sandbox());
    let load = Arc::new(Load::new(3));
    let workers: Vec<_> = clients
        .iter()
        .enumerate()
        .map(|(worker, client)| {
            let (client, load) = (client.clone(), Arc::clone(&load));
            tokio::spawn(async move {
                let call = |_| async {
                    let context = client.context();
                    client.call(&context, BatchGetCards::new(0, 1)).await
                };
                load.run(worker, call).await;
            })
        })
        .collect();
    let begin = Instant::now();
    let renewed = world
        .sandbox()
        .wait_until(|sandbox| fetches(sandbox) >= before + 3);
    timeout(PATIENCE, renewed).await.unwrap();
    load.survived().await;
    let elapsed = begin.elapsed();
    load.end();
    for worker in workers {
        worker.await.unwrap();
    }
    let fetched = fetches(world.sandbox()) - before;
    // A token is renewed after three of its four seconds.
    let expiries = elapsed.as_secs() / Duration::from_secs(3).as_secs() + 1;
    assert!(
        u64::try_from(fetched).unwrap() <= expiries,
        "{fetched} in {elapsed:?}"
    );
    drop((clients, store));
    std::fs::remove_dir_all(&folder).unwrap();
}
