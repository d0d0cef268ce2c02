//! What load balancers hear.

use std::time::Duration;

use kabao_gateway::config::Settings;
use tokio::time::{Instant, sleep, timeout};

use crate::good::THERE;
use crate::raw::{LIST_ACCOUNTS, Raw, call, streams};
use crate::running::{CALLS, PATIENCE, page, settings, start, until};

const AFTER: Duration = Duration::from_millis(200);

fn of_sixteen() -> Settings {
    let mut settings = settings();
    settings.grpc.limits.max_concurrent_requests = 16;
    settings.grpc.limits.max_requests_per_connection = 4;
    settings.grpc.limits.max_requests_per_address = 12;
    settings.admin.overloaded_after = AFTER;
    settings
}

#[tokio::test]
async fn a_gateway_without_room_is_alive_and_not_ready_until_there_is_room() {
    let mut settings = of_sixteen();
    settings.grpc.limits.max_requests_per_connection = 16;
    settings.grpc.limits.max_requests_per_address = 16;
    let gateway = start(&settings).await;
    let admin = gateway.admin();
    let mut raw = Raw::open(gateway.grpc(), THERE, &[]).await;
    let calls: Vec<u8> = streams(16).flat_map(|it| call(it, LIST_ACCOUNTS)).collect();
    raw.say(&calls).await.unwrap();

    let says = async |status: &str, body: &str| {
        let said = async {
            loop {
                let said = page(admin, "/readyz").await;
                if said.starts_with(status) && said.ends_with(body) {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, said).await.expect("it is told");
    };
    says("HTTP/1.1 503 ", "\r\n\r\noverloaded\n").await;
    let alive = page(admin, "/healthz").await;
    assert!(alive.starts_with("HTTP/1.1 200 "), "{alive}");
    drop(raw);
    says("HTTP/1.1 200 ", "\r\n\r\nready\n").await;
}

/// It would otherwise be enough to fill the share of one caller to have a whole gateway taken out of service.
#[tokio::test]
async fn one_caller_alone_does_not_make_a_gateway_unready() {
    let gateway = start(&of_sixteen()).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        let mut raw = Raw::open(gateway.grpc(), THERE, &[]).await;
        let calls: Vec<u8> = streams(16).flat_map(|it| call(it, LIST_ACCOUNTS)).collect();
        raw.say(&calls).await.unwrap();
        held.push(raw);
    }
    until(gateway.admin(), CALLS, |calls| calls == 12).await;
    let full = Instant::now();
    while full.elapsed() < 2 * AFTER {
        let ready = page(gateway.admin(), "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    }
}
