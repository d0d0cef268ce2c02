//! Asks before announcing: the health service over the wire, and WeChat's side with every account's keys.

use std::net::SocketAddr;
use std::time::Duration;

use kabao_api::{Account, CallContext};
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::error::DevError;
use crate::gateway::Gateway;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(gateway: &Gateway) -> Result<(), DevError> {
    timeout(PATIENCE, async {
        health(gateway.grpc()).await?;
        for account in gateway.roster().accounts().list() {
            signed_call(&account).await?;
        }
        Ok(())
    })
    .await
    .map_err(|_| failed("no answer", "timeout"))?
}

async fn health(grpc: SocketAddr) -> Result<(), DevError> {
    let channel = Endpoint::from_shared(format!("http://{grpc}"))
        .map_err(|error| failed("the gRPC address", error))?
        .connect()
        .await
        .map_err(|error| failed("connecting to the gateway", error))?;
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .map_err(|status| failed("the gateway's health", status.code()))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        other => Err(failed("the gateway's health", other.as_str_name())),
    }
}

/// A read that proves TLS, keys, signatures on both ways, and for official accounts the access token.
async fn signed_call(account: &Account) -> Result<(), DevError> {
    let proved = async {
        let context = CallContext::new(account.id.clone(), "self-check".parse()?);
        account.state.check(&context).await.map(drop)
    };
    proved
        .await
        .map_err(|error| failed(account.id.as_str(), error))
}

fn failed(what: &str, why: impl std::fmt::Display) -> DevError {
    DevError::SelfCheck(format!("{what}: {why}"))
}
