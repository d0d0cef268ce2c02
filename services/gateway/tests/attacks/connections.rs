//! Connections that are opened and not used.

use std::time::Duration;

use crate::good::{ELSEWHERE, THERE, caller_loses_nothing, channel};
use crate::raw::Raw;
use crate::running::{PATIENCE, metric, settings, start};

const REFUSED: &str = r#"kabao_connections_refused_total{kabao_bound="caller"}"#;

#[tokio::test]
async fn one_address_does_not_take_every_connection() {
    let mut settings = settings();
    settings.grpc.limits.max_connections = 16;
    settings.grpc.limits.max_connections_per_address = 12;
    settings.grpc.timeouts.preface = Duration::from_secs(1);
    let gateway = start(&settings).await;
    let (admin, grpc) = (gateway.admin(), gateway.grpc());

    let before = channel(grpc, THERE).await;
    caller_loses_nothing(&before).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Raw::silent(grpc, THERE).await);
    }
    caller_loses_nothing(&channel(grpc, ELSEWHERE).await).await;
    caller_loses_nothing(&before).await;
    assert!(metric(admin, REFUSED).await > 0);

    // All of them are thrown out, also those that were taken.
    let ended = async {
        for mut raw in silent {
            assert!(raw.hear().await.is_none());
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.expect("every silent connection ends");
    caller_loses_nothing(&channel(grpc, THERE).await).await;
}
