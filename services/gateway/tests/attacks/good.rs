//! A caller that does nothing wrong.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use kabao_proto::kabao::v1::ListAccountsRequest;
use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Where attackers come from.
pub(crate) const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Where they do not come from.
pub(crate) const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// The slowest call of a good caller may take so long on a machine that is busy with other things. It is far less than
/// any time for which an attack lasts.
const SLOWEST: Duration = Duration::from_secs(3);

pub(crate) async fn channel(address: SocketAddr, from: IpAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.local_address(Some(from)).connect().await.unwrap()
}

/// Calls a few times, on a connection of its own for each address; nothing may go wrong.
pub(crate) async fn callers_lose_nothing(address: SocketAddr) {
    for from in [ELSEWHERE, THERE] {
        caller_loses_nothing(&channel(address, from).await).await;
    }
}

/// Calls a few times, also for health; nothing may go wrong.
pub(crate) async fn caller_loses_nothing(channel: &Channel) {
    let mut accounts = AccountServiceClient::new(channel.clone());
    let mut health = HealthClient::new(channel.clone());
    for _ in 0..20 {
        let start = Instant::now();
        let answer = accounts.list_accounts(ListAccountsRequest::default()).await;
        answer.unwrap_or_else(|status| panic!("a call: {status}"));
        let answer = health.check(HealthCheckRequest::default()).await;
        answer.unwrap_or_else(|status| panic!("health: {status}"));
        assert!(start.elapsed() < SLOWEST, "{:?}", start.elapsed());
    }
}
