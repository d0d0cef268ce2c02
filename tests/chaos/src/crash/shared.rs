//! Two gateways over one database, in processes of their own.

use std::io;
use std::path::Path;
use std::time::Duration;

use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::change::State;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{AdjustPointsRequest, GetChangeRequest};
use kabao_sandbox::{Fault, FaultRule, Running, Sandbox};
use kabao_store::testing::PostgresServer;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};

use super::gateway::Gateway;
use super::soon;

const MEMBER: &str =
    "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278";
const CHANGE: &str = "accounts/demo-official-account/changes/taken-over";

/// Two gateways and the server of their database.
pub(super) struct Shared {
    pub(super) gateways: [Gateway; 2],
    pub(super) server: PostgresServer,
}

impl Shared {
    /// What lets a history not take long.
    pub(super) const IMPATIENT: &str = "takeover_after = \"3s\"";
    /// Longer than it takes until the other gateway has taken over: that patience, two periods of a heartbeat, and one
    /// of the reconciler.
    pub(super) const TAKEOVER: Duration = Duration::from_secs(5);

    /// Starts them with the demo accounts of the sandbox, and with more in the section of their store.
    pub(super) async fn start(
        executable: &Path,
        folder: &Path,
        sandbox: &Running,
        more: &str,
    ) -> io::Result<Self> {
        let server = PostgresServer::start()?;
        let store = format!(
            "[store]\nurl = {:?}\nkey_file = {:?}\n{more}\n",
            server.database().await?,
            folder.join("store.key")
        );
        let start = |name: &str| {
            let folder = folder.join(name);
            let store = store.clone();
            async move { Gateway::start(executable, &folder, sandbox, &store).await }
        };
        Ok(Self {
            gateways: [start("first").await?, start("second").await?],
            server,
        })
    }
}

/// Kills one of two gateways, as they are by default, while a change of it is in flight; nobody repeats the call. Returns
/// how long after that the other one has brought the change to its end, and how many effects it has.
///
/// # Errors
/// If the change does not end, or something outside of the gateways does not work.
pub async fn takeover(executable: &Path, folder: &Path) -> io::Result<(Duration, usize)> {
    let sandbox = Sandbox::builder().directory(folder.join("sandbox"));
    let sandbox = sandbox.start().await.map_err(io::Error::other)?;
    let shared = Shared::start(executable, folder, &sandbox, "").await?;
    let [mut first, second] = shared.gateways;
    let hang = FaultRule::next(Fault::Hang { applied: true });
    let hang = hang.on("official_account.member.update_user").times(1);
    sandbox.inject(hang).map_err(io::Error::other)?;
    let mut members = MemberServiceClient::new(channel(&first)?);
    let request = AdjustPointsRequest {
        name: MEMBER.to_owned(),
        change: Some(Change::Add(7)),
        request_id: "taken-over".to_owned(),
        ..AdjustPointsRequest::default()
    };
    let call = tokio::spawn(async move { members.adjust_points(request).await });
    if !soon(|| async { sandbox.faults().is_empty() }).await {
        return Err(io::Error::other("the request has not arrived"));
    }
    first.kill().await?;
    let killed = Instant::now();
    let changes = ChangeServiceClient::new(channel(&second)?);
    let has_ended = soon(|| async {
        let name = CHANGE.to_owned();
        let change = changes.clone().get_change(GetChangeRequest { name }).await;
        change.is_ok_and(|change| change.into_inner().state() == State::Applied)
    });
    if !has_ended.await {
        return Err(io::Error::other("nobody takes the change over"));
    }
    let took = killed.elapsed();
    let heard = call.await.map_err(io::Error::other)?;
    let effects = sandbox.ledger().len();
    second.stop().await?;
    sandbox.shutdown().await;
    match heard {
        Ok(_) => Err(io::Error::other("a killed gateway has answered")),
        Err(_) => Ok((took, effects)),
    }
}

fn channel(gateway: &Gateway) -> io::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", gateway.address()));
    Ok(endpoint.map_err(io::Error::other)?.connect_lazy())
}
