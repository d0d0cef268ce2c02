//! Gateways that share WeChat's limit of ten calls a second, in front of a WeChat that enforces it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kabao_proto::kabao::brand::v1::ListUserCardsRequest;
use kabao_proto::kabao::brand::v1::user_card_service_client::UserCardServiceClient;
use kabao_sandbox::ExchangeFilter;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::*;
use crate::demo::{BRAND, BRAND_ID};
use crate::refused_by_wechat::credential_of;

/// Gateways that have this account alone.
async fn strict() -> Replicas {
    let replicas = Replicas::start_with(server(), |sandbox| {
        let builder = Client::brand(BRAND.account)
            .base_url(sandbox.base_url())
            .root_certificates(sandbox.ca_pem())
            .brand_id(BRAND_ID)
            .provider(credential_of(sandbox, BRAND.account));
        vec![builder.build().unwrap()]
    });
    let replicas = replicas.await;
    let mut settings = replicas.sandbox.settings();
    settings.answers.enforce_rate_limits = true;
    replicas.sandbox.set_settings(settings);
    replicas
}

/// Callers of one gateway, some at a time, until they are dropped. What is asked for is asked for once, so that no two
/// calls are one; and `served` counts calls that were answered.
fn push(channel: &Channel, at_once: i64, offsets: i64) -> (JoinSet<()>, Arc<AtomicI64>) {
    let served = Arc::new(AtomicI64::new(0));
    let next = Arc::new(AtomicI64::new(offsets));
    let mut callers = JoinSet::new();
    for _ in 0..at_once {
        let mut cards = UserCardServiceClient::new(channel.clone());
        let (served, next) = (Arc::clone(&served), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let request = ListUserCardsRequest {
                    account: BRAND.account(),
                    brand_id: BRAND_ID.to_owned(),
                    openid: BRAND.openid.to_owned(),
                    offset: Some(next.fetch_add(1, Ordering::Relaxed)),
                    limit: 20,
                    ..ListUserCardsRequest::default()
                };
                if cards.list_user_cards(request).await.is_ok() {
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    (callers, served)
}

/// How many are served within so many seconds.
async fn count(served: &[&AtomicI64], seconds: u64) -> i64 {
    let total = || served.iter().map(|one| one.load(Ordering::Relaxed)).sum();
    let (before, begun): (i64, _) = (total(), Instant::now());
    sleep_until(begun + Duration::from_secs(seconds)).await;
    let after: i64 = total();
    after - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn gateways_share_a_limit_and_that_of_a_dead_one_returns() {
    let mut replicas = strict().await;
    let channels: Vec<_> = replicas
        .gateways
        .iter()
        .map(|(_, channel)| channel.clone())
        .collect();
    let (mut first, of_first) = push(&channels[0], 12, 0);
    // One is busy, and the other one is idle.
    count(&[&of_first], 3).await;
    let alone = count(&[&of_first], 6).await;
    assert!(alone >= 57, "{alone} of 60");

    let (_second, of_second) = push(&channels[1], 12, 1_000_000);
    count(&[&of_first], 4).await;
    let (both, second): ([&AtomicI64; 2], [&AtomicI64; 1]) =
        ([&of_first, &of_second], [&of_second]);
    let (together, own) = tokio::join!(count(&both, 6), count(&second, 6));
    assert!(together >= 57, "{together} of 60");
    assert!((24..=36).contains(&own), "{own} of 30");

    // The first one dies.
    first.shutdown().await;
    drop(replicas.gateways.remove(0));
    count(&[&of_second], 10).await;
    let alone = count(&[&of_second], 6).await;
    assert!(alone >= 57, "{alone} of 60");

    let all = replicas.sandbox.requests(&ExchangeFilter::default());
    let refused = all.iter().filter(|seen| seen.status == Some(429)).count();
    assert_eq!(refused, 0, "of {}", all.len());
}
